/** The engine in this browser: what `engine_server.js` is, for one picture that was dropped in, without any server. */

import { Refused } from "./engine_server.js";
import { texts } from "./texts.js";

const LARGEST = 60e6; // pixels

const worker = new Worker(new URL("./engine_worker.js", import.meta.url), { type: "module" });
/** @type {Map<number, {resolve: (answer: any) => void, reject: (error: Error) => void}>} */
const waiting = new Map();
let count = 0;
worker.addEventListener("message", ({ data: { id, answer, error } }) => {
  const { resolve, reject } = waiting.get(id) ?? {};
  waiting.delete(id);
  if (error) reject?.(new Refused(500, error));
  else resolve?.(answer);
});
worker.addEventListener("error", (event) => { for (const { reject } of waiting.values()) reject(new Refused(500, event.message)); });

/** @param {string} what @param {any[]} given @param {Transferable[]} [transfer] @returns {Promise<any>} */
function tell(what, given, transfer = []) {
  return new Promise((resolve, reject) => {
    waiting.set(++count, { resolve, reject });
    worker.postMessage({ id: count, what, given }, transfer);
  });
}

const loaded = tell("load", []);
/** @type {[number, number]} */ let size = [1, 1];

export const engine = {
  folder: false,

  /** @returns {Promise<number>} how many threads it runs on */
  ready: () => loaded,

  /** Open a photograph, upright and in sRGB as the browser decodes it. @param {Blob} file */
  async take(file) {
    let image;
    try {
      image = await createImageBitmap(file, { imageOrientation: "from-image" });
    } catch {
      throw new Error(texts.notRead);
    }
    if (image.width * image.height > LARGEST) throw new Error(texts.tooLarge(LARGEST / 1e6));
    size = [image.width, image.height];
    await loaded;
    await tell("open", [image], [image]);
  },

  /** @param {string} name */
  async open(name) {
    return { name, size, hints: { version: 1, size, points: [], strokes: [] }, tag: "", layer: false, error: "" };
  },

  /** @param {string} _ @param {string} mode @param {import("./engine_server.js").View} view @param {any} hints @param {{edit: number}} options */
  async render(_, mode, view, hints, { edit }) {
    const { rgba, changed } = await tell("render", [mode, view, hints, edit]);
    return { pixels: new ImageData(rgba, view.size[0], view.size[1]), changed };
  },

  /** @param {string} _ @param {number} x @param {number} y @param {any} hints */
  suggest: (_, x, y, hints) => tell("suggest", [x, y, hints]),
  async palettes() { return JSON.parse(localStorage.getItem("palettes") ?? "{}"); },
  /** @param {Record<string, string[]>} value */
  async savePalettes(value) { localStorage.setItem("palettes", JSON.stringify(value)); },

  /** The whole picture in color, as a PNG. @param {any} hints @returns {Promise<Blob>} */
  whole: (hints) => tell("whole", [hints]),

  /** A hint file for a picture of this size: of another size of the same aspect, or in fractions, it is scaled.
   * @param {any} file @param {[number, number]} wanted */
  scaled(file, wanted) {
    if (file?.version !== 1) throw new Error(texts.noHints);
    const [w, h] = file.unit === "fraction" ? [1, 1] : file.size ?? wanted;
    if (file.unit !== "fraction" && Math.abs(w * wanted[1] - h * wanted[0]) > Math.max(w, h, ...wanted)) throw new Error(texts.otherSize);
    const [sx, sy] = [wanted[0] / w, wanted[1] / h];
    const checked = (/** @type {any} */ color) => { if (!/^#[0-9a-f]{6}$/i.test(color)) throw new Error(texts.noHints); return color.toLowerCase(); };
    const number = (/** @type {any} */ v, /** @type {number} */ most) => { if (!(v >= 0 && v <= most)) throw new Error(texts.noHints); return v; };
    return {
      version: 1,
      size: wanted,
      points: (file.points ?? []).map((/** @type {any} */ p) => ({ x: number(p.x, w) * sx, y: number(p.y, h) * sy, color: checked(p.color), radius: number(p.radius ?? 0, 4 * (w + h)) * sx })),
      strokes: (file.strokes ?? []).map((/** @type {any} */ s) => ({ points: s.points.map((/** @type {any} */ [x, y]) => [number(x, w) * sx, number(y, h) * sy]), color: checked(s.color), width: number(s.width ?? 0, 4 * (w + h)) * sx })),
    };
  },
};
