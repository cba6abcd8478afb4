/** What is shown: the result, the photograph as it is, the automatic result, or two of them split. */

import { by } from "./dom.js";
import { texts } from "./texts.js";

const HELD = 400; // ms from which a button is held, not clicked

/** @typedef {import("./view.js").View["shown"]} Shown */

export class Compare {
  /** @param {import("./view.js").View} view */
  constructor(view) {
    this.view = view;
    /** @type {Shown} */ this.beforeHold = "color";
    this.pressed = 0;
    const modes = /** @type {const} */ (["color", "gray", "automatic", "split"]);
    by("compare").append(...modes.map((mode) => {
      const made = Object.assign(document.createElement("button"), { textContent: texts[mode], title: texts[`${mode}Label`] });
      made.dataset.mode = mode;
      made.setAttribute("role", "radio");
      made.addEventListener("pointerdown", () => {
        this.pressed = performance.now();
        this.beforeHold = view.shown;
        this.show(mode);
      });
      // A button that is held shows its mode only so long, for those who have no keys.
      made.addEventListener("click", () => this.show(this.pressed && performance.now() - this.pressed > HELD ? this.beforeHold : mode));
      made.addEventListener("keydown", () => { this.pressed = 0; });
      return made;
    }));
    const against = /** @type {HTMLSelectElement} */ (by("against"));
    against.append(new Option(texts.gray, "gray"), new Option(texts.automatic, "automatic"));
    against.addEventListener("change", () => {
      view.against = /** @type {any} */ (against.value);
      this.show("split");
    });
    this.show("color");
  }

  /** @param {Shown} mode */
  show(mode) {
    this.view.shown = mode;
    for (const made of by("compare").children) made.setAttribute("aria-checked", String(/** @type {HTMLElement} */ (made).dataset.mode === mode));
    this.view.refresh();
    this.view.draw();
  }

  split() { this.show(this.view.shown === "split" ? "color" : "split"); }

  /** While a key is held. @param {"gray" | "automatic"} mode */
  hold(mode) {
    return (/** @type {boolean} */ down) => {
      if (down) {
        this.beforeHold = this.view.shown;
        this.show(mode);
      } else if (this.view.shown === mode) this.show(this.beforeHold);
    };
  }
}
