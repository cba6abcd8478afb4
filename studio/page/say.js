/** What the page says to the user: notes over the photograph, and questions. */

import { by } from "./dom.js";
import { Lost } from "./engine_server.js";
import { texts } from "./texts.js";

/** @type {Map<string, string>} */
const notes = new Map();

/** @param {string} about one note of each kind at a time @param {string} sentence "" takes it away @param {number} [ms] */
export function note(about, sentence, ms = 0) {
  if ((notes.get(about) ?? "") === sentence) return;
  if (sentence) notes.set(about, sentence);
  else notes.delete(about);
  by("notes").replaceChildren(...[...notes.values()].map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  if (ms) setTimeout(() => { if (notes.get(about) === sentence) note(about, ""); }, ms);
}

export function clearNotes() {
  notes.clear();
  by("notes").replaceChildren();
}

/** @param {any} error */
export function problem(error) {
  if (error instanceof Lost) note("saving", texts.lost);
  else note("problem", `${error.message}`);
}

/** @param {string} sentence @param {string[]} answers @returns {Promise<number>} which; 0 where the dialog is just closed */
export function ask(sentence, answers) {
  const dialog = /** @type {HTMLDialogElement} */ (by("question"));
  /** @type {HTMLElement} */ (dialog.querySelector("p")).textContent = sentence;
  return new Promise((resolve) => {
    let answer = 0;
    dialog.querySelector("div")?.replaceChildren(...answers.map((text, i) => {
      const made = Object.assign(document.createElement("button"), { textContent: text });
      made.addEventListener("click", () => { answer = i; dialog.close(); });
      return made;
    }));
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
  });
}
