/** Pointer, pen, touch and wheel on the canvas: place, move, draw, pan, zoom, pick. */

import { by } from "./dom.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./marks.js").Marks} Marks */

const HANDLE = 11; // device-independent pixels around a mark that count as on it
const STROKE = 4; // how far a drag goes before it is a stroke

export class Tools {
  /** brush: color and radius of the next mark. picked: a color was taken. hovered: the pointer is over a place.
   * @param {View} view @param {Marks} marks @param {{color: string, radius: number}} brush
   * @param {{picked: (x: number, y: number) => void, hovered: (x: number, y: number) => void, wheel: (steps: number) => void}} tell */
  constructor(view, marks, brush, tell) {
    this.view = view;
    this.marks = marks;
    this.brush = brush;
    this.tell = tell;
    this.picking = false;
    this.space = false;
    /** The keyboard's cross, and where the pointer was last; picture pixels. */
    this.cross = /** @type {[number, number] | null} */ (null);
    this.pointer = /** @type {[number, number] | null} */ (null);
    /** @type {Map<number, [number, number]>} */ this.touches = new Map();
    /** What the pointer does now. @type {null | {kind: "move" | "draw" | "pan" | "divide" | "pinch", at: [number, number], mark: number, points: [number, number][]}} */
    this.act = null;
    const { canvas } = view;
    canvas.addEventListener("pointerdown", (event) => this.down(event));
    canvas.addEventListener("pointermove", (event) => this.move(event));
    for (const kind of /** @type {const} */ (["pointerup", "pointercancel"])) canvas.addEventListener(kind, (event) => this.up(event));
    canvas.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** Where the next hint goes that the keyboard places. */
  get here() { return this.cross ?? this.pointer; }

  /** Whether the next click takes a color from the picture. @param {boolean} on */
  pick(on) {
    this.picking = on;
    by("eyedropper").setAttribute("aria-pressed", String(on));
    this.view.canvas.classList.toggle("picking", on);
  }

  /** @param {MouseEvent} event @returns {[number, number]} device pixels */
  at(event) {
    const box = this.view.canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * devicePixelRatio, (event.clientY - box.top) * devicePixelRatio];
  }

  /** Within the picture, to a hundredth of a pixel. @param {[number, number]} at @returns {[number, number]} */
  place(at) {
    const [x, y] = this.view.toPicture(...at);
    const [w, h] = this.view.size;
    return [round(Math.min(w, Math.max(0, x))), round(Math.min(h, Math.max(0, y)))];
  }

  /** @param {[number, number]} at */
  inside(at) {
    const [x, y] = this.view.toPicture(...at);
    return x >= 0 && y >= 0 && x < this.view.size[0] && y < this.view.size[1];
  }

  /** The uppermost mark under a place, -1 for none. @param {[number, number]} at */
  markAt(at) {
    for (let i = this.marks.list.length - 1; i >= 0; i--) {
      const mark = this.marks.list[i];
      const reach = Math.max(HANDLE * devicePixelRatio, mark.points.length > 1 ? mark.radius * this.view.scale : 0);
      const points = mark.points.map(([x, y]) => this.view.toCanvas(x, y));
      if (points.some((p, j) => distance(at, p, points[Math.min(j + 1, points.length - 1)]) <= reach)) return i;
    }
    return -1;
  }

