// The list of keys, and whether single keys work everywhere.

import { el, openDialog } from "./dom.js";

const STORED = "vidindex-single-keys";

const KEYS = {
  "Anywhere": {
    "1 … 6": "the views in their order",
    "K": "the number of clusters",
    "?": "this list",
    "Esc": "close what lies on top",
  },
  "In a wall of videos": {
    "Tab": "to the next wall",
    "← → ↑ ↓": "from video to video",
    "Home End": "the first and the last one",
    "Enter": "play it",
    "M": "move it to another cluster, and pin it there",
    "U": "unpin it",
    "R": "rename its cluster",
  },
  "While a video plays": {
    "Space": "pause",
    "← →": "a little back or on",
    "Shift ← Shift →": "the video before or after it",
  },
  "On the map": {
    "← → ↑ ↓": "to the nearest video in that direction",
    "Enter": "play it",
    "+ − 0": "nearer, farther, all",
  },
};

/** Whether keys without Ctrl or Alt act outside of walls. */
export function usesSingleKeys() {
  return localStorage.getItem(STORED) !== "off";
}

/** Show the list. */
export function showHelp() {
  const sections = Object.entries(KEYS).map(([where, keys]) =>
    el(
      "section",
      {},
      el("h3", {}, where),
      el("dl", { class: "keys" }, Object.entries(keys).flatMap(([key, what]) => [el("dt", {}, el("kbd", {}, key)), el("dd", {}, what)])),
    ),
  );
  const toggle = el("input", { type: "checkbox", id: "single-keys", checked: usesSingleKeys() });
  toggle.addEventListener("change", () => localStorage.setItem(STORED, toggle.checked ? "on" : "off"));
  openDialog("Keyboard shortcuts", [
    el("div", { class: "key-lists" }, sections),
    el("p", { class: "check" }, toggle, el("label", { for: "single-keys" }, " Single keys work anywhere")),
  ], { class: "help" });
}
