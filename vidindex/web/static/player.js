// The dialog that plays a video, tells what is known of it, and steps to its neighbours.

import { get } from "./api.js";
import { button, el, freshId, icon, iconButton, openDialog } from "./dom.js";
import { attempt } from "./messages.js";
import { clock, clusterName } from "./texts.js";
import { picture, thumbnail } from "./tiles.js";

/**
 * Play a video.
 * @param {Object} video
 * @param {Object} options neighbours: the videos to step through; onmove(video): offers where to.
 */
export function play(video, { neighbours = [video], onmove = null } = {}) {
  const body = el("div", { class: "player-body" });
  const before = document.activeElement;
  const dialog = openDialog("", [body], {
    class: "player",
    onclose: () => before?.isConnected && before.focus(),
  });
  const title = dialog.querySelector("h2");
  let current = video;

  const show = (next) => {
    current = next;
    title.textContent = next.name;
    body.replaceChildren(screen(next), strip(next), steps(next), el("dl", { class: "facts" }));
    attempt(() => tell(next, body.querySelector(".facts"), () => current === next));
  };
  const neighbour = (offset) => {
    const place = neighbours.findIndex((each) => each === current);
    return place < 0 ? undefined : neighbours[place + offset];
  };
  const go = (offset) => {
    const next = neighbour(offset);
    if (next) show(next);
  };
  const steps = (shown) => {
    const move = () => {
      dialog.close();
      onmove(shown);
    };
    return el(
      "div",
      { class: "actions" },
      iconButton("left", "Previous video (Shift+←)", () => go(-1), { disabled: !neighbour(-1) }),
      iconButton("right", "Next video (Shift+→)", () => go(1), { disabled: !neighbour(1) }),
      onmove && button("Move to…", move, { "aria-haspopup": "dialog" }),
    );
  };
  dialog.addEventListener("keydown", (event) => {
    if (!event.shiftKey || !["ArrowLeft", "ArrowRight"].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    go(event.key === "ArrowLeft" ? -1 : 1);
  }, { capture: true });
  show(video);
  return dialog;
}

function screen(video) {
  if (video.file === null) return el("p", { class: "empty" }, "No file of this video is there now.");
  const player = el("video", {
    src: `/media/${video.file}`,
    controls: true,
    autoplay: true,
    playsinline: true,
    poster: video.thumbnails ? thumbnail(video, Math.floor(video.thumbnails / 2)) : null,
    "aria-label": video.name,
  });
  player.addEventListener("error", () => {
    player.replaceWith(
      el(
        "p",
        { class: "unplayable" },
        "The browser cannot play this file: its format is unknown to it, or it is not there any more. ",
        el("a", { href: `/media/${video.file}`, download: true }, "Save it"),
        " to open it with another program.",
      ),
    );
  });
  return player;
}

function strip(video) {
  const images = Array.from({ length: video.thumbnails }, (_, position) => {
    const image = picture(video);
    image.src = thumbnail(video, position);
    return image;
  });
  return el("div", { class: "strip", "aria-hidden": "true" }, images);
}

async function tell(video, facts, isWanted) {
  const known = await get(`/api/videos/${video.id}`);
  if (!isWanted()) return;
  const size = known.width && known.height ? `${known.width} × ${known.height}` : null;
  fact(facts, "Length", clock(known.duration_s));
  fact(facts, "Picture", [size, known.codec].filter(Boolean).join(", "));
  for (const file of known.files) fact(facts, file.missing ? "File (missing)" : "File", file.path);
  const newest = known.labels.at(-1);
  if (newest) {
    const where = clusterName(newest.label, newest.name);
    fact(facts, "Cluster", `${where} in run ${newest.run}`);
  }
  if (known.pinned_to !== null) {
    facts.append(el("dt", {}, "Pinned"), el("dd", {}, icon("pin"), ` to cluster ${known.pinned_to}`));
  }
  fact(facts, "Hash", known.hash);
}

function fact(facts, name, value) {
  if (value) facts.append(el("dt", {}, name), el("dd", { id: freshId("fact") }, value));
}
