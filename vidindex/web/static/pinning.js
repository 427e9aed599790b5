// Moving a video to another cluster, which pins it there: by a menu, by dragging, and back.

import { post } from "./api.js";
import { button, el, icon, openDialog } from "./dom.js";
import { attempt, calm, say } from "./messages.js";
import { loadLibrary, shownRun, state } from "./state.js";
import { clusterName, counted } from "./texts.js";

const DRAGGED = "application/x-vidindex-video";
let dragged = null;

/**
 * Ask where a video is to go.
 * @param {Object} video
 * @param {?number} label of the cluster that it is in; null: in none
 * @param {function} onmoved called with (video, from, to) once it is pinned; to: the label, or
 *   undefined if it was unpinned only
 */
export function chooseCluster(video, label, onmoved) {
  const choose = (to) => {
    dialog.close();
    attempt(() => pin(video, label, to, onmoved));
  };
  const release = () => {
    dialog.close();
    attempt(() => unpin(video, label, onmoved));
  };
  const choices = state.run.clusters.map((cluster) =>
    el(
      "li",
      {},
      button(
        [el("span", {}, clusterName(cluster.label, cluster.name)), el("small", {}, counted(cluster.size, "video"))],
        () => choose(cluster.label),
        { disabled: cluster.label === label && video.pinned },
      ),
    ),
  );
  const before = document.activeElement;
  const dialog = openDialog(
    `Move ${video.name} to…`,
    [
      el("p", { class: "hint" }, "It is pinned there: it stays in that cluster in every later clustering."),
      el("ul", { class: "choices", role: "list" }, choices),
      video.pinned && el("div", { class: "actions" }, button([icon("pin"), "Unpin"], release)),
    ].filter(Boolean),
    { class: "small", onclose: () => before?.isConnected && before.focus() },
  );
  const list = dialog.querySelector(".choices");
  list.addEventListener("keydown", stepThrough);
  list.querySelector("button:enabled")?.focus();
}

function stepThrough(event) {
  const offset = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!offset) return;
  event.preventDefault();
  const all = [...event.currentTarget.querySelectorAll("button:enabled")];
  all[all.indexOf(document.activeElement) + offset]?.focus();
}

/** Let a tile be dragged to a place that takes drops. */
export function makeDraggable(tile, video, label) {
  const open = tile.querySelector(".tile-open");
  open.draggable = true;
  open.addEventListener("dragstart", (event) => {
    dragged = { video, label };
    event.dataTransfer.setData(DRAGGED, String(video.id));
    event.dataTransfer.effectAllowed = "move";
    tile.classList.add("dragged");
    document.body.classList.add("dragging");
  });
  open.addEventListener("dragend", () => {
    dragged = null;
    tile.classList.remove("dragged");
    document.body.classList.remove("dragging");
  });
}

/** Let a cluster take tiles that are dropped on an element. */
export function takeDrops(element, label, onmoved) {
  const accepts = (event) => dragged !== null && event.dataTransfer.types.includes(DRAGGED);
  element.addEventListener("dragover", (event) => {
    if (!accepts(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "move";
    element.classList.add("drop-here");
  });
  element.addEventListener("dragleave", (event) => {
    if (!element.contains(event.relatedTarget)) element.classList.remove("drop-here");
  });
  element.addEventListener("drop", (event) => {
    element.classList.remove("drop-here");
    if (!accepts(event)) return;
    event.preventDefault();
    const { video, label: from } = dragged;
    if (from !== label) attempt(() => pin(video, from, label, onmoved));
  });
}

/** Unpin a video; it stays where it is until the next clustering. */
export async function unpin(video, label, onmoved) {
  if (!isInUse()) return;
  await post(`/api/videos/${video.id}/unpin`, { run: state.shown });
  calm();
  video.pinned = false;
  onmoved(video, label, undefined);
  say(`${video.name} is not pinned any more. The next clustering places it.`);
}

async function pin(video, from, to, onmoved) {
  if (!isInUse()) return;
  const wasPinned = video.pinned;
  const answer = await post(`/api/videos/${video.id}/pin`, { label: to, run: state.shown });
  calm();
  video.pinned = true;
  const name = clusterName(to, state.run.clusters.find((each) => each.label === to).name);
  if (answer.state === "later") {
    onmoved(video, from, undefined);
    say(`${video.name} is pinned to ${name}; the next clustering brings it there.`);
    return;
  }
  onmoved(video, from, to);
  const back = async () => {
    await post(`/api/videos/${video.id}/pin`, { label: from, run: state.shown });
    if (!wasPinned) await post(`/api/videos/${video.id}/unpin`, { run: state.shown });
    video.pinned = wasPinned;
    onmoved(video, to, from);
  };
  // A video cannot be pinned to what is in no cluster, so it cannot be put back there either.
  const offer = from === null || from === to ? null : { label: "Undo", act: back };
  say(`${video.name} is pinned to ${name}.`, offer);
}

// A pin is a wish about the run in use; what another run shows is only looked at.
function isInUse() {
  const run = shownRun();
  if (run.in_use) return true;
  say(`Only videos of the run in use can be pinned; you look at run ${run.run}.`, {
    label: `Use run ${run.run}`,
    act: async () => {
      await post(`/api/runs/${run.run}/use`);
      await loadLibrary();
      document.dispatchEvent(new Event("run-changed"));
    },
  });
  return false;
}
