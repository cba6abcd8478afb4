/** The engine behind the server's addresses. `engine_browser.js` has the same shape. */

/** @typedef {import("./marks.js").HintFile} HintFile */
/** What is shown: a rectangle of the picture in its pixels (left, top, right, bottom), at so many pixels.
 * @typedef {{rect: [number, number, number, number], size: [number, number]}} View */
/** @typedef {"color" | "gray" | "automatic"} Mode */
/** tag: changes when the hint files do. layer: there is a painted one. error: what is wrong with the files.
 * @typedef {{name: string, size: [number, number], hints: HintFile, tag: string, layer: boolean, error: string}} Picture */
/** @typedef {{pixels: ImageData, changed: number}} Painted */
/** @typedef {{color: string, probability: number}} Suggestion */

/** What the server refused, with its sentence. */
export class Refused extends Error {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    super(sentence);
    this.status = status;
  }
}
/** The server does not answer. */
export class Lost extends Error {}

const page = crypto.randomUUID();

/** @param {string} path @param {Record<string, string>} query @param {RequestInit} [init] */
async function ask(path, query = {}, init) {
  let answer;
  try {
    answer = await fetch(`api/${path}?${new URLSearchParams(query)}`, init);
  } catch {
    throw new Lost();
  }
  if (answer.status === 403) throw new Lost();
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Refused(answer.status, said.error ?? answer.statusText);
  }
  return answer;
}

/** @param {string} path @param {Record<string, string>} query @param {any} body @param {string} method */
function send(path, query, body, method = "POST") {
  const text = JSON.stringify(body);
  // What is saved while the page closes still arrives; browsers allow this up to 64 KB.
  return ask(path, query, { method, body: text, keepalive: method === "PUT" && text.length < 60000 });
}

export const engine = {
  folder: true,

  /** @returns {Promise<{names: string[], hints: string, output: string}>} */
  async names() { return (await ask("folder")).json(); },

  /** @returns {Promise<{states: Record<string, string[]>, wrong: Record<string, string>, error: string}>} */
  async states() { return (await ask("states")).json(); },

  /** @param {string} name @returns {Promise<Picture>} */
  async open(name) { return (await ask("picture", { name })).json(); },

  /** @param {string} name @param {Mode} mode @param {View} view @param {HintFile} hints @param {{layer: boolean, edit: number}} options edit: which edit the hints belong to; `changed` is the share of the picture that it changed
   * @returns {Promise<Painted>} */
  async render(name, mode, view, hints, options) {
    const answer = await send("view", { name }, { ...view, ...options, mode, page, hints: mode === "color" ? hints : null });
    const bytes = new Uint8ClampedArray(await answer.arrayBuffer());
    return { pixels: new ImageData(bytes, view.size[0], view.size[1]), changed: Number(answer.headers.get("x-changed")) };
  },

  /** @param {string} name @param {number} x @param {number} y @param {HintFile} hints @returns {Promise<{suggestions: Suggestion[], why?: string}>} */
  async suggest(name, x, y, hints) { return (await send("suggest", { name }, { x, y, hints, page })).json(); },

  /** @param {string} name @param {HintFile} hints @param {string} tag @returns {Promise<string>} the new tag */
  async save(name, hints, tag) { return (await (await send("hints", { name, tag }, hints, "PUT")).json()).tag; },

  /** @param {string} name @returns {Promise<{tag: string, there: boolean, batch: any}>} */
  async changes(name) { return (await ask("changes", { name })).json(); },

  /** @param {string} name @returns {Promise<ImageBitmap>} */
  async layer(name) { return createImageBitmap(await (await ask("layer", { name })).blob()); },

  /** @param {string} name @param {boolean} output */
  thumbnail: (name, output) => `api/thumbnail?${new URLSearchParams(output ? { name, of: "output" } : { name })}`,

  /** @returns {Promise<Record<string, string[]>>} */
  async palettes() { return (await ask("palettes")).json(); },
  /** @param {Record<string, string[]>} value */
  async savePalettes(value) { await send("palettes", {}, value, "PUT"); },

  /** @param {"start" | "cancel"} what */
  async batch(what) { await send("batch", {}, { do: what }); },
};
