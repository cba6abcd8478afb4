/** The panel of colors: swatch, hex, picker of a and b, suggestions, recent colors and named palettes. */

import { atLightness, exists, labToRgb, readHex, rgbToLab, fromHex, toHex } from "./color.js";
import { by, button } from "./dom.js";
import { texts } from "./texts.js";

const NEUTRAL = "#808080";
const REACH = 110; // of a and b, to each side of the picker
const RECENT = 12;

export class ColorPanel {
  /** chosen: is told of every color that the user takes. saved: of the palettes that changed.
   * @param {(hex: string, settled: boolean) => void} chosen @param {(palettes: Record<string, string[]>) => void} saved */
  constructor(chosen, saved) {
    this.chosen = chosen;
    this.saved = saved;
    this.hex = "#b5533c";
    this.lightness = 50;
    /** @type {string[]} */ this.recent = [];
    /** @type {Record<string, string[]>} */ this.palettes = {};
    /** @type {string[]} */ this.suggested = [];
    this.picker = /** @type {HTMLCanvasElement} */ (by("picker"));
    this.drawnAt = NaN;
    this.ground = document.createElement("canvas");
    const hex = /** @type {HTMLInputElement} */ (by("hex"));
    hex.addEventListener("change", () => {
      const read = readHex(hex.value);
      if (read) this.take(read);
      else hex.value = this.hex;
    });
    this.picker.addEventListener("pointerdown", (event) => {
      this.picker.setPointerCapture(event.pointerId);
      this.pick(event, false);
    });
    this.picker.addEventListener("pointermove", (event) => { if (event.buttons) this.pick(event, false); });
    this.picker.addEventListener("pointerup", (event) => this.pick(event, true));
    this.picker.addEventListener("keydown", (event) => this.nudge(event));
    by("neutral").addEventListener("click", () => this.take(NEUTRAL));
    by("newPalette").addEventListener("click", () => this.newPalette());
    this.show();
  }

  /** A color is taken: by the user, so that the selected hint gets it, too. @param {string} hex @param {boolean} settled */
  take(hex, settled = true) {
    this.hex = hex;
    if (settled) this.remember(hex);
    this.show();
    this.chosen(hex, settled);
  }

  /** Show a color without telling. @param {string} hex */
  set(hex) {
    this.hex = hex;
    this.show();
  }

  /** The lightness of the place that it is for. @param {number} lightness */
  setLightness(lightness) {
    this.lightness = lightness;
    this.show();
  }

  /** @param {string} hex */
  remember(hex) {
    this.recent = [hex, ...this.recent.filter((other) => other !== hex)].slice(0, RECENT);
    fillSwatches(by("recent"), this.recent.map((color) => ({ color, label: color })), (color) => this.take(color));
  }

  show() {
    const { hex, clipped, a, b } = atLightness(this.hex, this.lightness);
    by("swatch").style.background = hex;
    by("swatch").setAttribute("aria-label", texts.swatch(hex, this.lightness));
    by("swatchNote").textContent = clipped ? texts.clipped : texts.swatch(hex, this.lightness);
    if (document.activeElement !== by("hex")) /** @type {HTMLInputElement} */ (by("hex")).value = this.hex;
    this.drawPicker(a, b);
  }

  /** @param {number} a @param {number} b */
  drawPicker(a, b) {
    const { width, height } = this.picker;
    const context = /** @type {CanvasRenderingContext2D} */ (this.picker.getContext("2d"));
    const level = Math.round(this.lightness);
    if (level !== this.drawnAt) {
      this.drawnAt = level;
      [this.ground.width, this.ground.height] = [width / 2, height / 2];
      const ground = /** @type {CanvasRenderingContext2D} */ (this.ground.getContext("2d"));
      const image = ground.createImageData(width / 2, height / 2);
      for (let y = 0, at = 0; y < height / 2; y++) {
        for (let x = 0; x < width / 2; x++, at += 4) {
          const lab = /** @type {[number, number, number]} */ ([level, ...this.abAt(2 * x + 1, 2 * y + 1)]);
          image.data.set(exists(lab) ? [...labToRgb(lab), 255] : [70, 70, 70, 255], at);
        }
      }
      ground.putImageData(image, 0, 0);
    }
    context.drawImage(this.ground, 0, 0, width, height);
    const x = width / 2 + (a / REACH) * (width / 2), y = height / 2 - (b / REACH) * (height / 2);
    for (const [color, line] of /** @type {[string, number][]} */ ([["#000", 3], ["#fff", 1.5]])) {
      context.beginPath();
      context.arc(Math.min(width - 6, Math.max(6, x)), Math.min(height - 6, Math.max(6, y)), 5, 0, 2 * Math.PI);
      context.strokeStyle = color;
      context.lineWidth = line;
      context.stroke();
    }
  }

