/** Hints to the network's cells, as color/hints.py does it in Python: the same cells, to the last one. */

/** @typedef {import("./marks.js").Mark} Mark */

const TINY = 1e-9;

/** RGBA of each cell, alpha 255 at a hint; later marks lie over earlier ones. A mark fills the cells whose centers lie
 * within its radius, and always those that it passes through.
 * @param {readonly Mark[]} marks @param {[number, number]} size the picture's @param {[number, number]} grid rows and columns */
export function rasterize(marks, size, [h, w]) {
  const cells = new Uint8Array(h * w * 4);
  const across = w / size[0], down = h / size[1];
  for (const { points, color, radius } of marks) {
    const rgba = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16)).concat(255);
    const fill = (/** @type {number} */ row, /** @type {number} */ low, /** @type {number} */ high) => {
      for (let x = Math.max(0, low), last = Math.min(w - 1, high); x <= last; x++) cells.set(rgba, 4 * (row * w + x));
    };
    for (let i = 0; i < Math.max(1, points.length - 1); i++) {
      let [p, q] = [points[i], points[Math.min(i + 1, points.length - 1)]];
      if (q[1] < p[1]) [p, q] = [q, p];
      cross([p[0] * across, p[1] * down], [q[0] * across, q[1] * down], h, w, fill);
      cover(p, q, radius, across, down, h, fill);
    }
  }
  return cells;
}

/** The cells that a segment passes through. @param {[number, number]} p @param {[number, number]} q in cells, p above q
 * @param {number} h @param {number} w @param {(row: number, low: number, high: number) => void} fill */
function cross(p, q, h, w, fill) {
  const row = (/** @type {number} */ y) => Math.min(h - 1, Math.max(0, Math.floor(y)));
  const height = q[1] - p[1], level = height < TINY;
  for (let y = row(p[1]); y <= row(q[1]); y++) {
    const enter = level ? 0 : Math.min(1, Math.max(0, (y - p[1]) / height));
    const leave = level ? 1 : Math.min(1, Math.max(0, (y + 1 - p[1]) / height));
    const x0 = p[0] * (1 - enter) + q[0] * enter, x1 = p[0] * (1 - leave) + q[0] * leave;
    fill(y, Math.min(Math.floor(Math.min(x0, x1)), w - 1), Math.floor(Math.max(x0, x1)));
  }
}

/** The cells whose centers lie within a radius of a segment. @param {[number, number]} p @param {[number, number]} q in picture pixels, p above q
 * @param {number} radius @param {number} across @param {number} down cells a pixel @param {number} h @param {(row: number, low: number, high: number) => void} fill */
function cover(p, q, radius, across, down, h, fill) {
  const first = Math.max(0, Math.ceil((p[1] - radius) * down - 0.5 - TINY));
  const last = Math.min(h - 1, Math.floor((q[1] + radius) * down - 0.5 + TINY));
  const dx = q[0] - p[0], dy = q[1] - p[1], level = dy < TINY, height = level ? 1 : dy;
  const lean = (radius * dx) / Math.max(Math.hypot(dx, dy), TINY);
  for (let row = first; row <= last; row++) {
    const above = (row + 0.5) / down - p[1];
    const from = level ? 0 : Math.min(1, Math.max(0, (above - radius) / height));
    const to = level ? 1 : Math.min(1, Math.max(0, (above + radius) / height));
    const reach = (/** @type {number} */ best) => {
      const t = Math.min(to, Math.max(from, best));
      return [p[0] + t * dx, Math.sqrt(Math.max(radius ** 2 - (above - t * dy) ** 2, 0))];
    };
    const [xl, hl] = reach(level ? Number(dx < 0) : (above - lean) / height);
    const [xr, hr] = reach(level ? Number(dx > 0) : (above + lean) / height);
    fill(row, Math.ceil((xl - hl) * across - 0.5 - TINY), Math.floor((xr + hr) * across - 0.5 + TINY));
  }
}

/** The network's grid, rows and columns, for a picture: see `choose_grid` in runtime/grid.py.
 * @param {number} height @param {number} width @returns {[number, number]} */
export function chooseGrid(height, width) {
  const aspect = Math.max(height, width) / Math.min(height, width);
  const long = Math.min(512, Math.max(256, 16 * even((256 * aspect) / 16)));
  return height > width ? [long, 256] : [256, long];
}

/** Rounded, halves to even, as Python and NumPy do. @param {number} v */
export function even(v) {
  const floor = Math.floor(v), rest = v - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2) ? floor + 1 : floor;
}
