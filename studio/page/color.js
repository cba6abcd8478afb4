/** sRGB, CIE LAB (D65) and CIEDE2000 for swatch, picker and suggestions. The formulas are those of color/lab.py and
 * color/scores.py; the photograph itself is colored by the model's graph alone. */

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
export function labToLinear([l, a, b]) {
  const y = (l + 16) / 116;
  return times(RGB, [y + a / 500, y, y - b / 200].map((v, i) => fInverse(v) * WHITE[i]));
}

/** Whether a color exists in sRGB. @param {Triple} lab */
export function exists(lab) {
  return labToLinear(lab).every((v) => v > -0.002 && v < 1.002);
}

/** The color in sRGB, moved toward the gray of its lightness where it does not exist. @param {Triple} lab @returns {Triple} 0..255 */
export function labToRgb(lab) {
  const linear = labToLinear(lab);
  const y = Math.min(1, Math.max(0, XYZ[1][0] * linear[0] + XYZ[1][1] * linear[1] + XYZ[1][2] * linear[2]));
  const above = Math.max(...linear) - y, below = y - Math.min(...linear);
  const keep = Math.min(1, (1 - y) / Math.max(above, 1e-6), y / Math.max(below, 1e-6));
  return /** @type {Triple} */ (linear.map((v) => Math.round(255 * fromLinear(Math.min(1, Math.max(0, y + keep * (v - y)))))));
}

const degrees = 180 / Math.PI;
/** @param {number} angle in degrees */
const cos = (angle) => Math.cos(angle / degrees);
/** @param {number} angle in degrees */
const turn = (angle) => ((angle % 360) + 360) % 360;

/** The difference CIEDE2000, weights 1. @param {Triple} lab1 @param {Triple} lab2 */
export function ciede2000([l1, a1, b1], [l2, a2, b2]) {
  const mean7 = ((Math.hypot(a1, b1) + Math.hypot(a2, b2)) / 2) ** 7;
  const stretch = 1.5 - 0.5 * Math.sqrt(mean7 / (mean7 + 25 ** 7));
  const c1 = Math.hypot(stretch * a1, b1), c2 = Math.hypot(stretch * a2, b2);
  const h1 = turn(Math.atan2(b1, stretch * a1) * degrees), h2 = turn(Math.atan2(b2, stretch * a2) * degrees);
  const colored = c1 * c2 > 0, total = h1 + h2;
  const dh = colored ? turn(h2 - h1 + 180) - 180 : 0;
  const l = (l1 + l2) / 2, c = (c1 + c2) / 2;
  const h = !colored ? total : (Math.abs(h1 - h2) <= 180 ? total : total < 360 ? total + 360 : total - 360) / 2;
  const t = 1 - 0.17 * cos(h - 30) + 0.24 * cos(2 * h) + 0.32 * cos(3 * h + 6) - 0.2 * cos(4 * h - 63);
  const light = (l2 - l1) / (1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2));
  const chroma = (c2 - c1) / (1 + 0.045 * c);
  const hue = (2 * Math.sqrt(c1 * c2) * Math.sin(dh / 2 / degrees)) / (1 + 0.015 * c * t);
  const rotation = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin((60 * Math.exp(-(((h - 275) / 25) ** 2))) / degrees);
  return Math.sqrt(Math.max(light ** 2 + chroma ** 2 + hue ** 2 + rotation * chroma * hue, 0));
}

/** A color as it will look at a lightness. @param {string} hex @param {number} lightness */
export function atLightness(hex, lightness) {
  const [, a, b] = rgbToLab(fromHex(hex));
  return { hex: toHex(labToRgb([lightness, a, b])), clipped: !exists([lightness, a, b]), a, b };
}

/** @param {string} hex @returns {Triple} */
export const fromHex = (hex) => /** @type {Triple} */ ([1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)));
/** @param {readonly number[]} rgb */
export const toHex = (rgb) => `#${rgb.map((v) => v.toString(16).padStart(2, "0")).join("")}`;
/** A typed color as "#rrggbb", or null. @param {string} text */
export function readHex(text) {
  const plain = text.trim().replace(/^#/, "").toLowerCase();
  if (/^[0-9a-f]{3}$/.test(plain)) return `#${[...plain].map((c) => c + c).join("")}`;
  return /^[0-9a-f]{6}$/.test(plain) ? `#${plain}` : null;
}
