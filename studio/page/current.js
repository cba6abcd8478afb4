/** The picture that is open, its hint files and its painted layer. */

import { by } from "./dom.js";
import { Refused } from "./engine_server.js";
import { fromFile } from "./marks.js";
import { Saver } from "./saver.js";
import { ask, clearNotes, note, problem } from "./say.js";
import { texts } from "./texts.js";

/** @typedef {import("./engine_server.js").Picture} Picture */

export class Current {
  /** chosen: is told which picture it is going to be. opened: that it is open; again where it was before. refused: that
   * it cannot be opened. changes: what else may have changed meanwhile.
   * @param {typeof import("./engine_server.js").engine} engine @param {import("./marks.js").Marks} marks @param {import("./view.js").View} view
   * @param {{chosen: (name: string) => void, opened: (again: boolean) => void, refused: (name: string, sentence: string) => void, changes: (found: any) => void}} tell */
  constructor(engine, marks, view, tell) {
    this.engine = engine;
    this.marks = marks;
    this.view = view;
    this.tell = tell;
    /** @type {Picture | null} */ this.picture = null;
    /** @type {ImageBitmap | null} */ this.layer = null;
    this.saver = engine.folder ? new Saver(engine, marks, {
      status: (state, sentence) => {
        const wrong = state === "lost" || state === "refused";
        by("saved").textContent = wrong ? "" : sentence;
        note("saving", wrong ? sentence : "");
      },
      ask,
      reload: async (why) => {
        if (this.picture) await this.open(this.picture.name, true);
        note("reloaded", why, 4000);
      },
      changes: tell.changes,
    }) : null;
  }

  /** @param {string} name @param {boolean} [again] the same picture, whose view stays */
  async open(name, again = false) {
    await this.saver?.flush();
    let found;
    try {
      found = await this.engine.open(name);
    } catch (error) {
      this.close(name, error);
      return;
    }
    clearNotes();
    this.picture = found;
    this.layer = null;
    this.marks.load(fromFile(found.hints));
    by("layerRow").hidden = !found.layer;
    if (found.layer) this.engine.layer(name).then((image) => { if (this.picture === found) { this.layer = image; this.view.draw(); } }).catch(problem);
    this.tell.chosen(name);
    if (again) this.view.refresh();
    else this.view.show(found.size);
    this.saver?.watch(found);
    this.tell.opened(again);
    if (found.error) await this.damaged(found);
  }

  /** It cannot be opened. @param {string} name @param {any} error */
  close(name, error) {
    if (error instanceof Refused) this.tell.refused(name, error.message);
    this.marks.load([]);
    this.picture = this.layer = null;
    if (this.saver) this.saver.picture = null;
    this.tell.chosen(name);
    this.view.open = false;
    this.view.draw();
    this.tell.opened(false);
    clearNotes();
    by("saved").textContent = by("zoom").textContent = "";
    if (error instanceof Refused) note("problem", `${name}: ${error.message}`);
    else problem(error);
  }

  /** @param {Picture} found */
  async damaged(found) {
    if (this.saver) this.saver.picture = null; // what cannot be read is not written over unasked
    if ((await ask(texts.damaged(found.error), [texts.leave, texts.anew])) === 1 && this.picture === found && this.saver) {
      this.saver.watch(found);
      this.saver.changed();
    } else note("damaged", found.error);
  }
}
