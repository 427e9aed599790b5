// The view of a run: its clusters as walls of thumbnails, and a list of them at the side.

import { button, el } from "./dom.js";
import { clusterSection } from "./cluster.js";
import { takeDrops } from "./pinning.js";
import { runChooser } from "./runs.js";
import { loadLibrary, loadRun, state } from "./state.js";
import { clusterName } from "./texts.js";

/** Show the clusters of the run that is looked at. */
export async function showClusters(view) {
  await loadLibrary();
  if (!state.library.videos) {
    view.replaceChildren(empty("No videos yet.", "vidindex index PATH", "looks at each video below a folder once."));
    return;
  }
  const body = el("div", { class: "clusters" });
  const refresh = async () => {
    if (state.shown === null) {
      body.replaceChildren(empty("Nothing is clustered yet.", null, "Choose above how many clusters there shall be."));
      return;
    }
    drawRun(body, await loadRun());
  };
  view.replaceChildren(el("h1", { class: "unseen" }, "Clusters"), runChooser(body, refresh), body);
  await refresh();
}

/** A calm word where there is nothing to show; command: what to type, if anything. */
export function empty(title, command, rest) {
  return el(
    "div",
    { class: "empty" },
    el("h2", {}, title),
    el("p", {}, command && el("code", {}, command), command && " ", rest),
  );
}

function drawRun(body, run) {
  const sections = new Map();
  const index = el("ul", { role: "list" });
  const clusters = [...run.clusters];
  if (run.unsorted.size) clusters.push({ label: null, name: null, ...run.unsorted });
  const drawIndex = () => fillIndex(index, clusters, sections, events);
  const events = {
    onrenamed: drawIndex,
    onmoved(video, from, to) {
      if (to === undefined || to === from) sections.get(from).update(video);
      else {
        sections.get(from).remove(video);
        sections.get(to).add(video).querySelector(".tile-open").focus({ preventScroll: true });
      }
      drawIndex();
    },
  };
  for (const cluster of clusters) sections.set(cluster.label, clusterSection(cluster, events));
  drawIndex();
  body.replaceChildren(
    el("nav", { class: "index", "aria-label": "Clusters of this run" }, index),
    el("div", { class: "sections" }, [...sections.values()].map((section) => section.element)),
  );
}

function fillIndex(index, clusters, sections, events) {
  const most = Math.max(1, ...clusters.map((cluster) => cluster.size));
  index.replaceChildren(
    ...clusters.map((cluster) => {
      const go = () => {
        const section = sections.get(cluster.label).element;
        section.scrollIntoView({ block: "start" });
        section.querySelector("h2").focus({ preventScroll: true });
      };
      const bar = el("span", { class: "bar", "aria-hidden": "true" });
      bar.style.width = `${(100 * cluster.size) / most}%`;
      const name = el("span", { class: "index-name" }, clusterName(cluster.label, cluster.name));
      const entry = el("li", {}, button([name, el("span", { class: "index-size" }, String(cluster.size)), bar], go, { class: "quiet" }));
      if (cluster.label !== null) takeDrops(entry, cluster.label, events.onmoved);
      return entry;
    }),
  );
}
