/** The button that colors the folder, and what it says meanwhile. */

import { by } from "./dom.js";
import { texts } from "./texts.js";

export class BatchPanel {
  /** before: makes sure that all hints are saved. ended: it is over. problem: says what is wrong.
   * @param {typeof import("./engine_server.js").engine} engine
   * @param {{before: () => Promise<void>, ended: () => void, problem: (error: any) => void}} tell */
  constructor(engine, tell) {
    this.engine = engine;
    this.tell = tell;
    this.ran = false;
    by("color").addEventListener("click", () => this.start());
    by("cancel").addEventListener("click", () => this.engine.batch("cancel").catch(this.tell.problem));
  }

  async start() {
    const button = /** @type {HTMLButtonElement} */ (by("color"));
    if (button.disabled) return;
    button.disabled = true;
    try {
      await this.tell.before();
      await this.engine.batch("start");
      this.ran = true;
    } catch (error) {
      button.disabled = false;
      this.tell.problem(error);
    }
  }

  /** @param {any} progress what the server says, null before the first batch */
  show(progress) {
    if (!progress) return;
    const running = progress.exit === null;
    by("progress").hidden = false;
    by("cancel").hidden = !running;
    /** @type {HTMLButtonElement} */ (by("cancel")).disabled = progress.stopping;
    /** @type {HTMLButtonElement} */ (by("color")).disabled = running;
    const bar = /** @type {HTMLProgressElement} */ (by("bar"));
    bar.hidden = !running;
    bar.value = progress.total ? progress.done / progress.total : 0;
    by("rate").textContent = this.words(progress, running);
    this.list(progress);
    if (running) this.ran = true;
    else if (this.ran) {
      this.ran = false;
      this.tell.ended();
    }
  }

  /** @param {any} p @param {boolean} running */
  words(p, running) {
    if (!running) return texts.batchEnded(p.done, p.failed, p.exit, p.meaning);
    if (p.stopping) return texts.batchStopping(p.done, p.total);
    return texts.batchRuns(p.done, p.total, p.rate.toFixed(1), p.left === null ? "" : texts.minutes(p.left));
  }

  /** @param {any} progress */
  list(progress) {
    const failures = Object.entries(progress.failures).map(([name, why]) => `${name}: ${why}`);
    const lines = [...progress.warnings, ...failures];
    const details = by("failures");
    details.hidden = !lines.length;
    if (details.dataset.count === String(lines.length)) return;
    details.dataset.count = String(lines.length);
    /** @type {HTMLElement} */ (details.firstElementChild).textContent = failures.length ? texts.batchFailures(progress.failed) : lines[0] ?? "";
    details.lastElementChild?.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  }
}
