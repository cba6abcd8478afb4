/** Keeps the hint file and the page the same: saves a moment after each change, and sees what was changed outside. */

import { Lost, Refused } from "./engine_server.js";
import { toFile } from "./marks.js";
import { texts } from "./texts.js";

const MOMENT = 350; // ms between a change and its saving
const LOOK = 1000; // ms between two looks at the files

/** @typedef {"saved" | "saving" | "unsaved" | "lost" | "refused"} State */

export class Saver {
  /** status: is told how it stands. ask: asks the user and gives the answer. reload: loads the picture's files anew.
   * changes: is given what else may have changed.
   * @param {typeof import("./engine_server.js").engine} engine @param {import("./marks.js").Marks} marks
   * @param {{status: (state: State, sentence: string) => void, ask: (sentence: string, answers: string[]) => Promise<number>,
   *          reload: (why: string) => Promise<void>, changes: (found: any) => void}} tell */
  constructor(engine, marks, tell) {
    this.engine = engine;
    this.marks = marks;
    this.tell = tell;
    /** @type {import("./engine_server.js").Picture | null} */ this.picture = null;
    this.dirty = false;
    this.timer = 0;
    /** @type {Promise<void> | null} */ this.running = null;
    this.asking = false;
    marks.listeners.push((settled) => { if (settled !== null) this.changed(); });
    addEventListener("pagehide", () => { this.flush(); });
    setInterval(() => this.look(), LOOK);
  }

  /** @param {import("./engine_server.js").Picture} picture */
  watch(picture) {
    this.picture = picture;
    this.dirty = false;
    this.tell.status("saved", "");
  }

  changed() {
    if (!this.picture) return;
    this.dirty = true;
    this.tell.status("unsaved", texts.unsaved);
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.flush(), MOMENT);
  }

  /** Save now what is not saved; resolves once it is, or cannot be. */
  async flush() {
    clearTimeout(this.timer);
    while (this.running) await this.running;
    if (!this.dirty || !this.picture || this.asking) return;
    this.running = this.save(this.picture).finally(() => { this.running = null; });
    await this.running;
  }

  /** @param {import("./engine_server.js").Picture} picture */
  async save(picture) {
    const content = toFile(this.marks.list, picture.size);
    this.dirty = false;
    this.tell.status("saving", texts.saving);
    try {
      picture.tag = await this.engine.save(picture.name, content, picture.tag);
      if (!this.dirty) this.tell.status("saved", texts.saved);
    } catch (error) {
      this.dirty = true;
      if (error instanceof Refused && error.status === 412) queueMicrotask(() => this.settleConflict());
      else if (error instanceof Refused) this.tell.status("refused", texts.refused(error.message));
      else if (error instanceof Lost) this.tell.status("lost", texts.lost);
      else throw error;
    }
  }

  async look() {
    const { picture } = this;
    if (!picture || this.running || this.asking) return;
    try {
      const found = await this.engine.changes(picture.name);
      if (picture !== this.picture) return;
      this.tell.changes(found);
      if (this.running) return;
      if (found.tag !== picture.tag) {
        if (this.dirty || this.marks.before) await this.settleConflict();
        else await this.tell.reload(texts.reloaded);
      } else if (this.dirty) await this.flush();
      else this.tell.status("saved", texts.saved);
    } catch (error) {
      if (error instanceof Lost) this.tell.status("lost", texts.lost);
      else if (!(error instanceof Refused)) throw error;
    }
  }

  async settleConflict() {
    if (this.asking || !this.picture) return;
    this.asking = true;
    const { picture } = this;
    const mine = await this.tell.ask(texts.conflict, [texts.theirs, texts.mine]);
    this.asking = false;
    if (mine === 1) {
      picture.tag = (await this.engine.changes(picture.name)).tag;
      this.dirty = true;
      await this.flush();
    } else {
      this.dirty = false;
      await this.tell.reload("");
    }
  }
}
