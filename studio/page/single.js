/** Without a server: a photograph is dropped in, picture and hint file are downloaded. */

import { fromFile, toFile } from "./marks.js";
import { texts } from "./texts.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const by = (id) => /** @type {any} */ (document.getElementById(id));

/** @param {any} engine the browser's
 * @param {{open: (name: string) => Promise<void>, note: (about: string, sentence: string, ms?: number) => void, marks: import("./marks.js").Marks,
 *          picture: () => import("./engine_server.js").Picture | null}} page */
export function setUpSingle(engine, page) {
  by("drop").hidden = false;
  by("engineNote").textContent = texts.loading;
  engine.ready().then((/** @type {number} */ threads) => { by("engineNote").textContent = threads > 1 ? texts.threads(threads) : texts.oneThread; },
    (/** @type {Error} */ error) => page.note("engine", error.message));

  /** @param {File} file */
  const take = async (file) => {
    try {
      await engine.take(file);
    } catch (error) {
      page.note("problem", /** @type {Error} */ (error).message || texts.notRead, 8000);
      return;
    }
    by("drop").hidden = true;
    await page.open(file.name);
  };

  /** @param {File} file */
  const takeHints = async (file) => {
    const picture = page.picture();
    if (!picture) return;
    try {
      const read = JSON.parse(await file.text());
      const marks = engine.scaled(read, picture.size);
      page.marks.change(fromFile(marks), -1);
      page.marks.settle();
    } catch (error) {
      page.note("problem", `${file.name}: ${/** @type {Error} */ (error).message}`, 8000);
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
    const picture = page.picture();
    if (picture) download(await engine.whole(toFile(page.marks.list, picture.size)), `${stem(picture.name)}.png`);
  });
  by("saveHints").addEventListener("click", () => {
    const picture = page.picture();
    if (picture) download(new Blob([`${JSON.stringify(toFile(page.marks.list, picture.size))}\n`], { type: "application/json" }), `${picture.name}.json`);
  });
}

/** @param {string} name */
const stem = (name) => name.replace(/\.[^.]*$/, "");

/** @param {Blob} blob @param {string} name */
function download(blob, name) {
  const address = URL.createObjectURL(blob);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}
