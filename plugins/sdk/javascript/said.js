/**
 * Keeps what a view logs: a component has no output, so it is shown with the fault of the key that it is about.
 *
 * @module
 */

/** The characters that are kept: the last ones. */
const KEPT = 200;

let text = "";

function keep(...values) {
  const line = values.map((value) => (typeof value === "string" ? value : shown(value))).join(" ");
  text = `${text}${line}\n`.slice(-KEPT);
}

function shown(value) {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}

for (const name of ["debug", "error", "info", "log", "trace", "warn"]) console[name] = keep;

/** Drops what was logged so far. */
export function forget() {
  text = "";
}

/** A message, with what was logged since the last time. */
export function addedTo(message) {
  const logged = text.trim();
  forget();
  return logged === "" ? message : `${message}; logged: ${logged}`;
}
