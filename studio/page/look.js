/** The place that swatch and suggestions are for: the selected hint's, else the pointer's or the cross's. */

import { rgbToLab } from "./color.js";
import { by } from "./dom.js";
import { Lost, Refused } from "./engine_server.js";
import { toFile } from "./marks.js";
import { texts } from "./texts.js";

const REST = 220; // ms that the pointer rests before suggestions are asked for

export class Look {
  /** @param {typeof import("./engine_server.js").engine} engine @param {import("./view.js").View} view @param {import("./marks.js").Marks} marks
   * @param {import("./palette.js").ColorPanel} panel @param {import("./current.js").Current} current */
  constructor(engine, view, marks, panel, current) {
    this.engine = engine;
    this.view = view;
    this.marks = marks;
    this.panel = panel;
    this.current = current;
    /** @type {[number, number] | null} */ this.place = null;
    this.timer = 0;
    this.asked = 0;
  }

  /** @param {number} x @param {number} y */
  at(x, y) {
    this.place = [x, y];
    this.again();
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.suggest(), REST);
  }

  /** The photograph was painted anew. */
  again() {
    const rgb = this.place && this.view.pixel(...this.place);
    if (rgb) this.panel.setLightness(rgbToLab(rgb)[0]);
  }

  forget() {
    this.place = null;
    clearTimeout(this.timer);
    this.asked++;
    this.panel.suggest([]);
  }

  async suggest() {
    const { picture } = this.current;
    if (!this.place || !picture) return;
    if (this.view.busy) { // what the user waits for comes first
      this.timer = window.setTimeout(() => this.suggest(), REST);
      return;
    }
    const number = ++this.asked, [x, y] = this.place, [w, h] = picture.size, { selected } = this.marks;
    // Without the hint that stands there: what would be likely if nobody had said anything about this place.
    const others = this.marks.list.filter((_, i) => i !== selected);
    try {
      const { suggestions, why } = await this.engine.suggest(picture.name, Math.min(w - 1, Math.floor(x)), Math.min(h - 1, Math.floor(y)), toFile(others, picture.size));
      if (number !== this.asked) return;
      by("suggestionsTitle").textContent = selected < 0 ? texts.suggestions : texts.suggestionsOfHint;
      this.panel.suggest(suggestions, why ? texts.noSuggestions : undefined);
    } catch (error) {
      if (!(error instanceof Refused || error instanceof Lost)) throw error;
    }
  }
}
