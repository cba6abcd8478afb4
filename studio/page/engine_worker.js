/** The bundle's two graphs in ONNX Runtime for the web, and one picture; beside the page, which stays quick. */

import * as ort from "./ort/ort.wasm.min.mjs";
import { fromFile } from "./marks.js";
import { rgbToLab } from "./color.js";
import { chooseGrid, even, rasterize } from "./raster.js";
import { atPlace, suggest } from "./suggest.js";

const WHOLE = 1_000_000, TILE = 512, MOVED = 8; // as in runtime/grid.py and studio/opened.py

/** @type {any} */ let model;
/** @type {any} */ let paintGraph;
/** @type {{width: number, height: number, rgb: Uint8Array, small: any, grid: [number, number], image: ImageBitmap} | null} */
let picture = null;
/** @type {Map<string, any>} */ const predicted = new Map();
/** @type {{edit: number, before: Float32Array | null, last: Float32Array | null}} */ let effect = { edit: -1, before: null, last: null };

async function load() {
  const threads = self.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
  const open = async (/** @type {string} */ name) => {
    const answer = await fetch(new URL(`./bundle/${name}`, import.meta.url));
    if (!answer.ok) throw new Error(`bundle/${name}: ${answer.status}`);
    return ort.InferenceSession.create(new Uint8Array(await answer.arrayBuffer()), { executionProviders: ["wasm"] });
  };
  model = await open("model.onnx");
  paintGraph = await open("paint.onnx");
  return threads;
}

/** @param {ImageBitmap} image */
function open(image) {
  const { width, height } = image;
  const canvas = new OffscreenCanvas(width, height);
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (canvas.getContext("2d", { willReadFrequently: true }));
  context.drawImage(image, 0, 0);
  const rgb = opaque(context.getImageData(0, 0, width, height).data);
  const grid = chooseGrid(height, width);
  picture?.image.close();
  picture = { width, height, rgb, grid, image, small: null };
  picture.small = shrink(rgb, height, width, grid);
  predicted.clear();
  effect = { edit: -1, before: null, last: null };
}

/** RGBA without its A. @param {Uint8ClampedArray} rgba */
function opaque(rgba) {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let i = 0, at = 0; i < rgba.length; i += 4) {
    rgb[at++] = rgba[i];
    rgb[at++] = rgba[i + 1];
    rgb[at++] = rgba[i + 2];
  }
  return rgb;
}

/** @param {Uint8Array} rgb @param {number} pixels */
function withAlpha(rgb, pixels) {
  const rgba = new Uint8ClampedArray(4 * pixels);
  for (let i = 0, at = 0; at < rgba.length; i += 3, at += 4) {
    rgba[at] = rgb[i];
    rgba[at + 1] = rgb[i + 1];
    rgba[at + 2] = rgb[i + 2];
    rgba[at + 3] = 255;
  }
  return rgba;
}

/** What the network looks at: the picture, or a large one averaged by whole factors; see `Colorizer._shrink`.
 * @param {Uint8Array} rgb @param {number} height @param {number} width @param {[number, number]} grid */
function shrink(rgb, height, width, grid) {
  if (height * width <= WHOLE) return new ort.Tensor("uint8", rgb, [1, height, width, 3]);
  const [down, across] = [factor(height, grid[0]), factor(width, grid[1])];
  const rows = Math.floor(height / down), columns = Math.floor(width / across), area = down * across;
  const out = new Uint8Array(rows * columns * 3);
  for (let y = 0, at = 0; y < rows; y++) {
    for (let x = 0; x < columns; x++) {
      for (let c = 0; c < 3; c++) {
        let sum = 0;
        for (let j = 0; j < down; j++) {
          for (let i = 0, from = 3 * ((y * down + j) * width + x * across) + c; i < across; i++, from += 3) sum += rgb[from];
        }
        // OpenCV rounds halves up where it averages two by two, else to even.
        out[at++] = down === 2 && across === 2 ? (sum + 2) >> 2 : even(Math.fround(sum * Math.fround(1 / area)));
      }
    }
  }
  return new ort.Tensor("uint8", out, [1, rows, columns, 3]);
}

/** @param {number} side @param {number} cells */
function factor(side, cells) {
  const most = Math.max(1, Math.floor(side / cells));
  let best = most;
  for (let tried = most; tried >= Math.max(1, Math.floor(side / (2 * cells))); tried--) if (side % tried < side % best) best = tried;
  return best;
}

/** What the network says for these hints: ab, and joint where it has suggestions. @param {import("./marks.js").HintFile | null} hints */
async function predict(hints) {
  if (!picture) throw new Error("no picture is open");
  const { width, height, small, grid } = picture;
  const key = JSON.stringify(hints && [hints.points, hints.strokes]);
  let found = predicted.get(key);
  if (!found) {
    const cells = rasterize(hints ? fromFile(hints) : [], [width, height], grid);
    /** @type {Record<string, any>} */ const feeds = { rgb: small, hints: new ort.Tensor("uint8", cells, [1, ...grid, 4]) };
    if (model.inputNames.includes("vividness")) feeds.vividness = new ort.Tensor("float32", [1], [1, 1, 1, 1]);
    // Every output is computed, asked for or not.
    found = await model.run(feeds, model.outputNames.filter((/** @type {string} */ name) => name !== "colored"));
    predicted.set(key, found);
    if (predicted.size > 8) predicted.delete(predicted.keys().next().value ?? "");
  }
  return found;
}

