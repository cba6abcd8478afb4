/** sRGB and CIE LAB (D65) for the swatch and the picker. The formulas are those of color/lab.py; the photograph itself
 * is coloured by the model's graph alone. */

/** @typedef {[number, number, number]} Triple */

const XYZ = [[0.412453, 0.35758, 0.180423], [0.212671, 0.71516, 0.072169], [0.019334, 0.119193, 0.950227]];
const RGB = inverse(XYZ);
const WHITE = [0.95047, 1, 1.08883];
const DELTA = 6 / 29;

/** @param {number[][]} m */
function inverse(m) {
  const [[a, b, c], [d, e, f], [g, h, i]] = m;
  const det = a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g);
  return [[e * i - f * h, c * h - b * i, b * f - c * e], [f * g - d * i, a * i - c * g, c * d - a * f], [d * h - e * g, b * g - a * h, a * e - b * d]].map((row) => row.map((v) => v / det));
}
/** @param {number[][]} m @param {number[]} v @returns {Triple} */
const times = (m, v) => /** @type {Triple} */ (m.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]));
const toLinear = (/** @type {number} */ v) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
const fromLinear = (/** @type {number} */ v) => (v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : v * 12.92);
const f = (/** @type {number} */ t) => (t > DELTA ** 3 ? Math.cbrt(t) : t / (3 * DELTA ** 2) + 4 / 29);
const fInverse = (/** @type {number} */ v) => (v > DELTA ? v ** 3 : (v - 4 / 29) * 3 * DELTA ** 2);

/** @param {Triple} rgb 0..255 @returns {Triple} L in 0..100, a, b */
export function rgbToLab(rgb) {
  const [x, y, z] = times(XYZ, rgb.map((v) => toLinear(v / 255))).map((v, i) => f(v / WHITE[i]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Linear RGB, not clipped. @param {Triple} lab @returns {Triple} */
function labToLinear([l, a, b]) {
  const y = (l + 16) / 116;
  return times(RGB, [y + a / 500, y, y - b / 200].map((v, i) => fInverse(v) * WHITE[i]));
}

/** Whether a colour exists in sRGB. @param {Triple} lab */
export function exists(lab) {
  return labToLinear(lab).every((v) => v > -0.002 && v < 1.002);
}

/** The colour in sRGB, moved toward the grey of its lightness where it does not exist. @param {Triple} lab @returns {Triple} 0..255 */
export function labToRgb(lab) {
  const linear = labToLinear(lab);
  const y = Math.min(1, Math.max(0, XYZ[1][0] * linear[0] + XYZ[1][1] * linear[1] + XYZ[1][2] * linear[2]));
  const above = Math.max(...linear) - y, below = y - Math.min(...linear);
  const keep = Math.min(1, (1 - y) / Math.max(above, 1e-6), y / Math.max(below, 1e-6));
  return /** @type {Triple} */ (linear.map((v) => Math.round(255 * fromLinear(Math.min(1, Math.max(0, y + keep * (v - y)))))));
}

/** A colour as it will look at a lightness. @param {string} hex @param {number} lightness */
export function atLightness(hex, lightness) {
  const [, a, b] = rgbToLab(fromHex(hex));
  return { hex: toHex(labToRgb([lightness, a, b])), clipped: !exists([lightness, a, b]), a, b };
}

/** @param {string} hex @returns {Triple} */
export const fromHex = (hex) => /** @type {Triple} */ ([1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
/** @param {readonly number[]} rgb */
export const toHex = (rgb) => `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
/** A typed colour as "#rrggbb", or null. @param {string} text */
export function readHex(text) {
  const plain = text.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{3}$/.test(plain)) return `#${[...plain].map((c) => c + c).join("")}`;
  return /^[0-9a-f]{6}$/.test(plain) ? `#${plain}` : null;
}
