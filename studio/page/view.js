/** The photograph on the canvas: zoom, pan, and the frames that the engine paints for what is shown. */

import { Lost, Refused } from "./engine_server.js";

/** @typedef {import("./engine_server.js").Mode} Mode */
/** @typedef {import("./engine_server.js").View} Region */
/** A painted part of the picture. data: its pixels, for the eyedropper.
 * @typedef {{canvas: HTMLCanvasElement, data: ImageData, rect: [number, number, number, number]}} Frame */

const SMALLEST = 0.02, LARGEST = 64;

export class View {
  /** ask: gets a region painted. problem: is told what went wrong.
   * @param {HTMLCanvasElement} canvas
   * @param {(mode: Mode, region: Region) => Promise<ImageData | null>} ask
   * @param {(error: Error) => void} problem */
  constructor(canvas, ask, problem) {
    this.ask = ask;
    this.problem = problem;
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.size = /** @type {[number, number]} */ ([1, 1]);
    this.open = false;
    // Device pixels a picture pixel, and where the picture's corner lies on the canvas.
    this.scale = 1;
    this.left = 0;
    this.top = 0;
    /** @type {Mode | "split"} */ this.shown = "color";
    /** @type {"gray" | "automatic"} */ this.against = "gray";
    this.divider = 0.5;
    /** @type {Partial<Record<Mode, Frame>>} */ this.frames = {};
    /** The last frame of each mode that showed the whole picture: what pans into sight is there at once, if blurred.
     * @type {Partial<Record<Mode, Frame>>} */ this.wholes = {};
    /** @type {Partial<Record<Mode, "busy" | "again">>} */ this.state = {};
    this.generation = 0;
    this.painted = 0;
    /** What is told of every painted frame; what draws over the photograph whenever it is drawn.
     * @type {(() => void)[]} */
    this.listeners = [];
    /** @type {(() => void)[]} */ this.painters = [];
    this.fitted = true;
    new ResizeObserver(() => this.resize()).observe(canvas);
  }

  /** @param {[number, number]} size */
  show(size) {
    this.size = size;
    this.open = true;
    this.frames = {};
    this.wholes = {};
    this.generation++;
    this.fit();
  }

  resize() {
    const ratio = devicePixelRatio;
    this.canvas.width = Math.max(1, Math.round(this.canvas.clientWidth * ratio));
    this.canvas.height = Math.max(1, Math.round(this.canvas.clientHeight * ratio));
    if (this.fitted) this.fit();
    else this.moved();
  }

  fit() {
    const { width, height } = this.canvas;
    const margin = 16 * devicePixelRatio;
    this.scale = Math.min((width - 2 * margin) / this.size[0], (height - 2 * margin) / this.size[1]);
    this.scale = Math.max(this.scale, 1e-4);
    // Not enlarged a little: a picture at its own pixels is sharp.
    if (this.scale > 1 && this.scale < 2) this.scale = 1;
    this.left = Math.round((width - this.size[0] * this.scale) / 2);
    this.top = Math.round((height - this.size[1] * this.scale) / 2);
    this.moved();
    this.fitted = true;
  }

  /** @param {number} factor @param {number} [x] @param {number} [y] device pixels that stay where they are */
  zoom(factor, x = this.canvas.width / 2, y = this.canvas.height / 2) {
    const scale = Math.min(LARGEST, Math.max(Math.min(SMALLEST, this.scale), this.scale * factor));
    const [px, py] = this.toPicture(x, y);
    this.scale = scale;
    this.left = x - px * scale;
    this.top = y - py * scale;
    this.moved();
  }

  /** @param {number} dx @param {number} dy device pixels */
  pan(dx, dy) {
    this.left += dx;
    this.top += dy;
    this.moved();
  }

  /** Pan as far as it takes to see a place. @param {number} x @param {number} y picture pixels */
  reveal(x, y) {
    const [left, top] = this.toCanvas(x, y), margin = 40 * devicePixelRatio;
    const by = (/** @type {number} */ at, /** @type {number} */ length) => Math.min(0, length - margin - at) || Math.max(0, margin - at);
    const [dx, dy] = [by(left, this.canvas.width), by(top, this.canvas.height)];
    if (dx || dy) this.pan(dx, dy);
  }

  /** Move the divider of the split. @param {number} to 0..1 */
  divide(to) {
    this.divider = Math.min(1, Math.max(0, to));
    this.draw();
  }

  moved() {
    this.fitted = false;
    const keep = 40 * devicePixelRatio;
    this.left = Math.min(this.canvas.width - keep, Math.max(keep - this.size[0] * this.scale, this.left));
    this.top = Math.min(this.canvas.height - keep, Math.max(keep - this.size[1] * this.scale, this.top));
    this.refresh();
    this.draw();
  }

  /** @param {number} x @param {number} y device pixels @returns {[number, number]} */
  toPicture(x, y) { return [(x - this.left) / this.scale, (y - this.top) / this.scale]; }
  /** @param {number} x @param {number} y picture pixels @returns {[number, number]} */
  toCanvas(x, y) { return [x * this.scale + this.left, y * this.scale + this.top]; }

