// The view of what differs between two runs.

import { get } from "./api.js";
import { empty } from "./clusters.js";
import { el } from "./dom.js";
import { attempt } from "./messages.js";
import { play } from "./player.js";
import { loadLibrary } from "./state.js";
import { clusterName, counted, runName } from "./texts.js";
import { tile } from "./tiles.js";
import { wall } from "./walls.js";

/** Show two runs side by side; at first the one in use and the one before it. */
export async function showCompare(view) {
  const { runs, in_use: inUse } = await loadLibrary();
  const title = el("h1", {}, "Compare two runs");
  if (runs.length < 2) {
    view.replaceChildren(title, empty("There is only one run.", null, "Choose another number of clusters; then there is something to compare."));
    return;
  }
  const answer = el("div", { class: "comparison" });
  const before = chooser("before", runs);
  const after = chooser("after", runs);
  const newest = runs.findIndex((run) => run.run === inUse);
  const second = newest > 0 ? newest : runs.length - 1;
  after.value = String(runs[second].run);
  before.value = String(runs[second - 1].run);

  const compare = async () => {
    const diff = await get(`/api/diff?before=${before.value}&after=${after.value}`);
    answer.replaceChildren(...drawn(diff));
  };
  for (const select of [before, after]) select.addEventListener("change", () => attempt(compare));
  view.replaceChildren(
    title,
    el(
      "div",
      { class: "bar-of-controls" },
      el("span", { class: "control" }, el("label", { for: "before" }, "From"), before),
      el("span", { class: "control" }, el("label", { for: "after" }, "To"), after),
    ),
    answer,
  );
  await compare();
}

function chooser(id, runs) {
  return el("select", { id }, [...runs].reverse().map((run) => el("option", { value: run.run }, runName(run))));
}

function drawn(diff) {
  const counts = [
    [counted(diff.stay, "video stays", "videos stay"), "in the same cluster"],
    [counted(diff.move, "video moves", "videos move"), "to another"],
  ];
  if (diff.only_before) counts.push([counted(diff.only_before, "video"), "only in the first"]);
  if (diff.only_after) counts.push([counted(diff.only_after, "video"), "only in the second"]);
  const summary = el("ul", { class: "facts-row", role: "list" }, counts.map(([count, what]) => el("li", {}, el("strong", {}, count), ` ${what}`)));
  const changes = diff.changes?.length
    ? el("section", {}, el("h2", {}, "Clusters"), el("ul", { class: "changes" }, diff.changes.map((text) => el("li", {}, text))))
    : null;
  const videos = diff.moved.map((row) => row.video);
  const tiles = diff.moved.map((row) =>
    tile(row.video, {
      onplay: (video) => play(video, { neighbours: videos }),
      caption: el("span", { class: "tile-caption" }, `${clusterName(row.from, row.from_name)} → ${clusterName(row.to, row.to_name)}`),
    }),
  );
  const moved = tiles.length
    ? el(
        "section",
        { class: "cluster" },
        el("header", {}, el("h2", {}, "Videos that move"), el("span", { class: "size" }, tiles.length < diff.move ? `the first ${tiles.length}` : "")),
        wall("Videos that move", tiles),
      )
    : el("p", { class: "lead" }, "No video moves.");
  return [summary, changes, moved].filter(Boolean);
}
