"use strict";
(() => {
  const byId = (id) => document.getElementById(id);
  const read = (id) => JSON.parse(byId(id).textContent);
  const make = (tag, text, kind) => {
    const element = document.createElement(tag);
    if (text !== undefined) element.textContent = text;
    if (kind) element.className = kind;
    return element;
  };
  const isolated = (text, tag = "span") => {
    const outer = make(tag);
    outer.append(make("bdi", text));
    return outer;
  };

  const { points, folders, names } = read("map-data");
  const [VIDEO, X, Y, LABEL, FOLDER, NAME, PIECE] = [0, 1, 2, 3, 4, 5, 6];
  const rowOf = new Map(points.map((point, row) => [point[VIDEO], row]));

  // The pictures lie in pieces of text; only the pieces that are looked at are read.
  const KEPT_PIECES = 8;
  const pieces = new Map();
  const piece = (number) => {
    const known = pieces.get(number) ?? read(`pictures-${number}`);
    pieces.delete(number);
    pieces.set(number, known);
    if (pieces.size > KEPT_PIECES) pieces.delete(pieces.keys().next().value);
    return known;
  };
  const pictureOf = (video) => {
    const onSheet = byId(`p${video}`);
    if (onSheet) return onSheet.src;
    const number = points[rowOf.get(video)]?.[PIECE] ?? -1;
    const base64 = number < 0 ? undefined : piece(number)[video];
    return base64 && `data:image/jpeg;base64,${base64}`;
  };
  const image = (source, text) => {
    const element = make("img");
    element.alt = text;
    element.src = source;
    return element;
  };
  const titleOf = (label) => {
    if (label < 0) return Object.keys(names).length ? "in no cluster" : "";
    return names[label] ? `${label} · ${names[label]}` : `cluster ${label}`;
  };
  const pathOf = (point) => {
    const folder = folders[point[FOLDER]];
    return folder.endsWith("/") ? folder + point[NAME] : `${folder}/${point[NAME]}`;
  };

  // A larger look at a video.
  const dialog = byId("look");
  let lookedAt = null;
  const fact = (title, text) => [make("dt", title), isolated(text, "dd")];
  const look = (name, pictures, facts) => {
    byId("look-name").replaceChildren(make("bdi", name));
    byId("look-pictures").replaceChildren(...pictures.map((source) => image(source, "")));
    if (!pictures.length) byId("look-pictures").append(make("p", "This page has no picture of it.", "quiet"));
    byId("look-facts").replaceChildren(...facts.flatMap(([title, text]) => fact(title, text)));
    if (!dialog.open) dialog.showModal();
  };
  const lookAtTile = (tile) => {
    lookedAt = tile;
    const pictures = [...tile.querySelectorAll("img")].map((each) => each.src);
    const { path, distance, duration } = tile.dataset;
    look(tile.querySelector(".name").textContent, pictures, [
      ["Path", path],
      ["Cluster", tile.closest(".sheet").querySelector(".title").textContent.trim()],
      ["Distance to its middle", distance],
      ...(duration ? [["Duration", duration]] : []),
    ]);
  };
  const lookAtPoint = (row) => {
    lookedAt = null;
    const point = points[row];
    const picture = pictureOf(point[VIDEO]);
    look(point[NAME], picture ? [picture] : [], [
      ["Path", pathOf(point)],
      ["Cluster", titleOf(point[LABEL])],
    ]);
  };
  byId("main").addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) lookAtTile(tile);
  });
  byId("look-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("close", () => lookedAt?.focus());
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || !lookedAt) return;
    event.preventDefault();
    const tiles = [...lookedAt.closest(".sheet").querySelectorAll(".tile")];
    const next = tiles[tiles.indexOf(lookedAt) + step];
    if (next) lookAtTile(next);
  });

  // Pictures beside duplicates, as they come into view.
  const watcher = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      watcher.unobserve(target);
      const picture = pictureOf(Number(target.dataset.video));
      if (picture) target.append(image(picture, ""));
    }
  });
  for (const place of document.querySelectorAll(".small")) watcher.observe(place);

  const plane = byId("plane");
  if (!plane) return;
  byId("without-script").remove();

  // The map.
  let chosen = -1;
  const nearestWithPicture = (row) => {
    const [x, y] = [points[row][X], points[row][Y]];
    let best = -1;
    let least = Infinity;
    points.forEach((point, other) => {
      const far = (point[X] - x) ** 2 + (point[Y] - y) ** 2;
      if (point[PIECE] !== null && far < least) [best, least] = [other, far];
    });
    return best;
  };
  const choose = (row) => {
    if (row === chosen) return;
    chosen = row;
    const point = points[row];
    byId("ring").setAttribute("cx", point[X]);
    byId("ring").setAttribute("cy", point[Y]);
    const shown = [];
    const own = pictureOf(point[VIDEO]);
    const like = own ? -1 : nearestWithPicture(row);
    if (own) shown.push(image(own, ""));
    if (like >= 0) {
      shown.push(image(pictureOf(points[like][VIDEO]), ""));
      shown.push(make("p", `This page has no picture of it; this is its neighbour ${points[like][NAME]}.`, "quiet"));
    }
    shown.push(isolated(point[NAME], "p"), make("p", titleOf(point[LABEL]), "quiet"));
    const folder = isolated(folders[point[FOLDER]], "p");
    folder.className = "quiet";
    byId("seen").replaceChildren(...shown, folder);
  };
  const nearest = (event) => {
    const place = new DOMPoint(event.clientX, event.clientY);
    const { x, y } = place.matrixTransform(plane.getScreenCTM().inverse());
    let best = -1;
    let least = Infinity;
    points.forEach((point, row) => {
      const far = (point[X] - x) ** 2 + (point[Y] - y) ** 2;
      const isFaded = only !== null && point[LABEL] !== only;
      if (!isFaded && far < least) [best, least] = [row, far];
    });
    return best;
  };
  const point = (event) => {
    const row = nearest(event);
    if (row >= 0) choose(row);
    return row;
  };
  plane.addEventListener("pointermove", point);
  plane.addEventListener("pointerdown", point);
  plane.addEventListener("dblclick", (event) => {
    const row = point(event);
    if (row >= 0) lookAtPoint(row);
  });
  const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const nextTowards = ([right, down]) => {
    const from = points[chosen];
    let best = -1;
    let least = Infinity;
    points.forEach((point, row) => {
      const along = (point[X] - from[X]) * right + (point[Y] - from[Y]) * down;
      const aside = Math.abs((point[X] - from[X]) * down) + Math.abs((point[Y] - from[Y]) * right);
      const isFaded = only !== null && point[LABEL] !== only;
      const far = along + 2 * aside;
      if (row !== chosen && !isFaded && along > 0 && aside <= 2 * along && far < least) [best, least] = [row, far];
    });
    return best;
  };
  plane.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && chosen >= 0) {
      event.preventDefault(); // else it also presses the button that closes the dialog again
      lookAtPoint(chosen);
    }
    if (!WAYS[event.key]) return;
    event.preventDefault();
    const next = chosen < 0 ? 0 : nextTowards(WAYS[event.key]);
    if (next >= 0) choose(next);
  });
  plane.addEventListener("focus", () => {
    if (chosen < 0 && plane.matches(":focus-visible")) choose(0);
  });

  // Only one cluster of the map.
  let only = null;
  const showOnly = (label) => {
    only = label;
    for (const layer of plane.querySelectorAll(".points")) {
      layer.classList.toggle("faded", label !== null && Number(layer.dataset.label) !== label);
    }
    for (const button of document.querySelectorAll(".legend button")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.label) === label));
    }
  };
  for (const button of document.querySelectorAll(".legend button")) {
    const label = Number(button.dataset.label);
    button.addEventListener("click", () => showOnly(only === label ? null : label));
  }

  // A video by its name.
  const MOST_FOUND = 50;
  byId("find").addEventListener("input", (event) => {
    const wanted = event.target.value.toLowerCase();
    const rows = [];
    for (let row = 0; wanted && row < points.length && rows.length < MOST_FOUND; row += 1) {
      if (points[row][NAME].toLowerCase().includes(wanted)) rows.push(row);
    }
    byId("found").replaceChildren(
      ...rows.map((row) => {
        const entry = make("li");
        const button = isolated(points[row][NAME], "button");
        button.type = "button";
        button.addEventListener("click", () => {
          showOnly(null);
          choose(row);
        });
        entry.append(button);
        return entry;
      }),
    );
  });
})();
