// The view of videos that are the same, or nearly so.

import { get, post } from "./api.js";
import { empty } from "./clusters.js";
import { button, el } from "./dom.js";
import { attempt, calm, say } from "./messages.js";
import { play } from "./player.js";
import { bytes, counted } from "./texts.js";
import { tile } from "./tiles.js";
import { keepOneStop, wall } from "./walls.js";

const PAGE = 30;

/** Show the groups of duplicates. */
export async function showDuplicates(view) {
  const { groups } = await get("/api/duplicates");
  const title = el("h1", {}, "Duplicates");
  if (!groups.length) {
    view.replaceChildren(title, empty("No duplicates.", null, "No two videos are the same, or nearly so."));
    return;
  }
  const list = el("div", { class: "groups" });
  const more = el("div", { class: "actions" });
  let shown = 0;
  const showMore = () => {
    list.append(...groups.slice(shown, shown + PAGE).map(groupSection));
    shown = Math.min(groups.length, shown + PAGE);
    const left = groups.length - shown;
    more.replaceChildren();
    if (left) more.append(button(`Show ${Math.min(PAGE, left)} more of ${left}`, showMore));
  };
  showMore();
  view.replaceChildren(
    title,
    el("p", { class: "lead" }, `${counted(groups.length, "group")}. `, "The best copy of each is marked: by resolution, bitrate and age. Nothing is deleted here."),
    list,
    more,
  );
}

function groupSection(group) {
  const kind = group.kind === "exact" ? "The same content" : "Nearly the same";
  const best = group.videos.find((video) => video.best) ?? group.videos[0];
  const list = wall(kind, []);
  const size = el("span", { class: "size" });
  const element = el("section", { class: "cluster" }, el("header", {}, el("h2", {}, kind), size), list);

  const tell = () => {
    size.textContent = counted(list.children.length, group.kind === "exact" ? "file" : "video");
    keepOneStop(list);
  };
  const makeTile = (video) => {
    const mark = video === best ? el("span", { class: "tag best" }, "best copy") : null;
    const likeness = group.kind !== "exact" && video !== best && video.cosine !== null && video.cosine !== undefined
      ? el("span", {}, `likeness ${video.cosine.toFixed(3)}`)
      : null;
    const facts = el("span", { class: "tile-caption" }, mark, likeness, video.size_bytes ? el("span", {}, bytes(video.size_bytes)) : null);
    const made = tile(video, {
      onplay: (each) => play(each, { neighbours: group.videos }),
      caption: facts,
    });
    if (group.kind !== "exact" && video !== best) {
      made.append(button("Not a duplicate", () => attempt(() => keepApart(video, made)), { class: "small-button" }));
    }
    return made;
  };
  const keepApart = async (video, made) => {
    const pair = { one: best.id, other: video.id };
    await post("/api/distinct", pair);
    calm();
    made.remove();
    tell();
    element.hidden = list.children.length < 2;
    const back = async () => {
      await post("/api/distinct/undo", pair);
      list.append(made);
      element.hidden = false;
      tell();
    };
    say(`${video.name} is no duplicate of ${best.name}.`, { label: "Undo", act: back });
  };
  list.append(...group.videos.map(makeTile));
  tell();
  return element;
}
