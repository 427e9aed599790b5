// A tree of folders that can be opened; the files of a folder are made only once it is.

import { el } from "./dom.js";
import { bytes, counted } from "./texts.js";

const OPEN_FOLDERS = 12;

/**
 * Draw a folder with all below it.
 * @param {Object} folder {name, folders, files: [{name, from}], count, bytes}
 * @param {string} name what the top is called
 */
export function drawTree(folder, name) {
  const isFew = folder.folders.length <= OPEN_FOLDERS && folder.count <= OPEN_FOLDERS * 4;
  return el("div", { class: "tree" }, drawFolder(folder, name, isFew, true));
}

function drawFolder(folder, name, isFew, isOpen) {
  const content = el("ul", { role: "list" });
  const size = folder.bytes === undefined || folder.bytes === null ? "" : `, ${bytes(folder.bytes)}`;
  const fill = () => {
    if (content.children.length) return;
    content.append(...folder.folders.map((each) => el("li", {}, drawFolder(each, each.name, isFew, isFew))));
    content.append(...folder.files.map((file) => el("li", { class: "file" }, el("span", { class: "name" }, file.name), el("span", { class: "from" }, `from ${file.from}`))));
    const inFolders = folder.folders.reduce((sum, each) => sum + each.count, 0);
    const left = folder.count - inFolders - folder.files.length;
    if (left > 0) content.append(el("li", { class: "rest" }, `and ${counted(left, "more file")}`));
  };
  const element = el(
    "details",
    { open: isOpen },
    el("summary", {}, el("span", { class: "name" }, name), el("span", { class: "count-of" }, `${counted(folder.count, "file")}${size}`)),
    content,
  );
  element.addEventListener("toggle", () => element.open && fill());
  if (isOpen) fill();
  return element;
}
