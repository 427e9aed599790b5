// Which run is looked at: a stored one, or one of another number of clusters, made on the spot.

import { post } from "./api.js";
import { button, el } from "./dom.js";
import { attempt, calm, say } from "./messages.js";
import { loadLibrary, shownRun, state } from "./state.js";
import { counted, runName } from "./texts.js";

const PAUSE_MS = 250;
const LEAST_K = 2;
const SLIDER_MOST = 60;

/**
 * Make the bar by which a run is chosen.
 * @param {Element} body what shows the run; it is busy meanwhile
 * @param {function} refresh shows the run anew
 */
export function runChooser(body, refresh) {
  const most = Math.max(LEAST_K, state.library.k_most ?? Math.min(state.library.videos - 1, SLIDER_MOST));
  const select = el("select", { id: "run" });
  const slider = el("input", { type: "range", id: "k", min: LEAST_K, max: most, "aria-describedby": "k-state" });
  const number = el("output", { for: "k", class: "k-number" });
  const note = el("span", { id: "k-state", class: "k-state", role: "status" });
  const use = el("span", { class: "use" });
  const wanted = grouper(body, note, async () => {
    tell();
    await refresh();
  });

  const tell = () => {
    const run = shownRun();
    const options = [...state.library.runs].reverse().map((each) => el("option", { value: each.run }, runName(each)));
    select.replaceChildren(...(run ? options : [el("option", {}, "None yet")]));
    select.disabled = !run;
    if (run) select.value = String(run.run);
    slider.value = String(run?.k ?? run?.clusters ?? Math.min(8, most));
    number.textContent = slider.value;
    use.replaceChildren(...useOf(run));
  };
  const useOf = (run) => {
    if (!run) return [button("Group them", () => wanted(Number(slider.value)), { class: "primary" })];
    if (run.in_use) return [el("span", { class: "tag" }, "in use")];
    const start = async () => {
      await post(`/api/runs/${run.run}/use`);
      await loadLibrary();
      calm();
      say(`Run ${run.run} is in use now: labels, pins and moves go by it.`);
      tell();
      await refresh();
    };
    return [button("Use this run", () => attempt(start))];
  };

  select.addEventListener("change", () => {
    state.shown = Number(select.value);
    attempt(async () => {
      tell();
      note.textContent = "";
      await refresh();
    });
  });
  slider.addEventListener("input", () => {
    number.textContent = slider.value;
  });
  let pause = null;
  slider.addEventListener("change", () => {
    clearTimeout(pause);
    pause = setTimeout(() => wanted(Number(slider.value)), PAUSE_MS);
  });
  tell();
  return el(
    "div",
    { class: "bar-of-controls" },
    el("span", { class: "control" }, el("label", { for: "run" }, "Clustering"), select),
    el("span", { class: "control" }, el("label", { for: "k" }, "Clusters"), slider, number),
    use,
    note,
  );
}

// One grouping at a time; while it works, only the last number that was asked for is kept.
function grouper(body, note, done) {
  let next = null;
  let isWorking = false;

  return async function group(k) {
    next = k;
    if (isWorking) return;
    isWorking = true;
    body.setAttribute("aria-busy", "true");
    while (next !== null) {
      const now = next;
      next = null;
      await attempt(() => groupOnce(now));
    }
    body.removeAttribute("aria-busy");
    isWorking = false;
  };

  async function groupOnce(k) {
    note.textContent = `Grouping into ${k} …`;
    const start = performance.now();
    try {
      const answer = await post("/api/cluster", { k });
      state.shown = answer.run;
      await loadLibrary();
      calm();
      if (next === null) await done();
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      note.textContent = `${counted(shownRun().clusters, "cluster")} in ${seconds} s; in use from now on`;
    } catch (error) {
      note.textContent = "";
      throw error;
    }
  }
}
