// Questions to the server that this page came from, and its answers.

const token = document.querySelector('meta[name="vidindex-token"]').content;

/** An answer that is a refusal; status 0: there was no answer at all. */
export class Failure extends Error {
  constructor(message, hint, status) {
    super(message);
    this.hint = hint;
    this.status = status;
  }
}

/** Ask for something; resolves to the answer's JSON, rejects with a Failure. */
export function get(path, signal) {
  return ask(path, { signal });
}

/** Change something; resolves and rejects as `get` does. */
export function post(path, body = {}) {
  const headers = { "Content-Type": "application/json", "X-Vidindex-Token": token };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body) });
}

async function ask(path, options) {
  let response;
  let answer;
  try {
    response = await fetch(path, options);
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (response) throw new Failure(`the server's answer makes no sense (${response.status})`, "", response.status);
    throw new Failure(
      "The server does not answer.",
      "Is vidindex serve still running? If not, start it again and open the link that it prints.",
      0,
    );
  }
  if (response.ok) return answer;
  const { message = `the server answered ${response.status}`, hint = "" } = answer.error ?? {};
  throw new Failure(message, hint, response.status);
}
