// The page of `vidindex serve`: which view is shown, and the keys that work everywhere.

import { get } from "./api.js";
import { showClusters } from "./clusters.js";
import { showCompare } from "./compare.js";
import { showDuplicates } from "./duplicates.js";
import { button, el } from "./dom.js";
import { showFailures } from "./failures.js";
import { showHelp, usesSingleKeys } from "./help.js";
import { follow, tellEnd } from "./jobs.js";
import { showMap } from "./map.js";
import { attempt, calm } from "./messages.js";
import { showSort } from "./sort.js";
import { loadLibrary, state } from "./state.js";

const VIEWS = {
  clusters: showClusters,
  map: showMap,
  duplicates: showDuplicates,
  compare: showCompare,
  sort: showSort,
  failures: showFailures,
};
const WAITING = { map: "Drawing the map …", duplicates: "Looking for duplicates …" };
const PATIENCE_MS = 400;
const content = document.getElementById("content");
const links = [...document.querySelectorAll(".views a")];
let opened = 0;

function currentView() {
  const name = location.hash.slice(1);
  return name in VIEWS ? name : "clusters";
}

async function open() {
  const name = currentView();
  opened += 1;
  const own = opened;
  for (const link of links) {
    if (link.hash === `#${name}`) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" });
    } else link.removeAttribute("aria-current");
  }
  // A view is built beside the page and put into it whole, unless another was opened meanwhile.
  const view = el("div", { class: `view view-${name}` });
  const patience = setTimeout(() => own === opened && wait(name), PATIENCE_MS);
  calm();
  const isShown = await attempt(async () => {
    await VIEWS[name](view);
    return true;
  });
  if (own === opened) content.replaceChildren(isShown ? view : failed());
  clearTimeout(patience);
  if (own === opened) content.removeAttribute("aria-busy");
}

// What another view has drawn must not be taken for the one that is waited for.
function wait(name) {
  content.setAttribute("aria-busy", "true");
  const shown = content.querySelector(`.view-${name}`);
  if (!shown) content.replaceChildren(el("p", { class: "lead", role: "status" }, WAITING[name] ?? "One moment …"));
}

function failed() {
  const view = el("div", { class: "view empty" }, el("h2", {}, "This view cannot be shown now."));
  view.append(button("Try again", open));
  return view;
}

function pressed(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || !usesSingleKeys()) return;
  if (event.target.closest("input:not([type=range]), select, textarea, dialog, video")) return;
  const position = Number(event.key) - 1;
  if (event.key === "?") showHelp();
  else if (event.key === "k") document.getElementById("k")?.focus();
  else if (links[position]) location.hash = links[position].hash;
  else return;
  event.preventDefault();
}

async function start() {
  await open();
  if (state.library?.busy) {
    const end = await attempt(() => follow(state.library.busy, "Working"));
    await open();
    if (end) tellEnd(end);
  }
}

window.addEventListener("hashchange", () => {
  for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
  open();
});
document.addEventListener("keydown", pressed);
document.addEventListener("server-back", open);
document.addEventListener("run-changed", open);
document.getElementById("help").addEventListener("click", showHelp);
// The address tells the view, so the way past the header must not be part of it.
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  content.focus();
});
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") attempt(() => get("/api/library"));
});
attempt(loadLibrary).then(start);
