/** What is done to hints other than by the pointer: their radius, the arrow keys, the hints of the previous picture. */

import { by } from "./dom.js";
import { fromFile } from "./marks.js";
import { note, problem } from "./say.js";
import { texts } from "./texts.js";

const PAUSE = 300; // ms after which steps of wheel and keys are one edit

export class Editing {
  /** brush: color and radius of the next mark.
   * @param {import("./marks.js").Marks} marks @param {import("./view.js").View} view @param {{color: string, radius: number}} brush */
  constructor(marks, view, brush) {
    this.marks = marks;
    this.view = view;
    this.brush = brush;
    this.timer = 0;
    const slider = /** @type {HTMLInputElement} */ (by("radius"));
    slider.addEventListener("input", () => this.setRadius(this.radiusOf(Number(slider.value))));
    slider.addEventListener("change", () => marks.settle());
  }

  /** More steps may follow; they are undone together. */
  settleSoon() {
    clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.marks.settle(), PAUSE);
  }

  /** The slider's end, as a power of two: a fifth of the picture. */
  get most() { return Math.log2(Math.max(8, Math.min(...this.view.size) / 5)); }

  /** The slider runs evenly in ratio. @param {number} value 0..100 */
  radiusOf(value) { return value ? Math.round(2 ** ((value / 100) * this.most)) : 0; }

  /** @param {number} radius */
  setRadius(radius) {
    this.brush.radius = radius;
    if (this.marks.selected >= 0) this.marks.alter(this.marks.selected, { radius });
    this.show();
  }

  show() {
    const { radius } = this.brush;
    /** @type {HTMLInputElement} */ (by("radius")).value = String(radius ? Math.max(1, Math.round((Math.log2(radius) / this.most) * 100)) : 0);
    by("radiusText").textContent = texts.pixels(Math.round(radius));
  }

  /** @param {number} steps */
  resize(steps) {
    const now = this.brush.radius, least = Math.max(1, Math.min(...this.view.size) / 512);
    const smaller = now * 0.83 < least ? 0 : Math.round(Math.min(now * 0.83, now - 1));
    this.setRadius(steps > 0 ? Math.round(Math.max(now * 1.2, now + 1, least)) : smaller);
    this.settleSoon();
  }

  /** Within the picture. @param {readonly [number, number]} place @param {number} dx @param {number} dy in steps @returns {[number, number]} */
  moved([x, y], dx, dy) {
    const step = Math.max(1, devicePixelRatio / this.view.scale), [w, h] = this.view.size;
    return [Math.min(w, Math.max(0, x + dx * step)), Math.min(h, Math.max(0, y + dy * step))];
  }

  /** Move the selected hint; false where there is none. @param {number} dx @param {number} dy in steps */
  moveSelected(dx, dy) {
    const mark = this.marks.list[this.marks.selected];
    if (!mark) return false;
    this.marks.alter(this.marks.selected, { points: mark.points.map((point) => this.moved(point, dx, dy)) });
    this.settleSoon();
    return true;
  }

  /** @param {[number, number] | null} place @param {string} color */
  add(place, color) {
    if (!place) return;
    this.marks.add({ points: [place], color, radius: this.brush.radius });
    this.marks.settle();
  }

  /** Add the hints of another picture, scaled to this one. @param {Promise<import("./engine_server.js").Picture>} opening @param {[number, number]} size this picture's */
  async take(opening, [w, h]) {
    const other = await opening.catch(problem);
    if (!other) return;
    const taken = fromFile(other.hints), [ow, oh] = other.size;
    if (!taken.length) return note("previous", texts.nothingBefore, 4000);
    if (Math.abs(w * oh - h * ow) > Math.max(w, h, ow, oh)) note("previous", texts.otherAspect, 6000);
    const scaled = taken.map((mark) => ({ ...mark, radius: (mark.radius * w) / ow, points: mark.points.map(([x, y]) => /** @type {[number, number]} */ ([(x * w) / ow, (y * h) / oh])) }));
    this.marks.change([...this.marks.list, ...scaled], -1);
    this.marks.settle();
  }
}
