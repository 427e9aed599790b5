// One cluster: its name, which can be changed in place, and the wall of its videos.

import { get, post } from "./api.js";
import { button, el, freshId, iconButton } from "./dom.js";
import { attempt, calm, say } from "./messages.js";
import { chooseCluster, makeDraggable, takeDrops, unpin } from "./pinning.js";
import { play } from "./player.js";
import { state } from "./state.js";
import { clusterName, counted } from "./texts.js";
import { tile } from "./tiles.js";
import { keepOneStop, wall } from "./walls.js";

const PAGE = 24;

/**
 * Make the section of a cluster.
 * @param {Object} cluster {label, name, size, videos, least}; label null: what is in no cluster
 * @param {Object} events onmoved(video, from, to), onrenamed(cluster)
 * @returns {{element: Element, add: function, remove: function, update: function}} add(video) and
 *   remove(video) change the wall, update(video) shows a video anew.
 */
export function clusterSection(cluster, events) {
  const heading = freshId("cluster");
  const title = el("h2", { id: heading, tabindex: "-1" });
  const size = el("span", { class: "size" });
  const list = wall("", []);
  const more = el("div", { class: "actions" });
  const shown = [...cluster.videos];
  let arrived = 0; // these stand first here, wherever the server has them

  const makeTile = (video) => {
    const made = tile(video, { onplay: playHere, onmenu: menu });
    makeDraggable(made, video, cluster.label);
    made.addEventListener("keydown", (event) => shortcut(event, video));
    return made;
  };
  const playHere = (video) => play(video, { neighbours: shown, onmove: menu });
  const menu = (video) => chooseCluster(video, cluster.label, events.onmoved);
  const shortcut = (event, video) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "m") menu(video);
    else if (event.key === "u" && video.pinned) attempt(() => unpin(video, cluster.label, events.onmoved));
    else if (event.key === "r" && cluster.label !== null) rename();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const tell = () => {
    title.textContent = clusterName(cluster.label, cluster.name);
    size.textContent = counted(cluster.size, "video");
    list.setAttribute("aria-label", `Videos of ${title.textContent}`);
    more.replaceChildren();
    const left = cluster.size - shown.length;
    if (left > 0) more.append(button(`Show ${Math.min(left, PAGE)} more of ${left}`, () => attempt(showMore)));
  };
  const showMore = async () => {
    const label = cluster.label ?? "unsorted";
    const offset = shown.length - arrived;
    const page = await get(`/api/runs/${state.shown}/clusters/${label}?offset=${offset}&limit=${PAGE}`);
    const known = new Set(shown.map((video) => video.id));
    const added = page.videos.filter((video) => !known.has(video.id));
    shown.push(...added);
    const tiles = added.map(makeTile);
    list.append(...tiles);
    cluster.size = added.length ? page.total : shown.length;
    tell();
    keepOneStop(list);
    tiles[0]?.querySelector(".tile-open").focus();
  };
  const rename = () => editName(title, cluster, () => {
    tell();
    events.onrenamed(cluster);
  });

  list.append(...shown.map(makeTile));
  keepOneStop(list);
  tell();
  const element = el(
    "section",
    { class: "cluster", "aria-labelledby": heading, data: { label: cluster.label ?? "unsorted" } },
    el("header", {}, title, cluster.label !== null && iconButton("edit", `Rename (R)`, rename), size),
    list,
    more,
    leastTypical(cluster, makeTile),
  );
  if (cluster.label !== null) takeDrops(element, cluster.label, events.onmoved);

  return {
    element,
    add(video) {
      cluster.size += 1;
      arrived += 1;
      shown.unshift(video);
      const made = makeTile(video);
      made.classList.add("arrived");
      list.prepend(made);
      tell();
      keepOneStop(list);
      return made;
    },
    remove(video) {
      cluster.size -= 1;
      const place = shown.findIndex((each) => each.id === video.id);
      if (place >= 0) shown.splice(place, 1);
      cluster.least = cluster.least?.filter((each) => each.id !== video.id);
      for (const gone of tilesOf(element, video)) gone.remove();
      tell();
      keepOneStop(list);
    },
    update(video) {
      for (const old of tilesOf(element, video)) {
        const hadFocus = old.contains(document.activeElement);
        const made = makeTile(video);
        old.replaceWith(made);
        if (hadFocus) made.querySelector(".tile-open").focus();
      }
      keepOneStop(list);
    },
  };
}

function tilesOf(element, video) {
  return element.querySelectorAll(`.tile[data-id="${video.id}"]`);
}

function leastTypical(cluster, makeTile) {
  const shown = new Set(cluster.videos.map((video) => video.id));
  const least = (cluster.least ?? []).filter((video) => !shown.has(video.id));
  if (!least.length) return null;
  const details = el("details", { class: "least" }, el("summary", {}, `The least typical ${least.length === 1 ? "one" : least.length}`));
  // What has left the cluster meanwhile is not made.
  const fill = () => details.append(wall("The least typical videos", cluster.least.filter((video) => least.includes(video)).map(makeTile)));
  details.addEventListener("toggle", fill, { once: true });
  return details;
}

// The heading becomes a field: Enter and leaving it keep the name, Escape keeps the old one.
function editName(title, cluster, ondone) {
  if (title.querySelector("input")) return;
  const field = el("input", {
    class: "name-field",
    value: cluster.name ?? "",
    placeholder: clusterName(cluster.label, null),
    "aria-label": `Name of ${clusterName(cluster.label, cluster.name)}`,
    maxlength: "200",
    autocomplete: "off",
  });
  let isOver = false;
  const finish = async (isKept) => {
    if (isOver) return;
    isOver = true;
    const name = field.value.trim() || null;
    if (isKept && name !== cluster.name) {
      const answer = await attempt(() => post(`/api/runs/${state.shown}/clusters/${cluster.label}/name`, { name }));
      if (answer) {
        cluster.name = name;
        calm();
        say(name === null ? `Cluster ${cluster.label} has no name now.` : `Cluster ${cluster.label} is called ${name}.`);
      }
    }
    ondone();
    title.focus();
  };
  field.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key === "Enter") finish(true);
    if (event.key === "Escape") finish(false);
  });
  field.addEventListener("blur", () => finish(true));
  title.replaceChildren(field);
  field.focus();
  field.select();
}
