/** What each button and each key does. */

import { by } from "./dom.js";
import { setUpKeys } from "./keys.js";

const NEUTRAL = "#808080";

/** @param {{batch: import("./batch.js").BatchPanel | null, compare: import("./compare.js").Compare, current: import("./current.js").Current,
 *   editing: import("./editing.js").Editing, folder: import("./folder.js").Folder | null, look: import("./look.js").Look, marks: import("./marks.js").Marks,
 *   panel: import("./palette.js").ColorPanel, shows: {marks: boolean, layer: boolean}, tools: import("./tools.js").Tools, view: import("./view.js").View}} parts */
export function setUpActions({ batch, compare, current, editing, folder, look, marks, panel, shows, tools, view }) {
  const click = (/** @type {string} */ id, /** @type {() => void} */ act) => by(id).addEventListener("click", act);
  const showMarks = /** @type {HTMLInputElement} */ (by("showMarks")), showLayer = /** @type {HTMLInputElement} */ (by("showLayer"));
  const help = () => /** @type {HTMLDialogElement} */ (by("shortcuts")).showModal();
  const next = () => folder?.go(1), previous = () => folder?.go(-1);
  const undo = () => marks.undo(), redo = () => marks.redo(), remove = () => marks.removeSelected();
  const zoomIn = () => view.zoom(1.4), zoomOut = () => view.zoom(1 / 1.4), fit = () => view.fit();
  const pick = () => tools.pick(!tools.picking);
  const add = (/** @type {string} */ color) => { if (current.picture) editing.add(tools.here, color); };
  const copy = () => {
    const name = folder?.before();
    if (current.picture && name) editing.take(current.engine.open(name), current.picture.size);
  };

  for (const [id, act] of Object.entries({ previous, next, in: zoomIn, out: zoomOut, fit, undo, redo, help, delete: remove, copy, eyedropper: pick })) click(id, act);
  showMarks.addEventListener("change", () => {
    shows.marks = showMarks.checked;
    view.draw();
  });
  showLayer.addEventListener("change", () => {
    shows.layer = showLayer.checked;
    view.refresh(["color"]);
    view.draw();
  });

  /** @param {number} dx @param {number} dy in steps */
  const arrow = (dx, dy) => {
    if (editing.moveSelected(dx, dy)) {
      view.reveal(...marks.list[marks.selected].points[0]);
      return;
    }
    tools.cross = editing.moved(tools.cross ?? [view.size[0] / 2, view.size[1] / 2], dx, dy);
    look.at(...tools.cross);
    view.reveal(...tools.cross);
    view.draw();
  };
  const escape = () => {
    tools.pick(false);
    marks.select(-1);
    if (tools.here) look.at(...tools.here);
  };
  const type = () => {
    by("hex").focus();
    /** @type {HTMLInputElement} */ (by("hex")).select();
  };

  /** @type {Record<string, () => void>} */
  const actions = {
    n: next, p: previous, PageDown: next, PageUp: previous,
    "+": zoomIn, "=": zoomIn, "-": zoomOut, f: fit, z: () => view.zoom(1 / view.scale),
    "Ctrl+z": undo, "Ctrl+Shift+z": redo, "Ctrl+y": redo, Delete: remove, Backspace: remove, Escape: escape,
    m: () => { if (marks.list.length) marks.select((marks.selected + 1) % marks.list.length); },
    Enter: () => add(panel.hex), x: () => add(NEUTRAL),
    "[": () => editing.resize(-1), "]": () => editing.resize(1),
    e: pick, c: type, "/": () => by("search").focus(),
    ",": () => view.divide(view.divider - 0.05), ".": () => view.divide(view.divider + 0.05), s: () => compare.split(), r: () => compare.show("color"),
    h: copy, b: () => { batch?.start(); }, "?": help, v: () => { showMarks.click(); },
  };
  for (const [key, dx, dy] of /** @type {[string, number, number][]} */ ([["Left", -1, 0], ["Right", 1, 0], ["Up", 0, -1], ["Down", 0, 1]])) {
    actions[`Arrow${key}`] = () => arrow(dx, dy);
    actions[`Shift+Arrow${key}`] = () => arrow(10 * dx, 10 * dy);
  }
  for (let i = 1; i <= 6; i++) actions[i] = () => { const color = panel.suggested[i - 1]; if (color) panel.take(color); };
  setUpKeys(actions, {
    g: compare.hold("gray"), a: compare.hold("automatic"),
    " ": (down) => { tools.space = down; by("picture").classList.toggle("panning", down); },
  });
}
