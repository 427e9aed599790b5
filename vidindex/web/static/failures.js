// The view of what could not be used, and why.

import { get } from "./api.js";
import { empty } from "./clusters.js";
import { el } from "./dom.js";
import { counted } from "./texts.js";

/** Show the files that could not be decoded or read. */
export async function showFailures(view) {
  const { rows } = await get("/api/failures");
  const title = el("h1", {}, "Failures");
  if (!rows.length) {
    view.replaceChildren(title, empty("No failures.", null, "Every file that was found could be read and decoded."));
    return;
  }
  view.replaceChildren(
    title,
    el(
      "p",
      { class: "lead" },
      `${counted(rows.length, "file")} could not be used. They are tried again when they change, or with `,
      el("code", {}, "vidindex index --retry-failed"),
      ".",
    ),
    el(
      "table",
      { class: "failures" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "File"), el("th", { scope: "col" }, "Reason"))),
      el("tbody", {}, rows.map((row) => el("tr", {}, el("td", { class: "path" }, row.path), el("td", {}, row.reason)))),
    ),
  );
}
