// One video as a tile: its picture, which walks through the video while it is pointed at.

import { el, icon, iconButton } from "./dom.js";
import { clock } from "./texts.js";

const STEP_MS = 450;
const DEFAULT_SIZE = { width: 240, height: 135 };
// Pictures of such an aspect fill their tile; little of them is cut off.
const LANDSCAPE = { least: 1.25, most: 1.9 };
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

/** The address of a picture of a video. */
export function thumbnail(video, position) {
  return `/thumbnails/${video.id}/${position}`;
}

/** The picture that stands for a video: the one in the middle; a box where there is none. */
export function picture(video) {
  const { width, height } = video.width && video.height ? video : DEFAULT_SIZE;
  if (!video.thumbnails) return el("span", { class: "no-picture" }, "no picture");
  const isLandscape = width / height > LANDSCAPE.least && width / height < LANDSCAPE.most;
  return el("img", {
    class: isLandscape ? "landscape" : null,
    src: thumbnail(video, middle(video)),
    alt: "",
    width,
    height,
    loading: "lazy",
    decoding: "async",
    draggable: "false",
  });
}

/**
 * Make the tile of a video.
 * @param {Object} video as the server tells it
 * @param {Object} options onplay(video); onmenu(video), or none where a tile has no menu;
 *   caption: a node below the name.
 */
export function tile(video, { onplay, onmenu = null, caption = null }) {
  const open = el(
    "a",
    { class: "tile-open", role: "button", "aria-label": describe(video), draggable: "false" },
    picture(video),
    el("span", { class: "duration" }, clock(video.duration_s)),
    el("span", { class: "dots", "aria-hidden": "true" }),
  );
  open.tabIndex = 0;
  if (video.file !== null) open.href = `/media/${video.file}`;
  open.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    onplay(video);
  });
  if (video.thumbnails > 1) walkWhileWatched(open, video);
  const menu = onmenu
    ? iconButton("more", `Move ${video.name} to…`, () => onmenu(video), {
        class: "quiet square tile-menu",
        tabindex: "-1",
        "aria-haspopup": "dialog",
      })
    : null;
  const name = el("span", { class: "tile-name", title: video.path }, video.name);
  return el(
    "li",
    { class: "tile", data: { id: video.id } },
    open,
    el("span", { class: "tile-foot" }, pinMark(video), name, menu),
    caption,
  );
}

function describe(video) {
  const parts = [`Play ${video.name}`, clock(video.duration_s)];
  if (video.pinned) parts.push("pinned");
  if (video.placed_later) parts.push("placed later");
  return parts.filter(Boolean).join(", ");
}

function pinMark(video) {
  if (!video.pinned) return null;
  return el("span", { class: "pin", title: "Pinned: it stays in this cluster" }, icon("pin"));
}

function middle(video) {
  return Math.floor(video.thumbnails / 2);
}

/** Step through the pictures once while the tile is pointed at or has the focus. */
function walkWhileWatched(open, video) {
  const image = open.querySelector("img");
  const dots = open.querySelector(".dots");
  let timer = null;
  let step = 0;

  const stop = () => {
    clearInterval(timer);
    timer = null;
    image.src = thumbnail(video, middle(video));
    dots.replaceChildren();
  };
  const advance = () => {
    if (step === video.thumbnails) {
      stop();
      return;
    }
    image.src = thumbnail(video, step);
    [...dots.children].forEach((dot, position) => dot.classList.toggle("on", position === step));
    step += 1;
  };
  const start = () => {
    if (timer !== null || still.matches) return;
    step = 0;
    dots.replaceChildren(...Array.from({ length: video.thumbnails }, () => el("i")));
    advance();
    timer = setInterval(advance, STEP_MS);
  };
  open.addEventListener("pointerenter", start);
  open.addEventListener("pointerleave", stop);
  open.addEventListener("focus", () => open.matches(":focus-visible") && start());
  open.addEventListener("blur", stop);
}
