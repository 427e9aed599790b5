// The view of the library as a map: a point a video, alike videos near each other.

import { get } from "./api.js";
import { clusterSection } from "./cluster.js";
import { empty } from "./clusters.js";
import { button, el } from "./dom.js";
import { Chart } from "./chart.js";
import { attempt } from "./messages.js";
import { play } from "./player.js";
import { loadLibrary, loadRun, state } from "./state.js";
import { clusterName, counted, runName } from "./texts.js";
import { picture } from "./tiles.js";

/** Show the map, coloured by the clusters of the run that is looked at. */
export async function showMap(view) {
  await loadLibrary();
  const title = el("h1", {}, "Map");
  if (state.shown === null) {
    view.replaceChildren(title, empty("Nothing is clustered yet.", null, "Choose under Clusters how many there shall be."));
    return;
  }
  const [{ points }, run] = await Promise.all([get(`/api/map?run=${state.shown}`), loadRun()]);
  if (!points.length) {
    view.replaceChildren(title, empty("There is no map.", null, "It takes at least three videos."));
    return;
  }
  const names = new Map(run.clusters.map((cluster) => [cluster.label, clusterName(cluster.label, cluster.name)]));
  const nameOf = (point) => names.get(point.label) ?? clusterName(null);
  const hint = el("div", { class: "map-hint", hidden: true });
  const said = el("p", { class: "unseen", role: "status" });
  const canvas = el("canvas", {
    class: "map-canvas",
    tabindex: "0",
    role: "application",
    "aria-label": `Map of ${counted(points.length, "video")}. Arrow keys go from video to video, Enter plays. The list of clusters after it shows the same videos.`,
  });
  const chart = new Chart(canvas, points, {
    onpoint: (point, at) => showHint(hint, point, nameOf, at, canvas),
    onstep: (point) => {
      said.textContent = `${point.name}, ${nameOf(point)}`;
    },
    onchoose: (point) => play(point),
  });
  const below = el("div", { class: "sections" });
  view.replaceChildren(
    title,
    el("p", { class: "lead" }, `${counted(points.length, "video")}; what looks alike lies close together. Colours are the clusters of `, runName(state.library.runs.find((each) => each.run === state.shown)), "."),
    el(
      "div",
      { class: "map" },
      el(
        "div",
        { class: "map-place" },
        canvas,
        hint,
        said,
        el(
          "div",
          { class: "map-zoom" },
          button("+", () => chart.zoom(1.5), { "aria-label": "Nearer" }),
          button("−", () => chart.zoom(1 / 1.5), { "aria-label": "Farther" }),
          button("All", () => chart.reset()),
        ),
      ),
      legend(run, chart, below),
    ),
    below,
  );
  // The canvas has no size before it is in the page.
  requestAnimationFrame(() => chart.fit());
}

function legend(run, chart, below) {
  const clusters = [...run.clusters];
  if (run.unsorted.size) clusters.push({ label: null, name: null, ...run.unsorted });
  let chosen = null;
  const entries = clusters.map((cluster) => {
    const swatch = el("span", { class: "swatch", "aria-hidden": "true" });
    swatch.style.backgroundColor = chart.colour(cluster.label);
    const choose = () => {
      chosen = chosen === cluster ? null : cluster;
      for (const each of entries) each.firstChild.setAttribute("aria-pressed", String(each === entry && chosen !== null));
      chart.highlight(chosen === null ? undefined : chosen.label);
      below.replaceChildren();
      if (chosen) below.append(clusterSection({ ...cluster }, { onmoved: () => attempt(again), onrenamed: () => attempt(again) }).element);
    };
    const entry = el("li", {}, button([swatch, el("span", {}, clusterName(cluster.label, cluster.name)), el("small", {}, String(cluster.size))], choose, { class: "quiet", "aria-pressed": "false" }));
    return entry;
  });
  return el("ul", { class: "legend", role: "list", "aria-label": "Clusters: choose one to see its videos" }, entries);
}

async function again() {
  document.dispatchEvent(new Event("run-changed"));
}

function showHint(hint, point, nameOf, at, canvas) {
  hint.hidden = point === null;
  if (point === null) return;
  hint.replaceChildren(picture(point), el("strong", {}, point.name), el("span", {}, nameOf(point)));
  const room = canvas.clientWidth - hint.offsetWidth - 8;
  hint.style.left = `${Math.max(8, Math.min(at.x + 14, room))}px`;
  const under = at.y + 14 + hint.offsetHeight > canvas.clientHeight;
  hint.style.top = `${Math.max(8, under ? at.y - hint.offsetHeight - 14 : at.y + 14)}px`;
}