/** A part of the picture as it is in the file, at so many pixels. @param {import("./engine_server.js").View} view */
function gray({ rect: [left, top, right, bottom], size: [w, h] }) {
  if (!picture) throw new Error("no picture is open");
  if (right - left === w && bottom - top === h) {
    const out = new Uint8Array(w * h * 3);
    for (let y = 0; y < h; y++) {
      const from = 3 * ((top + y) * picture.width + left);
      out.set(picture.rgb.subarray(from, from + 3 * w), 3 * y * w);
    }
    return out;
  }
  const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(w, h).getContext("2d", { willReadFrequently: true }));
  context.imageSmoothingQuality = "high";
  context.drawImage(picture.image, left, top, right - left, bottom - top, 0, 0, w, h);
  return opaque(context.getImageData(0, 0, w, h).data);
}

/** @param {import("./engine_server.js").View} view @param {any} ab */
async function paint(view, ab) {
  if (!picture) throw new Error("no picture is open");
  const { rect: [left, top, right, bottom], size: [w, h] } = view;
  const across = w / (right - left), down = h / (bottom - top);
  const pixels = gray(view), out = new Uint8Array(pixels.length);
  for (let y = 0; y < h; y += TILE) {
    for (let x = 0; x < w; x += TILE) {
      const rows = Math.min(TILE, h - y), columns = Math.min(TILE, w - x);
      const tile = new Uint8Array(rows * columns * 3);
      for (let j = 0; j < rows; j++) tile.set(pixels.subarray(3 * ((y + j) * w + x), 3 * ((y + j) * w + x + columns)), 3 * j * columns);
      const place = new Float32Array([top * down + y, left * across + x, picture.height * down, picture.width * across]);
      const { colored } = await paintGraph.run({ rgb: new ort.Tensor("uint8", tile, [1, rows, columns, 3]), ab, place: new ort.Tensor("float32", place, [4]) });
      for (let j = 0; j < rows; j++) out.set(colored.data.subarray(3 * j * columns, 3 * (j + 1) * columns), 3 * ((y + j) * w + x));
    }
  }
  return out;
}

/** Which share of the picture has another color than before the edit began. @param {number} edit @param {any} ab */
function changed(edit, ab) {
  const now = /** @type {Float32Array} */ (ab.data), half = now.length / 2;
  effect = { edit, before: edit === effect.edit ? effect.before : effect.last, last: now };
  const { before } = effect;
  if (!before) return 0;
  let moved = 0;
  for (let i = 0; i < half; i++) if (Math.hypot(now[i] - before[i], now[half + i] - before[half + i]) > MOVED) moved++;
  return moved / half;
}

/** @type {Record<string, (...given: any[]) => any>} */
const does = {
  load,
  open,
  async render(/** @type {string} */ mode, /** @type {any} */ view, /** @type {any} */ hints, /** @type {number} */ edit) {
    const pixels = view.size[0] * view.size[1];
    if (mode === "gray") return { rgba: withAlpha(gray(view), pixels), changed: 0 };
    const { ab } = await predict(mode === "color" ? hints : null);
    return { rgba: withAlpha(await paint(view, ab), pixels), changed: mode === "color" ? changed(edit, ab) : 0 };
  },
  async suggest(/** @type {number} */ x, /** @type {number} */ y, /** @type {any} */ hints) {
    const { joint } = await predict(hints);
    if (!joint || !picture) return { suggestions: [], why: "none" };
    const { width, height, rgb } = picture, at = 3 * (y * width + x);
    const [lightness] = rgbToLab([rgb[at], rgb[at + 1], rgb[at + 2]]);
    return { suggestions: suggest(atPlace(joint, (x + 0.5) / width, (y + 0.5) / height), lightness) };
  },
  async whole(/** @type {any} */ hints) {
    const { width, height } = picture ?? { width: 0, height: 0 };
    const view = /** @type {any} */ ({ rect: [0, 0, width, height], size: [width, height] });
    const canvas = new OffscreenCanvas(width, height);
    canvas.getContext("2d")?.putImageData(new ImageData(withAlpha(await paint(view, (await predict(hints)).ab), width * height), width, height), 0, 0);
    return canvas.convertToBlob({ type: "image/png" });
  },
};

// One after the other: the graphs and the picture are shared.
let line = Promise.resolve();
self.addEventListener("message", ({ data: { id, what, given } }) => {
  line = line.then(async () => {
    try {
      const answer = await does[what](...given);
      self.postMessage({ id, answer }, /** @type {any} */ ({ transfer: answer?.rgba ? [answer.rgba.buffer] : [] }));
    } catch (error) {
      self.postMessage({ id, error: /** @type {Error} */ (error).message ?? String(error) });
    }
  });
});