  /** Where the divider of the split stands, device pixels. */
  get dividerAt() {
    const left = Math.max(0, this.left), right = Math.min(this.canvas.width, this.left + this.size[0] * this.scale);
    return left + this.divider * (right - left);
  }

  /** What is in sight: at the picture's own pixels at most, the canvas enlarges. @returns {Region | null} */
  region() {
    const [w, h] = this.size;
    let [left, top] = this.toPicture(0, 0), [right, bottom] = this.toPicture(this.canvas.width, this.canvas.height);
    [left, top] = [Math.max(0, left), Math.max(0, top)];
    [right, bottom] = [Math.min(w, right), Math.min(h, bottom)];
    if (!this.open || right - left < 1e-6 || bottom - top < 1e-6) return null;
    if (this.scale >= 1) {
      [left, top, right, bottom] = [Math.floor(left), Math.floor(top), Math.ceil(right), Math.ceil(bottom)];
      return { rect: [left, top, right, bottom], size: [right - left, bottom - top] };
    }
    const side = (/** @type {number} */ length) => Math.max(1, Math.min(Math.round(length * this.scale), Math.floor(length)));
    return { rect: [left, top, right, bottom], size: [side(right - left), side(bottom - top)] };
  }

  /** Whether anything is being painted. */
  get busy() { return Object.keys(this.state).length > 0; }

  /** @returns {Mode[]} */
  get wanted() {
    if (this.shown === "split") return ["color", this.against];
    return this.shown === "color" ? ["color"] : [this.shown, "color"];
  }

  /** Have painted anew what is in sight. @param {Mode[]} [modes] */
  refresh(modes = this.wanted) {
    for (const mode of modes) this.paint(mode);
  }

  /** One request of each mode at a time; what came meanwhile is asked for once, as it is then. @param {Mode} mode */
  async paint(mode) {
    if (this.state[mode]) {
      this.state[mode] = "again";
      return;
    }
    do {
      this.state[mode] = "busy";
      const region = this.region(), generation = this.generation;
      if (!region) break;
      try {
        const data = await this.ask(mode, region);
        if (data && generation === this.generation) this.take(mode, region, data);
      } catch (error) {
        if (error instanceof Refused && error.status === 409) continue;
        if (error instanceof Lost || error instanceof Refused) this.problem(error);
        else throw error;
      }
    } while (this.state[mode] === "again");
    delete this.state[mode];
  }

  /** @param {Mode} mode @param {Region} region @param {ImageData} data */
  take(mode, region, data) {
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = region.size;
    canvas.getContext("2d")?.putImageData(data, 0, 0);
    const frame = { canvas, data, rect: region.rect };
    this.frames[mode] = frame;
    if (region.rect[0] === 0 && region.rect[1] === 0 && region.rect[2] === this.size[0] && region.rect[3] === this.size[1]) this.wholes[mode] = frame;
    this.draw();
    this.painted++;
    for (const listener of this.listeners) listener();
  }

  draw() {
    this.drawPhotograph();
    for (const paint of this.painters) paint();
  }

  drawPhotograph() {
    const { context, canvas } = this;
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    if (!this.open) return;
    if (this.shown !== "split") {
      this.drawMode(this.shown);
      return;
    }
    const x = this.dividerAt;
    this.clipped(0, x, () => this.drawMode("color"));
    this.clipped(x, canvas.width, () => this.drawMode(this.against));
    context.fillStyle = "#fff";
    context.fillRect(Math.round(x) - 1, Math.max(0, this.top), 2, Math.min(canvas.height, this.size[1] * this.scale));
  }

  /** @param {number} from @param {number} to @param {() => void} draw */
  clipped(from, to, draw) {
    this.context.save();
    this.context.beginPath();
    this.context.rect(from, 0, to - from, this.canvas.height);
    this.context.clip();
    draw();
    this.context.restore();
  }

  /** @param {Mode} mode */
  drawMode(mode) {
    for (const frame of [this.wholes[mode] ?? this.wholes.gray ?? this.wholes.color, this.frames[mode]]) {
      if (!frame) continue;
      const [left, top, right, bottom] = frame.rect;
      const [x, y] = this.toCanvas(left, top);
      const width = (right - left) * this.scale, height = (bottom - top) * this.scale;
      // Pixels are shown as they are, once they can be told apart.
      this.context.imageSmoothingEnabled = this.scale < 3 && Math.abs(width - frame.canvas.width) > 0.75;
      this.context.imageSmoothingQuality = "high";
      this.context.drawImage(frame.canvas, Math.round(x), Math.round(y), Math.round(width), Math.round(height));
    }
  }

  /** The pixel of the result at a place of the picture, or null where it is not painted. @param {number} x @param {number} y @returns {[number, number, number] | null} */
  pixel(x, y) {
    for (const frame of [this.frames.color, this.frames.gray, this.wholes.color]) {
      if (!frame) continue;
      const [left, top, right, bottom] = frame.rect;
      const { width, height, data } = frame.data;
      const column = Math.floor(((x - left) / (right - left)) * width), row = Math.floor(((y - top) / (bottom - top)) * height);
      if (column < 0 || row < 0 || column >= width || row >= height) continue;
      const at = 4 * (row * width + column);
      return [data[at], data[at + 1], data[at + 2]];
    }
    return null;
  }
}
