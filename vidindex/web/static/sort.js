// The view of sorting files into folders: the plan as a tree, doing it, and undoing it.

import { post } from "./api.js";
import { empty } from "./clusters.js";
import { button, confirmed, el } from "./dom.js";
import { follow, tellEnd } from "./jobs.js";
import { attempt, calm } from "./messages.js";
import { loadLibrary, state } from "./state.js";
import { bytes, counted } from "./texts.js";
import { drawTree } from "./trees.js";

const MODES = {
  move: "Move the files",
  copy: "Copy them",
  symlink: "Symbolic links to them",
  hardlink: "Hard links to them",
  "reflink-auto": "Clones, or else copies",
};
const CONFLICTS = {
  rename: "Take the next free name",
  skip: "Skip the file",
  same: "Done if it is the same content",
  fail: "Move nothing at all",
};
const COUNTS = {
  move: "to move",
  copy: "to copy",
  symlink: "to link",
  hardlink: "to link",
  reflink: "to clone",
  unlink: "stale links to remove",
  in_place: "in place already",
  same: "there already, with the same content",
  problems: "with a problem",
};

/** Show the form, and below it the plan. */
export async function showSort(view) {
  await loadLibrary();
  const title = el("h1", {}, "Sort into folders");
  if (state.library.in_use === null) {
    view.replaceChildren(title, empty("Nothing is clustered yet.", null, "Choose under Clusters how many there shall be."));
    return;
  }
  const answer = el("div", { class: "plan" });
  const undo = el("div", {});
  const again = async () => {
    await loadLibrary();
    undo.replaceChildren(...undoOffer(state.library.undo, again));
  };
  view.replaceChildren(
    title,
    el("p", { class: "lead" }, `By run ${state.library.in_use}, the one in use. Nothing is ever overwritten, and undo puts every file back.`),
    undo,
    form((request) => plan(request, answer, again)),
    answer,
  );
  undo.replaceChildren(...undoOffer(state.library.undo, again));
}

function form(onsubmit) {
  const destination = el("input", { id: "destination", name: "destination", required: true, value: state.library.destination ?? "", placeholder: "/home/me/Sorted", autocomplete: "off", spellcheck: "false" });
  const mode = choices("mode", MODES);
  const conflict = choices("conflict", CONFLICTS);
  const depth = choices("depth", { 0: "One folder a cluster", 1: "Groups of like clusters", 2: "Two levels of groups" });
  const template = el("input", { id: "template", name: "template", placeholder: "{cluster}/{stem}{suffix}", autocomplete: "off", spellcheck: "false" });
  const element = el(
    "form",
    { class: "sort-form" },
    field("destination", "Folder to sort into", destination),
    field("mode", "How", mode),
    el(
      "details",
      {},
      el("summary", {}, "More choices"),
      el("div", { class: "fields" }, field("depth", "Folders", depth), field("conflict", "Where a name is taken", conflict), field("template", "Place and name of each file", template)),
    ),
    el("div", { class: "actions" }, el("button", { type: "submit", class: "primary" }, "Show the plan")),
  );
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    const request = {
      destination: destination.value,
      mode: mode.value,
      template: template.value.trim() || null,
      on_conflict: conflict.value,
      tree_depth: Number(depth.value),
    };
    attempt(() => onsubmit(request));
  });
  return element;
}

function choices(id, texts) {
  return el("select", { id, name: id }, Object.entries(texts).map(([value, text]) => el("option", { value }, text)));
}

function field(id, label, control) {
  return el("div", { class: "field" }, el("label", { for: id }, label), control);
}

async function plan(request, answer, again) {
  answer.replaceChildren(el("p", { class: "lead" }, "Looking at each file and its place …"));
  let made;
  try {
    made = await post("/api/plan", request);
  } catch (error) {
    answer.replaceChildren();
    throw error;
  }
  calm();
  const work = Object.entries(made.counts).filter(([kind]) => !["in_place", "same", "problems"].includes(kind));
  const total = work.reduce((sum, [, count]) => sum + count, 0);
  const apply = () => attempt(() => applyPlan(made, total, answer, again));
  const title = el("h2", { tabindex: "-1" }, "The plan");
  answer.replaceChildren(
    title,
    el("ul", { class: "facts-row", role: "list" }, factsOf(made)),
    problemList(made.problems),
    total ? drawTree(made.tree, made.root) : el("p", { class: "lead" }, "There is nothing to do: every file is where it should be."),
    total ? el("div", { class: "actions sticky" }, button(`Apply: ${counted(total, "file")}`, apply, { class: "primary" })) : el("div", {}),
  );
  title.focus();
}

function factsOf(made) {
  const facts = Object.entries(made.counts)
    .filter(([, count]) => count)
    .map(([kind, count]) => [count.toLocaleString("en"), COUNTS[kind] ?? kind]);
  if (made.copy_bytes) facts.push([bytes(made.copy_bytes), "to copy"]);
  if (made.free_bytes !== null && made.free_bytes !== undefined) facts.push([bytes(made.free_bytes), "free"]);
  return facts.map(([count, what]) => el("li", {}, el("strong", {}, count), ` ${what}`));
}

/** Draw what cannot be done, with each reason. */
function problemList(problems) {
  if (!problems?.length) return el("div", {});
  return el(
    "details",
    { class: "problems", open: problems.length < 6 },
    el("summary", {}, counted(problems.length, "file has a problem", "files have a problem")),
    el("ul", {}, problems.map((problem) => el("li", {}, el("code", {}, problem.path), `: ${problem.message}`, problem.hint && ` (${problem.hint})`))),
  );
}

async function applyPlan(made, total, answer, again) {
  const sure = await confirmed(`Apply to ${counted(total, "file")}?`, `They go below ${made.root}. Undo puts every one back.`, "Apply");
  if (!sure) return;
  const { job } = await post("/api/apply", { plan: made.plan });
  const end = await follow(job, "Sorting");
  answer.replaceChildren(problemList(end.result?.problems));
  tellEnd(end);
  await again();
}

function undoOffer(undo, again) {
  if (!undo) return [];
  const start = async () => {
    const sure = await confirmed(`Undo batch ${undo.batch}?`, `${counted(undo.moves, "file goes back to where it was", "files go back to where they were")}.`, "Undo");
    if (!sure) return;
    const { job } = await post("/api/undo", { batch: undo.batch });
    const end = await follow(job, "Putting back");
    tellEnd(end);
    await again();
  };
  return [
    el(
      "div",
      { class: "undo" },
      el("span", {}, `The last batch, number ${undo.batch}, sorted ${counted(undo.moves, "file")}.`),
      button("Undo it…", () => attempt(start), { "aria-haspopup": "dialog" }),
    ),
  ];
}
