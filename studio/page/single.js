/** Without a server: a photograph is dropped in, picture and hint file are downloaded. */

import { by } from "./dom.js";
import { fromFile, toFile } from "./marks.js";
import { note } from "./say.js";
import { texts } from "./texts.js";

/** @param {any} engine the browser's @param {import("./current.js").Current} current @param {import("./marks.js").Marks} marks */
export function setUpSingle(engine, current, marks) {
  by("drop").hidden = false;
  setEnabled(false);
  by("engineNote").textContent = texts.loading;
  engine.ready().then((/** @type {number} */ threads) => { by("engineNote").textContent = threads > 1 ? texts.threads(threads) : texts.oneThread; },
    (/** @type {Error} */ error) => note("engine", error.message));

  /** @param {File} file */
  const take = async (file) => {
    try {
      await engine.take(file);
    } catch (error) {
      note("problem", /** @type {Error} */ (error).message || texts.notRead, 8000);
      return;
    }
    by("drop").hidden = true;
    await current.open(file.name);
    setEnabled(true);
  };

  /** @param {File} file */
  const takeHints = async (file) => {
    const { picture } = current;
    if (!picture) return;
    try {
      const read = JSON.parse(await file.text());
      marks.change(fromFile(engine.scaled(read, picture.size)), -1);
      marks.settle();
    } catch (error) {
      note("problem", `${file.name}: ${/** @type {Error} */ (error).message}`, 8000);
    }
  };

  const file = /** @type {HTMLInputElement} */ (by("file")), hintFile = /** @type {HTMLInputElement} */ (by("hintFile"));
  by("another").addEventListener("click", () => file.click());
  for (const [input, act] of /** @type {[HTMLInputElement, (file: File) => Promise<void>][]} */ ([[file, take], [hintFile, takeHints]])) {
    input.addEventListener("change", () => {
      const [chosen] = input.files ?? [];
      input.value = "";
      if (chosen) act(chosen);
    });
  }
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    for (const dropped of event.dataTransfer?.files ?? []) (/\.json$/i.test(dropped.name) ? takeHints : take)(dropped);
  });
  by("savePicture").addEventListener("click", async () => {
    const { picture } = current;
    if (picture) download(await engine.whole(toFile(marks.list, picture.size)), `${stem(picture.name)}.png`);
  });
  by("saveHints").addEventListener("click", () => {
    const { picture } = current;
    if (picture) download(new Blob([`${JSON.stringify(toFile(marks.list, picture.size))}\n`], { type: "application/json" }), `${picture.name}.json`);
  });
}

/** What needs a photograph. @param {boolean} on */
function setEnabled(on) {
  for (const id of ["another", "savePicture", "saveHints", "hintFile"]) /** @type {HTMLButtonElement} */ (by(id)).disabled = !on;
}

/** @param {string} name */
const stem = (name) => name.replace(/\.[^.]*$/, "");

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
