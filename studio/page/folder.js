/** The thumbnails of the folder. Only those in sight exist: ten thousand pictures cost as much as thirty. */

import { by } from "./dom.js";
import { texts } from "./texts.js";

const WIDTH = 103, HEIGHT = 112;

export class Folder {
  /** @param {typeof import("./engine_server.js").engine} engine @param {(name: string) => void} chosen */
  constructor(engine, chosen) {
    this.engine = engine;
    this.chosen = chosen;
    /** @type {string[]} */ this.names = [];
    /** @type {string[]} */ this.shown = [];
    /** @type {Record<string, string[]>} */ this.states = {};
    /** @type {Record<string, string>} */ this.wrong = {};
    /** When each thumbnail's output was made, as far as this page knows: a number that changes its address. */
    this.round = 0;
    this.current = "";
    /** @type {Map<string, HTMLElement>} */ this.items = new Map();
    this.list = by("thumbnails");
    this.filter = /** @type {HTMLSelectElement} */ (by("filter"));
    this.search = /** @type {HTMLInputElement} */ (by("search"));
    this.filter.append(...Object.entries(texts.filters).map(([value, text]) => new Option(text, value)));
    this.filter.addEventListener("change", () => this.sift());
    this.search.addEventListener("input", () => this.sift());
    this.list.addEventListener("scroll", () => this.draw(), { passive: true });
    this.list.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -this.columns, ArrowDown: this.columns }[event.key];
      if (!step) return;
      event.preventDefault();
      event.stopPropagation();
      this.go(step);
    });
    new ResizeObserver(() => this.lay()).observe(this.list);
  }

  async load() {
    this.names = (await this.engine.names()).names;
    this.sift();
    return this.names;
  }

  async loadStates() {
    const { states, wrong, error } = await this.engine.states();
    Object.assign(this, { states, wrong });
    this.round++;
    this.items.clear();
    this.sift();
    return error;
  }

  /** A picture's hints came or went. @param {string} name @param {boolean} hinted */
  setHinted(name, hinted) {
    const others = (this.states[name] ?? []).filter((state) => state !== "hinted" && state !== "current");
    this.states[name] = hinted ? ["hinted", ...others] : others;
    this.items.delete(name);
    this.draw();
  }

  /** @param {string} name @param {string} sentence */
  setFailed(name, sentence) {
    if (this.wrong[name]) return;
    this.wrong[name] = sentence;
    this.states[name] = [...(this.states[name] ?? []), "failed"];
    this.items.delete(name);
    this.draw();
  }

  sift() {
    const wanted = this.filter.value, text = this.search.value.trim().normalize("NFC").toLowerCase();
    this.shown = this.names.filter((name) => {
      const states = this.states[name] ?? [];
      const fits = wanted === "all" || (wanted === "automatic" ? !states.includes("hinted") : states.includes(wanted));
      return fits && (!text || name.normalize("NFC").toLowerCase().includes(text));
    });
    by("count").textContent = texts.count(this.shown.length, this.names.length);
    this.lay();
  }

  get columns() { return Math.max(1, Math.floor(this.list.clientWidth / WIDTH)); }

  lay() {
    by("strip").style.height = `${Math.ceil(this.shown.length / this.columns) * HEIGHT}px`;
    this.draw();
  }

  draw() {
    const { columns } = this;
    const first = Math.max(0, Math.floor(this.list.scrollTop / HEIGHT) - 1) * columns;
    const last = (Math.ceil((this.list.scrollTop + this.list.clientHeight) / HEIGHT) + 1) * columns;
    const names = this.shown.slice(first, last);
    const items = names.map((name, i) => {
      const item = this.items.get(name) ?? this.item(name);
      item.style.left = `${((first + i) % columns) * WIDTH}px`;
      item.style.top = `${Math.floor((first + i) / columns) * HEIGHT}px`;
      item.id = `thumbnail-${first + i}`;
      item.setAttribute("aria-selected", String(name === this.current));
      if (name === this.current) this.list.setAttribute("aria-activedescendant", item.id);
      return item;
    });
    // What is scrolled past need not be loaded any more.
    for (const [name, item] of this.items) if (!names.includes(name)) item.querySelector("img")?.removeAttribute("src");
    this.items = new Map(names.map((name, i) => [name, items[i]]));
    by("strip").replaceChildren(...items);
  }

  /** @param {string} name */
  item(name) {
    const item = Object.assign(document.createElement("button"), { className: "thumbnail", title: this.wrong[name] ? `${name}: ${this.wrong[name]}` : name, tabIndex: -1 });
    item.setAttribute("role", "option");
    const states = this.states[name] ?? [];
    const output = states.includes("current");
    const image = Object.assign(document.createElement("img"), { alt: "" });
    if (output || !this.wrong[name]) image.src = `${this.engine.thumbnail(name, output)}&round=${output ? this.round : 0}`;
    image.addEventListener("error", () => {
      this.refused(name, image.src);
      image.removeAttribute("src"); // no sign of a broken image: the state says it in words
    });
    const said = states.length ? states : ["automatic"];
    const words = /** @type {Record<string, string>} */ (texts.states);
    item.append(
      image,
      Object.assign(document.createElement("span"), { className: "file", textContent: name.split("/").pop() }),
      Object.assign(document.createElement("span"), { className: "state", textContent: said.map((state) => words[state]).join(", ") }),
    );
    item.addEventListener("click", () => this.chosen(name));
    return item;
  }

  /** Ask why a thumbnail is none. @param {string} name @param {string} address */
  async refused(name, address) {
    const answer = await fetch(address).catch(() => null);
    if (answer && answer.status === 404) this.setFailed(name, (await answer.json()).error);
  }

  /** @param {string} name */
  select(name) {
    this.current = name;
    const index = this.shown.indexOf(name);
    if (index >= 0) {
      const top = Math.floor(index / this.columns) * HEIGHT;
      if (top < this.list.scrollTop || top + HEIGHT > this.list.scrollTop + this.list.clientHeight) this.list.scrollTop = top - this.list.clientHeight / 2 + HEIGHT / 2;
    }
    this.draw();
  }

  /** The picture so many places on. @param {number} step */
  go(step) {
    const index = this.shown.indexOf(this.current);
    const name = this.shown[index < 0 ? 0 : index + step];
    if (name !== undefined && name !== this.current) this.chosen(name);
  }

  /** The picture before this one in the folder, whatever is shown. */
  before() { return this.names[this.names.indexOf(this.current) - 1]; }
}
