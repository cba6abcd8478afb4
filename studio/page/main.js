/** The page: makes the parts and tells each what the others do. */

import { BatchPanel } from "./batch.js";
import { toHex, rgbToLab } from "./color.js";
import { Lost, Refused } from "./engine_server.js";
import { Folder } from "./folder.js";
import { setUpKeys } from "./keys.js";
import { fromFile, Marks, toFile } from "./marks.js";
import { drawMarks } from "./overlay.js";
import { ColorPanel } from "./palette.js";
import { setUpReference } from "./reference.js";
import { Saver } from "./saver.js";
import { setUpSingle } from "./single.js";
import { fillTexts, texts } from "./texts.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";

const WIDE = 1 / 3; // the share of the picture from which a hint's effect is worth a word
const REST = 220; // ms that the pointer rests before suggestions are asked for

/** @template {HTMLElement} T @param {string} id @returns {T} */
const by = (id) => /** @type {any} */ (document.getElementById(id));
fillTexts(document);

// Without headers of the host, a worker adds those that let the model use threads; the page then starts once more.
async function isolate() {
  if (crossOriginIsolated || !navigator.serviceWorker || sessionStorage.getItem("isolated")) return;
  sessionStorage.setItem("isolated", "tried");
  const worker = await navigator.serviceWorker.register("isolate.js").catch(() => null);
  if (!worker) return;
  await navigator.serviceWorker.ready;
  location.reload();
  await new Promise(() => {});
}

const kind = document.querySelector('meta[name="gcolor-engine"]')?.getAttribute("content");
if (kind === "browser") await isolate();
/** @type {typeof import("./engine_server.js").engine} */
const engine = kind === "browser" ? /** @type {any} */ (await import("./engine_browser.js")).engine : (await import("./engine_server.js")).engine;
document.body.classList.toggle("single", !engine.folder);

/** @type {import("./engine_server.js").Picture | null} */
let picture = null;
/** @type {ImageBitmap | null} */
let layer = null;
let settled = false;
const marks = new Marks();
const brush = { color: "#b5533c", radius: 0 };
const shows = { marks: true, layer: true };

// --- The canvas ---

const view = new View(by("picture"), paint, problem);

/** @param {import("./engine_server.js").Mode} mode @param {import("./view.js").Region} region */
async function paint(mode, region) {
  if (!picture) return null;
  const { name } = picture, whole = settled && mode === "color";
  if (whole) settled = false;
  const { pixels, changed } = await engine.render(name, mode, region, toFile(marks.list, picture.size), { layer: shows.layer, settled: whole });
  if (whole) note("wide", changed > WIDE && marks.list.length ? texts.wide(Math.round(changed * 100)) : "");
  return pixels;
}

view.listeners.push(() => { by("zoom").textContent = `${Math.round(view.scale * 100)} %`; drawOverlay(); lookAt(); });

function drawOverlay() {
  drawMarks(by("marks"), view, marks, { visible: shows.marks, layer: shows.marks && shows.layer ? layer : null, cross: tools.cross });
}

// A canvas that moves draws at once; the hints lie on top and follow.
const draw = view.draw.bind(view);
view.draw = () => { draw(); if (ready) drawOverlay(); };
let ready = false;

const tools = new Tools(view, marks, brush, {
  picked: (x, y) => { const rgb = view.pixel(x, y); if (rgb) panel.take(toHex(rgb)); pick(false); },
  hovered: (x, y) => { if (marks.selected < 0) look(x, y); },
  wheel: (steps) => resizeMark(steps),
});
ready = true;

// --- Colour ---

const panel = new ColorPanel((hex, done) => {
  brush.color = hex;
  if (marks.selected < 0) return;
  marks.alter(marks.selected, { color: hex });
  if (done) marks.settle();
}, (palettes) => { engine.savePalettes(palettes).catch(problem); });

/** @type {[number, number] | null} */
let looked = null;
let resting = 0;
let asked = 0;

/** The place that swatch and suggestions are for. @param {number} x @param {number} y */
function look(x, y) {
  looked = [x, y];
  lookAt();
  clearTimeout(resting);
  resting = window.setTimeout(suggest, REST);
}

function lookAt() {
  const rgb = looked && view.pixel(...looked);
  if (rgb) panel.setLightness(rgbToLab(rgb)[0]);
}

