/** @template {HTMLElement} T @param {string} id @returns {T} */
export const by = (id) => /** @type {any} */ (document.getElementById(id));

/** A button with a name for those who do not see it. @param {string} text @param {string} label @param {() => void} act */
export function button(text, label, act) {
  const made = Object.assign(document.createElement("button"), { textContent: text, title: label });
  made.setAttribute("aria-label", label);
  made.addEventListener("click", act);
  return made;
}