  /** @param {number} x @param {number} y @returns {[number, number]} */
  abAt(x, y) {
    const { width, height } = this.picker;
    return [((2 * x) / width - 1) * REACH, (1 - (2 * y) / height) * REACH];
  }

  /** @param {PointerEvent} event @param {boolean} settled */
  pick(event, settled) {
    const box = this.picker.getBoundingClientRect();
    const [a, b] = this.abAt(((event.clientX - box.left) / box.width) * this.picker.width, ((event.clientY - box.top) / box.height) * this.picker.height);
    this.take(toHex(labToRgb([this.lightness, a, b])), settled);
  }

  /** @param {KeyboardEvent} event */
  nudge(event) {
    const step = { ArrowLeft: [-4, 0], ArrowRight: [4, 0], ArrowUp: [0, 4], ArrowDown: [0, -4] }[event.key];
    if (!step) return;
    event.preventDefault();
    event.stopPropagation();
    const [, a, b] = rgbToLab(fromHex(this.hex));
    this.take(toHex(labToRgb([this.lightness, a + step[0], b + step[1]])));
  }

  /** @param {{color: string, probability: number}[]} list @param {string} [why] what to say where there are none */
  suggest(list, why) {
    this.suggested = list.map((one) => one.color);
    const shown = list.map(({ color, probability }, i) => ({ color, label: texts.probability(color, probability), text: String(i + 1) }));
    fillSwatches(by("suggestions"), shown, (color) => this.take(color));
    if (!list.length) by("suggestions").append(Object.assign(document.createElement("p"), { textContent: why ?? texts.noPlace }));
  }

  /** @param {Record<string, string[]>} palettes */
  setPalettes(palettes) {
    this.palettes = palettes;
    by("palettes").replaceChildren(...Object.entries(palettes).map(([name, colors]) => this.paletteRow(name, colors)));
  }

  /** @param {string} name @param {string[]} colors */
  paletteRow(name, colors) {
    const row = Object.assign(document.createElement("div"), { className: "palette" });
    const head = Object.assign(document.createElement("div"), { className: "row" });
    const title = Object.assign(document.createElement("span"), { textContent: name });
    const buttons = Object.assign(document.createElement("span"), { className: "group" });
    buttons.append(
      button(texts.addColor, texts.addColorLabel(name), () => this.change({ ...this.palettes, [name]: [...colors.filter((c) => c !== this.hex), this.hex] })),
      button(texts.removePalette, texts.removePaletteLabel(name), () => {
        const { [name]: _, ...others } = this.palettes;
        this.change(others);
      }),
    );
    head.append(title, buttons);
    const swatches = Object.assign(document.createElement("div"), { className: "swatches" });
    const remove = (/** @type {string} */ color) => this.change({ ...this.palettes, [name]: colors.filter((c) => c !== color) });
    fillSwatches(swatches, colors.map((color) => ({ color, label: `${name}: ${color}; ${texts.removeColorHint}` })), (color) => this.take(color), remove);
    row.append(head, swatches);
    return row;
  }

  /** @param {Record<string, string[]>} palettes */
  change(palettes) {
    this.setPalettes(palettes);
    this.saved(palettes);
  }

  newPalette() {
    const dialog = /** @type {HTMLDialogElement} */ (by("naming"));
    const input = /** @type {HTMLInputElement} */ (dialog.querySelector("input"));
    input.value = "";
    dialog.returnValue = "";
    dialog.onclose = () => {
      const name = input.value.trim();
      if (dialog.returnValue && name && !(name in this.palettes)) this.change({ ...this.palettes, [name]: [this.hex] });
    };
    dialog.showModal();
  }
}

/** @param {HTMLElement} box @param {{color: string, label: string, text?: string}[]} colors @param {(color: string) => void} take @param {(color: string) => void} [remove] */
function fillSwatches(box, colors, take, remove) {
  box.replaceChildren(...colors.map(({ color, label, text }) => {
    const made = button(text ?? "", label, () => take(color));
    made.style.background = color;
    made.style.color = rgbToLab(fromHex(color))[0] > 55 ? "#000" : "#fff";
    if (remove) {
      made.addEventListener("contextmenu", (event) => { event.preventDefault(); remove(color); });
      made.addEventListener("keydown", (event) => { if (event.key === "Delete") { event.stopPropagation(); remove(color); } });
    }
    return made;
  }));
}