async function suggest() {
  if (!looked || !picture) return;
  const number = ++asked, [x, y] = looked, [w, h] = picture.size;
  // Without the hint that stands there: what would be likely if nobody had said anything about this place.
  const others = marks.list.filter((_, i) => i !== marks.selected);
  try {
    const { suggestions, why } = await engine.suggest(picture.name, Math.min(w - 1, Math.floor(x)), Math.min(h - 1, Math.floor(y)), toFile(others, picture.size));
    if (number === asked) panel.suggest(suggestions, why ? texts.noSuggestions : undefined);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof Lost)) throw error;
  }
}

/** @param {boolean} on */
function pick(on) {
  tools.picking = on;
  by("eyedropper").setAttribute("aria-pressed", String(on));
  by("picture").classList.toggle("picking", on);
}

// --- Hints ---

marks.listeners.push((done) => {
  const mark = marks.list[marks.selected];
  if (mark) {
    brush.radius = mark.radius;
    if (mark.color !== panel.hex) { brush.color = mark.color; panel.set(mark.color); }
    look(...mark.points[0]);
  }
  if (done !== null) view.refresh(["color"]);
  if (done) {
    settled = true;
    if (mark) panel.remember(mark.color);
    if (picture) folder?.setHinted(picture.name, marks.list.length > 0 || picture.layer);
    view.refresh(["color"]);
  }
  showRadius();
  enable();
  drawOverlay();
});

function enable() {
  /** @type {HTMLButtonElement} */ (by("undo")).disabled = !marks.past.length;
  /** @type {HTMLButtonElement} */ (by("redo")).disabled = !marks.future.length;
  /** @type {HTMLButtonElement} */ (by("delete")).disabled = marks.selected < 0;
}

/** The slider runs evenly in ratio: from a dot to a fifth of the picture. @param {number} value 0..100 */
const radiusOf = (value) => (value ? Math.round(2 ** ((value / 100) * Math.log2(Math.max(8, Math.min(...view.size) / 5)))) : 0);

function showRadius() {
  const most = Math.log2(Math.max(8, Math.min(...view.size) / 5));
  /** @type {HTMLInputElement} */ (by("radius")).value = String(brush.radius ? Math.max(1, Math.round((Math.log2(brush.radius) / most) * 100)) : 0);
  by("radiusText").textContent = texts.pixels(Math.round(brush.radius));
}

/** @param {number} radius @param {boolean} done */
function setRadius(radius, done) {
  brush.radius = radius;
  if (marks.selected >= 0) {
    marks.alter(marks.selected, { radius });
    if (done) marks.settle();
  }
  showRadius();
}

let wheeled = 0;
/** @param {number} steps */
function resizeMark(steps) {
  const now = brush.radius, least = Math.max(1, Math.min(...view.size) / 512);
  setRadius(steps > 0 ? Math.round(Math.max(now * 1.2, now + 1, least)) : now * 0.83 < least ? 0 : Math.round(Math.min(now * 0.83, now - 1)), false);
  clearTimeout(wheeled);
  wheeled = window.setTimeout(() => marks.settle(), 300);
}

/** @param {number} dx @param {number} dy in steps */
function arrow(dx, dy) {
  const step = Math.max(1, devicePixelRatio / view.scale), [w, h] = view.size;
  const within = (/** @type {number} */ x, /** @type {number} */ y) => /** @type {[number, number]} */ ([Math.min(w, Math.max(0, x + dx * step)), Math.min(h, Math.max(0, y + dy * step))]);
  const mark = marks.list[marks.selected];
  if (mark) {
    marks.alter(marks.selected, { points: mark.points.map(([x, y]) => within(x, y)) });
    clearTimeout(wheeled);
    wheeled = window.setTimeout(() => marks.settle(), 300);
    return;
  }
  tools.cross = within(...(tools.cross ?? /** @type {[number, number]} */ ([w / 2, h / 2])));
  look(...tools.cross);
  drawOverlay();
}

/** @param {string} color */
function placeAtCross(color) {
  const place = tools.cross ?? looked;
  if (!picture || !place) return;
  marks.add({ points: [place], color, radius: brush.radius });
  marks.settle();
}

async function takePrevious() {
  const name = folder?.before();
  if (!picture || !name) return;
  const previous = await engine.open(name).catch(problem);
  if (!previous) return;
  const taken = fromFile(previous.hints), [w, h] = picture.size, [pw, ph] = previous.size;
  if (!taken.length) return note("previous", texts.nothingBefore);
  if (Math.abs(w * ph - h * pw) > Math.max(w, h, pw, ph)) note("previous", texts.otherAspect);
  const scaled = taken.map((mark) => ({ ...mark, radius: (mark.radius * w) / pw, points: mark.points.map(([x, y]) => /** @type {[number, number]} */ ([(x * w) / pw, (y * h) / ph])) }));
  marks.change([...marks.list, ...scaled], -1);
  marks.settle();
}

