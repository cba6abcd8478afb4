/** The keyboard. A key means nothing while a text is typed or a dialog is open. */

import { texts } from "./texts.js";

/** @param {Record<string, () => void>} actions by key, "Ctrl+" in front where it is held @param {Record<string, (down: boolean) => void>} held */
export function setUpKeys(actions, held) {
  addEventListener("keydown", (event) => {
    if (typing(event) || document.querySelector("dialog[open]")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const name = (event.ctrlKey || event.metaKey ? "Ctrl+" : "") + (event.shiftKey && (event.ctrlKey || event.metaKey || event.key.startsWith("Arrow")) ? "Shift+" : "") + key;
    if (held[name]) {
      event.preventDefault();
      if (!event.repeat) held[name](true);
    } else if (actions[name] && !onControl(event, key)) {
      event.preventDefault();
      actions[name]();
    }
  });
  addEventListener("keyup", (event) => held[event.key.length === 1 ? event.key.toLowerCase() : event.key]?.(false));
  addEventListener("blur", () => { for (const release of Object.values(held)) release(false); });
  const list = document.querySelector("#shortcuts dl");
  for (const [key, meaning] of texts.keys) list?.append(Object.assign(document.createElement("dt"), { textContent: key }), Object.assign(document.createElement("dd"), { textContent: meaning }));
}

/** @param {Event} event */
const typing = (event) => event.target instanceof HTMLInputElement && !["checkbox", "range", "file"].includes(event.target.type);

/** Enter, space and arrows belong to the button or slider that has the focus. @param {Event} event @param {string} key */
const onControl = (event, key) => event.target instanceof HTMLElement && event.target.matches("button, select, input, summary, label") && (key === "Enter" || key === " " || key.startsWith("Arrow"));
