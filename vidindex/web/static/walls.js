// A wall of tiles: one stop for the Tab key, and arrow keys from tile to tile.

import { el } from "./dom.js";

/** Make a wall of tiles; label: what it is called. */
export function wall(label, tiles) {
  const list = el("ul", { class: "wall", role: "list", "aria-label": label }, tiles);
  list.addEventListener("keydown", step);
  list.addEventListener("focusin", (event) => {
    const open = event.target.closest(".tile-open");
    if (open) makeStop(list, open);
  });
  keepOneStop(list);
  return list;
}

/** Give a wall whose tiles have changed its one stop again. */
export function keepOneStop(list) {
  const all = opens(list);
  const stop = all.find((open) => open.tabIndex === 0 && open === document.activeElement);
  if (all.length) makeStop(list, stop ?? all[0]);
}

function opens(list) {
  return [...list.querySelectorAll(".tile-open")];
}

function makeStop(list, stop) {
  for (const open of opens(list)) open.tabIndex = open === stop ? 0 : -1;
}

function step(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const all = opens(event.currentTarget);
  const here = all.indexOf(event.target);
  if (here < 0) return;
  const to = { ArrowRight: here + 1, ArrowLeft: here - 1, Home: 0, End: all.length - 1 }[event.key];
  const next = to === undefined ? inNextRow(all, here, event.key) : all[to];
  if (event.key === " ") event.target.click();
  else if (!next) return;
  event.preventDefault();
  next?.focus();
}

// The tile that lies straight above or below; in the last row, which may be short, the nearest.
function inNextRow(all, here, key) {
  const direction = { ArrowDown: 1, ArrowUp: -1 }[key];
  if (!direction) return null;
  const from = all[here].getBoundingClientRect();
  let best = null;
  for (const open of all) {
    const box = open.getBoundingClientRect();
    const down = (box.top - from.top) * direction;
    if (down <= 1) continue;
    const distance = [Math.round(down), Math.abs(box.left - from.left)];
    if (!best || distance[0] < best.distance[0] - 1 || (Math.abs(distance[0] - best.distance[0]) <= 1 && distance[1] < best.distance[1])) {
      best = { open, distance };
    }
  }
  return best?.open ?? null;
}
