// Work that takes a while on the server: how far it is, and a button that stops it.

import { get, post } from "./api.js";
import { button, el } from "./dom.js";
import { attempt, complain, say } from "./messages.js";
import { counted } from "./texts.js";

const LOOK_MS = 250;
const place = document.getElementById("job");

/**
 * Show a job until it has ended; resolves to what the server says of it then.
 * @param {string} job its id
 * @param {string} doing what it does, such as "Sorting"
 */
export async function follow(job, doing) {
  const bar = el("progress", { "aria-label": doing });
  const text = el("span", { role: "status" }, `${doing} …`);
  const stop = button("Stop", () => {
    stop.disabled = true;
    text.textContent = "Stopping after the file at hand …";
    attempt(() => post(`/api/jobs/${job}/stop`));
  });
  place.replaceChildren(text, bar, stop);
  place.hidden = false;
  try {
    return await watch(job, (now) => {
      if (now.total) {
        bar.max = now.total;
        bar.value = now.done;
      }
      if (!stop.disabled) text.textContent = said(now, doing);
    });
  } finally {
    place.hidden = true;
    place.replaceChildren();
  }
}

/** Say what came of a job that has ended; an error of it is said already. */
export function tellEnd({ kind, result, stopped }) {
  if (!result) return;
  const parts = [kind === "undo" ? `${counted(result.restored, "file")} put back` : `${counted(result.moved, "file")} sorted`];
  if (result.skipped) parts.push(`${result.skipped} skipped`);
  if (result.failed) parts.push(`${result.failed} failed`);
  say(`${parts.join(", ")}${stopped ? "; stopped as you asked" : ""}.`);
}

function said(now, doing) {
  const count = now.total ? ` ${now.done.toLocaleString("en")} of ${now.total.toLocaleString("en")}` : " …";
  return `${now.message || doing}${count}`;
}

async function watch(job, tell) {
  for (;;) {
    const now = await get(`/api/jobs/${job}`);
    tell(now);
    if (now.state !== "running") {
      if (now.error) complain({ status: 1, ...now.error });
      return now;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
