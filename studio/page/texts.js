/** Every text of the page, so that it can be translated: copy this file, translate the right-hand sides. */
export const texts = {
  title: (/** @type {string} */ name) => `${name} – gcolor studio`,
  previous: "◀", previousLabel: "Previous picture (P)",
  next: "▶", nextLabel: "Next picture (N)",
  compareLabel: "What is shown",
  color: "Result", gray: "Original", automatic: "Automatic", split: "Split",
  colorLabel: "The result (R)", grayLabel: "The photograph as it is; held, as the key G is, only so long", automaticLabel: "Without hints; held, as the key A is, only so long", splitLabel: "The result on the left, what it is compared with on the right (S)",
  splitWith: "Split with", splitWithLabel: "What the split compares the result with",
  zoomOut: "−", zoomOutLabel: "Zoom out (-)", zoomIn: "+", zoomInLabel: "Zoom in (+)", fit: "Fit", fitLabel: "Fit to the window (F)",
  undo: "Undo", undoLabel: "Undo (Ctrl+Z)", redo: "Redo", redoLabel: "Redo (Ctrl+Shift+Z)",
  help: "?", helpLabel: "Shortcuts (?)",
  folderLabel: "Pictures of the folder", search: "Search", filterLabel: "Which pictures",
  filters: { all: "All", automatic: "Automatic", hinted: "Hinted", current: "Colored", failed: "Failed" },
  states: { automatic: "automatic", hinted: "hinted", current: "colored", failed: "failed" },
  count: (/** @type {number} */ shown, /** @type {number} */ all) => (shown === all ? `${all} pictures` : `${shown} of ${all} pictures`),
  batchLabel: "Color the folder", batchStart: "Color the folder", batchCancel: "Cancel (pictures in work are finished)",
  batchRuns: (/** @type {number} */ done, /** @type {number} */ total, /** @type {string} */ rate, /** @type {string} */ left) => `${done} of ${total}, ${rate} pictures/s${left ? `, ${left} left` : ""}`,
  batchStopping: (/** @type {number} */ done, /** @type {number} */ total) => `${done} of ${total}; finishing what is in work`,
  batchEnded: (/** @type {number} */ done, /** @type {number} */ failed, /** @type {number} */ code, /** @type {string} */ meaning) => `${done - failed} colored, ${failed} failed. Exit ${code}: ${meaning}.`,
  batchFailures: (/** @type {number} */ count) => `${count} failed`,
  minutes: (/** @type {number} */ s) => (s >= 3600 ? `${(s / 3600).toFixed(1)} h` : s >= 90 ? `${Math.round(s / 60)} min` : `${Math.round(s)} s`),
  stageLabel: "The photograph", canvasLabel: "Photograph. Click to place a hint, drag to draw a stroke. Arrow keys move the cross or the selected hint, Enter places one.",
  panelLabel: "Color", hexLabel: "Color as hex", eyedropper: "Pick", eyedropperLabel: "Take a color from the result or the reference (E)",
  neutral: "Neutral", neutralLabel: "Gray: no color here (X)",
  pickerLabel: "Colors that exist at this lightness: a to the right, b upwards. Arrow keys move.",
  swatch: (/** @type {string} */ hex, /** @type {number} */ light) => `As it looks here: ${hex} at lightness ${Math.round(light)}`,
  clipped: "That color does not exist at this lightness; the nearest one that does is shown and used.",
  suggestions: "Likely at the pointer", suggestionsOfHint: "Likely at the hint", noSuggestions: "This model gives no suggestions.", noPlace: "Point at a place in the picture.",
  probability: (/** @type {string} */ color, /** @type {number} */ p) => `${color}, ${Math.round(p * 100)} %`,
  recent: "Recent", palettes: "Palettes", newPalette: "New", newPaletteLabel: "New palette", paletteName: "Name of the palette",
  addColor: "+", addColorLabel: (/** @type {string} */ name) => `Add the color to ${name}`, removePalette: "×", removePaletteLabel: (/** @type {string} */ name) => `Remove ${name}`,
  removeColorHint: "right click or Delete removes it",
  radius: "Radius", pixels: (/** @type {number} */ n) => (n ? `${n} px` : "dot"),
  remove: "Delete", removeLabel: "Delete the selected hint (Delete)",
  takePrevious: "Hints of the previous", takePreviousLabel: "Take the hints of the previous picture (H)",
  openReference: "Reference…", openReferenceLabel: "Load a reference photograph beside", reference: "Reference", referenceLabel: "Reference photograph; click takes its color", closeReference: "Close the reference",
  showMarks: "Show hints", showLayer: "Painted layer",
  shortcuts: "Shortcuts", close: "Close", cancel: "Cancel", create: "Create",
  saved: "Saved", saving: "Saving…", unsaved: "Not saved yet",
  start: "Click a place to color it, drag to draw; the colors are on the right. The key ? lists the rest.",
  lost: "The studio does not answer. Changes wait here until it runs again; open the address that it prints.",
  refused: (/** @type {string} */ why) => `Not saved: ${why}`,
  reloaded: "The hint file was changed outside and is loaded anew.",
  conflict: "The hint file of this picture was changed outside, and you have changes of your own. Which shall count?",
  theirs: "Load the file", mine: "Keep mine",
  damaged: (/** @type {string} */ why) => `The hint file cannot be used: ${why}. It stays as it is. Start anew and replace it?`,
  anew: "Start anew", leave: "Leave it",
  wide: (/** @type {number} */ percent) => `This changed ${percent} % of the picture. Undo takes it back.`,
  nothingBefore: "The previous picture has no hints.", otherAspect: "The previous picture has another shape; its hints were scaled.",
  drop: "Drop a photograph here", choose: "Choose a photograph", stays: "Nothing leaves this machine.", another: "Another photograph",
  savePicture: "Save picture", saveHints: "Save hints", loadHints: "Load hints…",
  loading: "The model is loading…",
  threads: (/** @type {number} */ n) => `The model runs in this browser on ${n} threads.`,
  oneThread: "The model runs in this browser on one thread: this host sends no headers for cross-origin isolation.",
  notRead: "This browser cannot read that file as a picture.",
  tooLarge: (/** @type {number} */ mp) => `That picture is too large for a browser page (${mp} megapixels at most).`,
  noHints: "is no hint file of version 1, or has numbers outside the picture", otherSize: "these hints are for a picture of another shape",
  /** @type {[string, string][]} */
  keys: [
    ["N  P", "next, previous picture"], ["Click", "place a hint; drag it to move it"], ["Drag", "draw a stroke"], ["Wheel", "zoom; over a hint, its radius"],
    ["[  ]", "smaller, larger radius"], ["Space+drag", "pan (or middle button, two fingers)"], ["+  -", "zoom"], ["F  Z", "fit, one to one"],
    ["Arrows", "move the cross, or the selected hint"], ["Enter", "place a hint at the cross or pointer"], ["M", "select the next hint"], ["Esc", "select none"],
    ["Delete", "delete the selected hint"], ["X", "neutral hint at the cross or pointer"], ["Ctrl+Z", "undo"], ["Ctrl+Shift+Z", "redo"],
    ["1 … 6", "take a suggestion"], ["E", "pick a color from the picture"], ["C", "type a color"], ["/", "search"],
    ["G  A", "hold: original, automatic"], ["S", "split"], [",  .", "move the divider of the split"], ["R", "the result"], ["H", "hints of the previous picture"],
    ["B", "color the folder"], ["V", "show or hide the hints"], ["?", "this list"],
  ],
};

/** Put the texts into the elements that name them.
 * @param {ParentNode} root */
export function fillTexts(root) {
  const all = /** @type {Record<string, any>} */ (texts);
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text]"))) element.textContent = all[element.dataset.text ?? ""];
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-label]"))) {
    element.setAttribute("aria-label", all[element.dataset.label ?? ""]);
    if (element.matches("button")) element.title = all[element.dataset.label ?? ""];
  }
  for (const element of /** @type {NodeListOf<HTMLInputElement>} */ (root.querySelectorAll("[data-placeholder]"))) element.placeholder = all[element.dataset.placeholder ?? ""];
}
