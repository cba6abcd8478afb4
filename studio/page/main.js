/** The page: makes the parts and tells each what the others do. */

import { setUpActions } from "./actions.js";
import { BatchPanel } from "./batch.js";
import { toHex } from "./color.js";
import { Compare } from "./compare.js";
import { Current } from "./current.js";
import { by } from "./dom.js";
import { Editing } from "./editing.js";
import { Folder } from "./folder.js";
import { isolate } from "./isolate.js";
import { Look } from "./look.js";
import { Marks, toFile } from "./marks.js";
import { drawMarks } from "./overlay.js";
import { ColorPanel } from "./palette.js";
import { setUpReference } from "./reference.js";
import { note, problem } from "./say.js";
import { setUpSingle } from "./single.js";
import { fillTexts, texts } from "./texts.js";
import { Tools } from "./tools.js";
import { View } from "./view.js";

const WIDE = 1 / 3; // the share of the picture from which a hint's effect is worth a word

fillTexts(document);
const kind = document.querySelector('meta[name="gcolor-engine"]')?.getAttribute("content");
if (kind === "browser") await isolate();
/** @type {typeof import("./engine_server.js").engine} */
const engine = kind === "browser" ? /** @type {any} */ (await import("./engine_browser.js")).engine : (await import("./engine_server.js")).engine;
document.body.classList.toggle("single", !engine.folder);

const marks = new Marks();
const brush = { color: "#b5533c", radius: 0 };
const shows = { marks: true, layer: true };
const view = new View(by("picture"), paint, problem);
const current = new Current(engine, marks, view, {
  chosen: named,
  opened,
  refused: (name, sentence) => folder?.setFailed(name, sentence),
  changes: (found) => batch?.show(found.batch),
});
const panel = new ColorPanel(taken, (palettes) => { engine.savePalettes(palettes).catch(problem); });
const look = new Look(engine, view, marks, panel, current);
const editing = new Editing(marks, view, brush);
const tools = new Tools(view, marks, brush, {
  picked: (x, y) => { const rgb = view.pixel(x, y); if (rgb) panel.take(toHex(rgb)); tools.pick(false); },
  hovered: (x, y) => { if (marks.selected < 0) look.at(x, y); },
  wheel: (steps) => editing.resize(steps),
});
const compare = new Compare(view);
const folder = engine.folder ? new Folder(engine, (name) => { current.open(name); }) : null;
const batch = engine.folder ? new BatchPanel(engine, {
  before: async () => { await current.saver?.flush(); },
  ended: () => { folder?.loadStates().catch(problem); },
  problem,
}) : null;

// --- The canvas ---

/** How much of the picture the edit changed that was painted last. */
const effect = { edit: 0, share: 0 };

/** @param {import("./engine_server.js").Mode} mode @param {import("./view.js").Region} region */
async function paint(mode, region) {
  if (!current.picture) return null;
  const { name, size } = current.picture, { edit } = marks;
  const { pixels, changed } = await engine.render(name, mode, region, toFile(marks.list, size), { layer: shows.layer, edit });
  if (mode === "color") {
    Object.assign(effect, { edit, share: changed });
    if (!marks.before) sayIfWide();
  }
  return pixels;
}

function sayIfWide() {
  const wide = effect.edit === marks.edit && effect.share > WIDE && !marks.stepped;
  note("wide", wide ? texts.wide(Math.round(effect.share * 100)) : "");
}

view.painters.push(() => drawMarks(by("marks"), view, marks, { visible: shows.marks, layer: shows.marks && shows.layer ? current.layer : null, cross: tools.cross }));
view.listeners.push(() => { by("zoom").textContent = `${Math.round(view.scale * 100)} %`; look.again(); });

// --- Hints and their colors ---

let painted = marks.list;
marks.listeners.push((done) => {
  const mark = marks.list[marks.selected];
  if (mark) {
    brush.radius = mark.radius;
    if (mark.color !== panel.hex) {
      brush.color = mark.color;
      panel.set(mark.color);
    }
    look.at(...mark.points[0]);
  }
  if (marks.list !== painted) {
    painted = marks.list;
    view.refresh(["color"]);
  }
  if (done) {
    if (mark) panel.remember(mark.color);
    if (current.picture) folder?.setHinted(current.picture.name, marks.list.length > 0 || current.picture.layer);
    sayIfWide();
  }
  showState();
  view.draw();
});

/** @param {string} hex @param {boolean} done */
function taken(hex, done) {
  brush.color = hex;
  if (marks.selected < 0) return;
  marks.alter(marks.selected, { color: hex });
  if (done) marks.settle();
}

function showState() {
  /** @type {HTMLButtonElement} */ (by("undo")).disabled = !marks.past.length;
  /** @type {HTMLButtonElement} */ (by("redo")).disabled = !marks.future.length;
  /** @type {HTMLButtonElement} */ (by("delete")).disabled = marks.selected < 0;
  editing.show();
}

// --- The picture ---

/** @param {string} name */
function named(name) {
  by("name").textContent = name;
  by("name").title = name;
  document.title = texts.title(name);
  if (!folder) return;
  folder.select(name);
  history.replaceState(null, "", `#${encodeURIComponent(name)}`);
}

/** @param {boolean} again */
function opened(again) {
  painted = marks.list;
  tools.cross = null;
  if (!again) look.forget();
  showState();
}

// --- Start ---

setUpActions({ batch, compare, current, editing, folder, look, marks, panel, shows, tools, view });
setUpReference((rgb) => panel.take(toHex(rgb)), () => note("problem", texts.notRead, 6000));
panel.suggest([]);
panel.remember(brush.color);
showState();
if (folder) {
  const names = await folder.load();
  const wanted = decodeURIComponent(location.hash.slice(1));
  await current.open(names.includes(wanted) ? wanted : names[0]);
  if (current.picture && !marks.list.length) note("start", texts.start, 12000);
  folder.loadStates().then((error) => { if (error) note("folder", error); }).catch(problem);
} else setUpSingle(/** @type {any} */ (engine), current, marks);

engine.palettes().then((palettes) => panel.setPalettes(palettes)).catch(problem);

// For tests and the curious: what the page holds, to look at.
Object.assign(window, { studio: { view, marks, panel, saver: current.saver, picture: () => current.picture } });