  /** @param {PointerEvent} event */
  down(event) {
    const { view, marks } = this;
    if (!view.open) return;
    view.canvas.focus();
    const at = this.at(event);
    view.canvas.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, at);
      if (this.touches.size === 2) {
        if (this.act?.kind === "draw") this.takeBack();
        this.act = { kind: "pinch", at, mark: -1, points: [] };
        return;
      }
    }
    if (event.button === 1 || this.space || event.button === 2) {
      this.act = { kind: "pan", at, mark: -1, points: [] };
      return;
    }
    if (event.button !== 0) return;
    if (view.shown === "split" && Math.abs(at[0] - view.dividerAt) < 8 * devicePixelRatio) {
      this.act = { kind: "divide", at, mark: -1, points: [] };
      return;
    }
    if (this.picking) {
      if (this.inside(at)) this.tell.picked(...this.place(at));
      return;
    }
    const found = this.markAt(at);
    if (found >= 0) {
      marks.select(found);
      this.act = { kind: "move", at, mark: found, points: marks.list[found].points };
    } else if (this.inside(at)) {
      const point = this.place(at);
      marks.add({ points: [point], ...this.brush });
      this.act = { kind: "draw", at, mark: marks.list.length - 1, points: [point] };
    }
  }

  takeBack() {
    const before = this.marks.before;
    if (before) this.marks.change(before, -1);
    this.marks.settle();
  }

  /** @param {PointerEvent} event */
  move(event) {
    const at = this.at(event);
    const { act, view, marks } = this;
    if (!act) {
      if (view.open && this.inside(at)) {
        this.cross = null;
        this.pointer = this.place(at);
        this.tell.hovered(...this.pointer);
      }
      return;
    }
    if (act.kind === "pan") {
      view.pan(at[0] - act.at[0], at[1] - act.at[1]);
      act.at = at;
    } else if (act.kind === "divide") {
      const left = Math.max(0, view.left), right = Math.min(view.canvas.width, view.left + view.size[0] * view.scale);
      view.divide((at[0] - left) / (right - left));
    } else if (act.kind === "pinch") {
      this.pinch(event.pointerId, at);
    } else if (act.kind === "move") {
      const [w, h] = view.size;
      const dx = (at[0] - act.at[0]) / view.scale, dy = (at[1] - act.at[1]) / view.scale;
      marks.alter(act.mark, { points: act.points.map(([x, y]) => [round(clamp(x + dx, w)), round(clamp(y + dy, h))]) });
    } else if (act.points.length > 1 || Math.hypot(at[0] - act.at[0], at[1] - act.at[1]) > STROKE * devicePixelRatio) {
      for (const step of event.getCoalescedEvents?.() ?? [event]) this.draw(this.at(step));
    }
  }

  /** @param {[number, number]} at */
  draw(at) {
    const { act } = this;
    if (!act) return;
    const last = act.points[act.points.length - 1], point = this.place(at);
    if (Math.hypot(point[0] - last[0], point[1] - last[1]) * this.view.scale < 2) return;
    act.points = [...act.points, point];
    this.marks.alter(act.mark, { points: act.points });
  }

  /** @param {number} id @param {[number, number]} at */
  pinch(id, at) {
    const before = [...this.touches.values()];
    this.touches.set(id, at);
    const after = [...this.touches.values()];
    if (before.length < 2) return;
    const middle = (/** @type {[number, number][]} */ [a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const apart = (/** @type {[number, number][]} */ [a, b]) => Math.hypot(a[0] - b[0], a[1] - b[1]);
    const [from, to] = [middle(before), middle(after)];
    this.view.pan(to[0] - from[0], to[1] - from[1]);
    this.view.zoom(apart(after) / Math.max(1, apart(before)), to[0], to[1]);
  }

  /** @param {PointerEvent} event */
  up(event) {
    this.touches.delete(event.pointerId);
    const { act } = this;
    this.act = null;
    if (act?.kind === "draw" || act?.kind === "move") this.marks.settle();
  }

  /** @param {WheelEvent} event */
  wheel(event) {
    event.preventDefault();
    if (!this.view.open) return;
    const at = this.at(event), found = event.ctrlKey ? -1 : this.markAt(at);
    if (found >= 0 || event.altKey) {
      if (found >= 0 && found !== this.marks.selected) this.marks.select(found);
      this.tell.wheel(event.deltaY < 0 ? 1 : -1);
    } else {
      this.view.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), ...at);
    }
  }
}

const round = (/** @type {number} */ v) => Math.round(v * 100) / 100;
const clamp = (/** @type {number} */ v, /** @type {number} */ most) => Math.min(most, Math.max(0, v));

/** From a place to a segment. @param {[number, number]} p @param {[number, number]} a @param {[number, number]} b */
function distance([x, y], [ax, ay], [bx, by]) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const t = length ? Math.min(1, Math.max(0, ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length)) : 0;
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
}
