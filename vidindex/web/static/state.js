// What the views share: the library as last seen, and the run that is looked at.

import { get } from "./api.js";

export const state = {
  library: null,
  /** The number of the run that is looked at, which need not be the one in use; null: none. */
  shown: null,
  /** The last answer about that run: {run, clusters, unsorted}. */
  run: null,
};

/** Ask for the library again; keeps the run that is looked at while there is one. */
export async function loadLibrary() {
  const library = await get("/api/library");
  state.library = library;
  const known = library.runs.some((run) => run.run === state.shown);
  if (!known) state.shown = library.in_use ?? library.runs.at(-1)?.run ?? null;
  const count = document.getElementById("failure-count");
  count.textContent = library.failures;
  count.hidden = !library.failures;
  return library;
}

/** Ask for the run that is looked at. */
export async function loadRun() {
  state.run = await get(`/api/runs/${state.shown}`);
  return state.run;
}

/** The run that is looked at, as the list of runs has it. */
export function shownRun() {
  return state.library.runs.find((run) => run.run === state.shown);
}