// --- Files ---

const saver = engine.folder ? new Saver(engine, marks, {
  status: (state, sentence) => { by("saved").textContent = state === "lost" || state === "refused" ? "" : sentence; note("saving", state === "lost" || state === "refused" ? sentence : ""); },
  ask,
  reload: async (why) => { if (picture) await open(picture.name, true); note("reloaded", why, 4000); },
  changes: (found) => batch?.show(found.batch),
}) : null;

/** @param {string} name @param {boolean} [again] the same picture, whose view stays */
async function open(name, again = false) {
  await saver?.flush();
  let found;
  try {
    found = await engine.open(name);
  } catch (error) {
    if (error instanceof Refused) folder?.setFailed(name, error.message);
    select(name);
    marks.load([]);
    picture = layer = null;
    view.open = false;
    view.draw();
    if (saver) saver.picture = null;
    return problem(error);
  }
  clearNotes();
  picture = found;
  layer = null;
  settled = true;
  marks.load(fromFile(found.hints));
  by("layerRow").hidden = !found.layer;
  if (found.layer) engine.layer(name).then((image) => { if (picture === found) { layer = image; drawOverlay(); } }).catch(problem);
  tools.cross = null;
  if (!again) {
    looked = null;
    panel.suggest([]);
    select(name);
    view.show(found.size);
  } else view.refresh();
  saver?.watch(found);
  enable();
  showRadius();
  if (found.error) await damaged(found);
}

/** @param {import("./engine_server.js").Picture} found */
async function damaged(found) {
  if (saver) saver.picture = null; // what cannot be read is not written over unasked
  if ((await ask(texts.damaged(found.error), [texts.leave, texts.anew])) === 1 && picture === found && saver) {
    saver.watch(found);
    saver.changed();
  } else note("damaged", found.error);
}

/** @param {string} name */
function select(name) {
  by("name").textContent = name;
  by("name").title = name;
  document.title = `${name} – gcolor studio`;
  if (!folder) return;
  folder.select(name);
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
}

// --- Folder and batch ---

const folder = engine.folder ? new Folder(engine, (name) => { open(name); }) : null;
const batch = engine.folder ? new BatchPanel(engine, {
  before: async () => { await saver?.flush(); },
  ended: () => { folder?.loadStates().catch(problem); },
  problem,
}) : null;

// --- What is said ---

/** @type {Map<string, string>} */
const notes = new Map();

/** @param {string} about one note of each kind at a time @param {string} sentence "" takes it away @param {number} [ms] */
function note(about, sentence, ms = 0) {
  if ((notes.get(about) ?? "") === sentence) return;
  if (sentence) notes.set(about, sentence);
  else notes.delete(about);
  by("notes").replaceChildren(...[...notes.values()].map((text) => Object.assign(document.createElement("p"), { textContent: text })));
  if (ms) setTimeout(() => { if (notes.get(about) === sentence) note(about, ""); }, ms);
}

function clearNotes() {
  notes.clear();
  by("notes").replaceChildren();
}

/** @param {any} error */
function problem(error) {
  if (error instanceof Lost) note("saving", texts.lost);
  else note("problem", `${error.message}`);
}

/** @param {string} sentence @param {string[]} answers @returns {Promise<number>} which; 0 where the dialog is just closed */
function ask(sentence, answers) {
  const dialog = /** @type {HTMLDialogElement} */ (by("question"));
  /** @type {HTMLElement} */ (dialog.querySelector("p")).textContent = sentence;
  return new Promise((resolve) => {
    let answer = 0;
    dialog.querySelector("div")?.replaceChildren(...answers.map((text, i) => {
      const button = Object.assign(document.createElement("button"), { textContent: text });
      button.addEventListener("click", () => { answer = i; dialog.close(); });
      return button;
    }));
    dialog.onclose = () => resolve(answer);
    dialog.showModal();
  });
}

// --- Buttons and keys ---

/** @param {import("./view.js").View["shown"]} mode */
function compare(mode) {
  view.shown = mode;
  for (const button of by("compare").children) button.setAttribute("aria-checked", String(/** @type {HTMLElement} */ (button).dataset.mode === mode));
  view.refresh();
  view.draw();
}
for (const mode of /** @type {const} */ (["color", "grey", "automatic", "split"])) {
  const button = Object.assign(document.createElement("button"), { textContent: texts[mode], title: texts[`${mode}Label`] });
  button.dataset.mode = mode;
  button.setAttribute("role", "radio");
  button.addEventListener("click", () => compare(mode));
  by("compare").append(button);
}
compare("color");

