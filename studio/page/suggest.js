/** What could this be? Distinct colors for a place, as runtime/suggestions.py finds them in Python: the same ones. */

import { ciede2000, labToLinear, labToRgb, toHex } from "./color.js";

/** @typedef {import("./color.js").Triple} Triple */

const WIDTH = 16, RADIUS = 10, STEP = 4, TAIL = 0.005, COUNT = 6;
// Of each step of a, the first and the last step of b: the nodes of color/bins.py.
const ROWS = /** @type {[number, number, number][]} */ ([
  [-6, 3, 6], [-5, 1, 6], [-4, -1, 6], [-3, -2, 6], [-2, -3, 6], [-1, -4, 6], [0, -5, 6],
  [1, -5, 6], [2, -6, 6], [3, -7, 5], [4, -7, 5], [5, -7, 5], [6, -7, 5], [7, -5, -3],
]);
const NODES = ROWS.flatMap(([a, low, high]) => Array.from({ length: high - low + 1 }, (_, i) => [WIDTH * a, WIDTH * (low + i)]));

/** Probabilities of every cell to those of a place, x and y in 0..1: of its nearest four cells.
 * @param {{dims: readonly number[], data: Float32Array}} joint [1, nodes, m, n] @param {number} x @param {number} y */
export function atPlace({ dims: [, nodes, m, n], data }, x, y) {
  const [y0, y1, low] = between(y, m), [x0, x1, right] = between(x, n);
  const at = (/** @type {number} */ k, /** @type {number} */ row, /** @type {number} */ column) => data[(k * m + row) * n + column];
  return Array.from({ length: nodes }, (_, k) => (1 - low) * ((1 - right) * at(k, y0, x0) + right * at(k, y0, x1)) + low * ((1 - right) * at(k, y1, x0) + right * at(k, y1, x1)));
}

/** The two cells whose middles a place lies between, and how far it is towards the second. @param {number} share @param {number} cells */
function between(share, cells) {
  const at = Math.min(Math.max(share * cells - 0.5, 0), cells - 1), first = Math.trunc(at);
  return [first, Math.min(first + 1, cells - 1), at - first];
}

/** The likeliest distinct colors of a lightness. @param {number[]} probabilities of the nodes @param {number} lightness
 * @returns {import("./engine_server.js").Suggestion[]} */
export function suggest(probabilities, lightness) {
  const found = spread(probabilities, lightness);
  // Next to black and white there is no other.
  const colors = found.length ? found : [{ lab: /** @type {Triple} */ ([lightness, 0, 0]), mass: 1 }];
  return cover(colors).map(({ lab, mass }) => ({ color: toHex(labToRgb(lab)), probability: mass }));
}

/** A finer grid over a and b, and which nodes share each of its places out. */
const fine = (() => {
  const places = [], totals = NODES.map(() => 0);
  for (let a = -128; a <= 128; a += STEP) {
    for (let b = -128; b <= 128; b += STEP) {
      const shares = NODES.map(([na, nb], k) => [k, Math.max(1 - Math.abs(a - na) / WIDTH, 0) * Math.max(1 - Math.abs(b - nb) / WIDTH, 0)]).filter(([, share]) => share > 0);
      for (const [k, share] of shares) totals[k] += share;
      if (shares.length) places.push({ a, b, shares });
    }
  }
  for (const { shares } of places) for (const one of shares) one[1] /= totals[one[0]];
  return places;
})();

/** Probabilities of the nodes to colors of a lightness, inside the gamut, the likeliest first.
 * @param {number[]} probabilities @param {number} lightness @returns {{lab: Triple, mass: number}[]} */
function spread(probabilities, lightness) {
  const inside = fine.map(({ a, b, shares }) => ({ lab: /** @type {Triple} */ ([lightness, a, b]), mass: shares.reduce((sum, [k, share]) => sum + share * probabilities[k], 0) }))
    .filter(({ lab }) => labToLinear(lab).every((v) => v > -1e-4 && v < 1 + 1e-4));
  const total = inside.reduce((sum, { mass }) => sum + mass, 0);
  if (!(total > 0)) return [];
  for (const one of inside) one.mass /= total;
  inside.sort((one, other) => other.mass - one.mass);
  let sum = 0;
  const last = inside.findIndex(({ mass }) => (sum += mass) >= 1 - TAIL);
  return last < 0 ? inside : inside.slice(0, last + 1);
}

/** Greedily those that have the most of the mass within RADIUS of them; mass then is what each adds.
 * @param {{lab: Triple, mass: number}[]} colors */
function cover(colors) {
  const near = colors.map(() => /** @type {number[]} */ ([]));
  for (let i = 0; i < colors.length; i++) {
    for (let j = i; j < colors.length; j++) {
      if (ciede2000(colors[i].lab, colors[j].lab) > RADIUS) continue;
      near[i].push(j);
      if (j > i) near[j].push(i);
    }
  }
  const left = colors.map(({ mass }) => mass), free = colors.map(() => true), picked = [];
  while (picked.length < COUNT) {
    let best = -1, most = 0;
    for (let i = 0; i < colors.length; i++) {
      const gain = free[i] ? near[i].reduce((sum, j) => sum + left[j], 0) : 0;
      if (gain > most) [best, most] = [i, gain];
    }
    if (best < 0) break;
    picked.push({ lab: colors[best].lab, mass: most });
    for (const j of near[best]) {
      left[j] = 0;
      free[j] = false;
    }
  }
  return picked;
}
