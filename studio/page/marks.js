/** The hints of one picture as the page holds them: an ordered list of marks, and undo without end. */

/** A dot (one point) or a stroke. Positions and radius in picture pixels; radius 0 is as thin as one cell.
 * @typedef {{points: [number, number][], color: string, radius: number}} Mark */

/** A hint file, version 1.
 * @typedef {{version: 1, size: [number, number], unit?: string, points?: {x: number, y: number, color: string, radius?: number}[],
 *            strokes?: {points: [number, number][], color: string, width?: number}[]}} HintFile */

/** @param {HintFile} file @returns {Mark[]} */
export function fromFile(file) {
  const points = (file.points ?? []).map((p) => ({ points: /** @type {[number, number][]} */ ([[p.x, p.y]]), color: p.color, radius: p.radius ?? 0 }));
  const strokes = (file.strokes ?? []).map((s) => ({ points: s.points, color: s.color, radius: (s.width ?? 0) / 2 }));
  return [...points, ...strokes];
}

/** Strokes lie over points in a file, so a dot that was placed after a stroke is written as a stroke of one point.
 * @param {readonly Mark[]} marks @param {[number, number]} size @returns {HintFile} */
export function toFile(marks, size) {
  const first = marks.findIndex((mark) => mark.points.length > 1);
  const dots = first < 0 ? marks : marks.slice(0, first);
  const rest = first < 0 ? [] : marks.slice(first);
  return {
    version: 1,
    size,
    points: dots.map(({ points: [[x, y]], color, radius }) => ({ x, y, color, radius })),
    strokes: rest.map(({ points, color, radius }) => ({ points, color, width: 2 * radius })),
  };
}

export class Marks {
  constructor() {
    /** @type {readonly Mark[]} */ this.list = [];
    this.selected = -1;
    /** @type {(readonly Mark[])[]} */ this.past = [];
    /** @type {(readonly Mark[])[]} */ this.future = [];
    /** What is told of every change: `settled` is false while a drag goes on, null where only the selection changed.
     * @type {((settled: boolean | null) => void)[]} */
    this.listeners = [];
    /** @type {readonly Mark[] | null} */ this.before = null;
    /** Counts the edits: a drag is one. stepped: whether the last was a step of undo or redo, or another file. */
    this.edit = 0;
    this.stepped = true;
  }

  /** Another picture, or its file anew. @param {readonly Mark[]} list */
  load(list) {
    Object.assign(this, { list, selected: -1, past: [], future: [], before: null, stepped: true });
    this.edit++;
  }

  /** One change, or one step of a drag that `settle` ends. @param {readonly Mark[]} list @param {number} selected */
  change(list, selected = this.selected) {
    if (!this.before) {
      this.before = this.list;
      this.stepped = false;
      this.edit++;
    }
    this.list = list;
    this.selected = Math.min(selected, list.length - 1);
    this.tell(false);
  }

  /** The change is whole: it becomes one step of undo. */
  settle() {
    if (this.before && this.before !== this.list) {
      this.past.push(this.before);
      this.future = [];
    }
    this.before = null;
    this.tell(true);
  }

  /** @param {Mark} mark */
  add(mark) {
    this.change([...this.list, mark], this.list.length);
  }

  /** @param {number} index @param {Partial<Mark>} values */
  alter(index, values) {
    this.change(this.list.map((mark, i) => (i === index ? { ...mark, ...values } : mark)));
  }

  removeSelected() {
    if (this.selected < 0) return;
    this.change(this.list.filter((_, i) => i !== this.selected), -1);
    this.settle();
  }

  /** @param {number} index */
  select(index) {
    this.selected = index;
    this.tell(null);
  }

  undo() { this.step(this.past, this.future); }
  redo() { this.step(this.future, this.past); }

  /** @param {(readonly Mark[])[]} from @param {(readonly Mark[])[]} to */
  step(from, to) {
    const list = from.pop();
    if (!list) return;
    to.push(this.list);
    this.stepped = true;
    this.edit++;
    this.list = list;
    this.selected = -1;
    this.tell(true);
  }

  /** @param {boolean | null} settled */
  tell(settled) {
    for (const listener of this.listeners) listener(settled);
  }
}