const against = /** @type {HTMLSelectElement} */ (by("against"));
against.append(new Option(texts.grey, "grey"), new Option(texts.automatic, "automatic"));
against.addEventListener("change", () => { view.against = /** @type {any} */ (against.value); compare("split"); });

/** @type {import("./view.js").View["shown"]} */
let beforeHold = "color";
const hold = (/** @type {"grey" | "automatic"} */ mode) => (/** @type {boolean} */ down) => {
  if (down) { beforeHold = view.shown; compare(mode); } else if (view.shown === mode) compare(beforeHold);
};
/** @param {string} id @param {() => void} act */
const click = (id, act) => by(id).addEventListener("click", act);
const showMarks = /** @type {HTMLInputElement} */ (by("showMarks")), showLayer = /** @type {HTMLInputElement} */ (by("showLayer"));
const help = () => /** @type {HTMLDialogElement} */ (by("shortcuts")).showModal();
const undo = () => marks.undo(), redo = () => marks.redo();
const zoomIn = () => view.zoom(1.4), zoomOut = () => view.zoom(1 / 1.4), fit = () => view.fit();
const radius = /** @type {HTMLInputElement} */ (by("radius"));

click("previous", () => folder?.go(-1));
click("next", () => folder?.go(1));
click("in", zoomIn);
click("out", zoomOut);
click("fit", fit);
click("undo", undo);
click("redo", redo);
click("help", help);
click("delete", () => marks.removeSelected());
click("copy", takePrevious);
click("eyedropper", () => pick(!tools.picking));
showMarks.addEventListener("change", () => { shows.marks = showMarks.checked; drawOverlay(); });
showLayer.addEventListener("change", () => { shows.layer = showLayer.checked; view.refresh(["color"]); drawOverlay(); });
radius.addEventListener("input", () => setRadius(radiusOf(Number(radius.value)), false));
radius.addEventListener("change", () => marks.settle());

/** @type {Record<string, () => void>} */
const actions = {
  n: () => folder?.go(1), p: () => folder?.go(-1), PageDown: () => folder?.go(1), PageUp: () => folder?.go(-1),
  "+": zoomIn, "=": zoomIn, "-": zoomOut, f: fit, z: () => view.zoom(1 / view.scale),
  "Ctrl+z": undo, "Ctrl+Shift+z": redo, "Ctrl+y": redo,
  Delete: () => marks.removeSelected(), Backspace: () => marks.removeSelected(),
  Escape: () => { pick(false); marks.select(-1); },
  m: () => { if (marks.list.length) marks.select((marks.selected + 1) % marks.list.length); },
  Enter: () => placeAtCross(brush.color), x: () => placeAtCross("#808080"),
  "[": () => resizeMark(-1), "]": () => resizeMark(1),
  e: () => pick(!tools.picking), c: () => { by("hex").focus(); /** @type {HTMLInputElement} */ (by("hex")).select(); }, "/": () => by("search").focus(),
  s: () => compare(view.shown === "split" ? "color" : "split"), r: () => compare("color"),
  h: takePrevious, b: () => { batch?.start(); }, "?": help, v: () => { showMarks.click(); },
};
for (const [key, dx, dy] of /** @type {[string, number, number][]} */ ([["Left", -1, 0], ["Right", 1, 0], ["Up", 0, -1], ["Down", 0, 1]])) {
  actions[`Arrow${key}`] = () => arrow(dx, dy);
  actions[`Shift+Arrow${key}`] = () => arrow(10 * dx, 10 * dy);
}
for (let i = 1; i <= 6; i++) actions[i] = () => { const color = panel.suggested[i - 1]; if (color) panel.take(color); };
setUpKeys(actions, {
  g: hold("grey"), a: hold("automatic"),
  " ": (down) => { tools.space = down; by("picture").classList.toggle("panning", down); },
});
setUpReference((rgb) => panel.take(toHex(rgb)), () => note("problem", texts.notRead, 6000));

// --- Start ---

panel.suggest([]);
panel.remember(brush.color);
enable();
if (folder) {
  const names = await folder.load();
  const wanted = decodeURIComponent(location.hash.slice(1));
  await open(names.includes(wanted) ? wanted : names[0]);
  folder.loadStates().then((error) => { if (error) note("folder", error); }).catch(problem);
} else setUpSingle(/** @type {any} */ (engine), { open, note, marks, picture: () => picture });

engine.palettes().then((palettes) => panel.setPalettes(palettes)).catch(problem);

// For tests and the curious: what the page holds, to look at.
Object.assign(window, { studio: { view, marks, saver, panel, picture: () => picture } });
