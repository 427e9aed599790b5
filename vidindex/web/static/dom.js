// Elements made from plain values. A text always becomes a text node, never markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  close: "M6 6l12 12M18 6L6 18",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  pin: "M9 4h6l-1 6 3 3H7l3-3zM12 13v7",
  left: "M15 5l-7 7 7 7",
  right: "M9 5l7 7-7 7",
};

/**
 * Make an element.
 * @param {string} tag
 * @param {Object} attributes `class`, `onclick` and the like (listeners), `data` (an object), any
 *   attribute; true sets an empty one; false, null and undefined set none.
 * @param {...(Node|string|number|null|false)} children
 */
export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "data") Object.assign(element.dataset, value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false));
  return element;
}

/** Make a button; quiet ones have no frame until they are pointed at. */
export function button(label, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, label);
}

/** Make a button that shows only an icon, and says its label. */
export function iconButton(name, label, onclick, attributes = {}) {
  return button(icon(name), onclick, {
    class: "quiet square",
    "aria-label": label,
    title: label,
    ...attributes,
  });
}

/** Draw an icon; it says nothing to a screen reader. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

let numbered = 0;

/** Return an id that no other element has. */
export function freshId(start) {
  numbered += 1;
  return `${start}-${numbered}`;
}

/**
 * Open a dialog over the page; Escape, its button and a click beside it close it.
 * @param {string} title
 * @param {Node[]} content
 * @param {Object} options `class`, and `onclose`, called once it is closed.
 */
export function openDialog(title, content, options = {}) {
  const heading = freshId("dialog");
  const close = () => dialog.close();
  const dialog = el(
    "dialog",
    { class: options.class, "aria-labelledby": heading },
    el(
      "div",
      { class: "dialog-inside" },
      el("header", {}, el("h2", { id: heading }, title), iconButton("close", "Close", close)),
      ...content,
    ),
  );
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) close();
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    options.onclose?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Ask a question; resolves to whether the answer is yes. */
export function confirmed(question, detail, yes) {
  return new Promise((resolve) => {
    let answer = false;
    const decide = () => {
      answer = true;
      dialog.close();
    };
    const dialog = openDialog(
      question,
      [
        el("p", {}, detail),
        el(
          "div",
          { class: "actions" },
          button("Cancel", () => dialog.close()),
          button(yes, decide, { class: "primary", autofocus: true }),
        ),
      ],
      { class: "small", onclose: () => resolve(answer) },
    );
    dialog.querySelector(".primary").focus();
  });
}
