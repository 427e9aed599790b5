// What the page says: short notes that go away, and errors that stay until they are dealt with.

import { Failure, get } from "./api.js";
import { button, el, iconButton } from "./dom.js";

const NOTE_MS = 8000;
const RETRY_MS = 2000;
const notes = document.getElementById("messages");
const alerts = document.getElementById("alerts");
let waitsForServer = false;

/**
 * Say something that needs no answer.
 * @param {string} text
 * @param {?{label: string, act: function}} offer a button beside it, such as Undo
 */
export function say(text, offer = null) {
  const note = el("div", { class: "note" }, el("span", {}, text));
  const remove = () => note.remove();
  if (offer) {
    const accept = () => {
      remove();
      attempt(offer.act);
    };
    note.append(button(offer.label, accept, { class: "quiet" }));
  }
  note.append(iconButton("close", "Dismiss", remove));
  notes.replaceChildren(note);
  forgetLater(note);
}

// A note stays for as long as it is pointed at or has the focus.
function forgetLater(note) {
  setTimeout(() => {
    if (note.matches(":hover, :focus-within")) forgetLater(note);
    else note.remove();
  }, NOTE_MS);
}

/** Show a refusal of the server with its hint. */
export function complain(failure) {
  if (failure.status === 0) {
    awaitServer(failure);
    return;
  }
  const alert = el("div", { class: "alert" }, texts(failure));
  alert.append(iconButton("close", "Dismiss", () => alert.remove()));
  alerts.replaceChildren(alert);
}

/** Take away what `complain` said; what was asked next has worked. */
export function calm() {
  if (!waitsForServer) alerts.replaceChildren();
}

/**
 * Do something that may be refused; says so then. Anything else that goes wrong is a bug, which
 * the browser's console gets.
 */
export async function attempt(act) {
  try {
    const answer = await act();
    return answer;
  } catch (error) {
    if (error instanceof Failure) complain(error);
    else if (error.name !== "AbortError") throw error;
    return undefined;
  }
}

function texts(failure) {
  const hint = failure.hint ? el("span", { class: "hint" }, failure.hint) : null;
  return el("p", {}, el("strong", {}, failure.message), " ", hint);
}

async function awaitServer(failure) {
  if (waitsForServer) return;
  waitsForServer = true;
  alerts.replaceChildren(el("div", { class: "alert" }, texts(failure)));
  while (!(await isAnswered())) {
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
  waitsForServer = false;
  calm();
  say("The server answers again.");
  document.dispatchEvent(new Event("server-back"));
}

async function isAnswered() {
  try {
    await get("/api/library");
    return true;
  } catch (error) {
    if (error instanceof Failure) return error.status !== 0;
    throw error;
  }
}
