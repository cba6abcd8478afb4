/** A reference photograph beside the picture, from the user's own files: looked at, and colors taken from it. */

import { by } from "./dom.js";

const SIDE = 1600;

/** @param {(rgb: [number, number, number]) => void} picked @param {(error: unknown) => void} problem */
export function setUpReference(picked, problem) {
  const canvas = /** @type {HTMLCanvasElement} */ (by("referencePicture"));
  const file = /** @type {HTMLInputElement} */ (by("referenceFile"));
  by("openReference").addEventListener("click", () => file.click());
  by("closeReference").addEventListener("click", () => { by("reference").hidden = true; });
  file.addEventListener("change", async () => {
    const [chosen] = file.files ?? [];
    file.value = "";
    if (!chosen) return;
    try {
      const image = await createImageBitmap(chosen);
      const scale = Math.min(1, SIDE / Math.max(image.width, image.height));
      [canvas.width, canvas.height] = [Math.round(image.width * scale), Math.round(image.height * scale)];
      canvas.getContext("2d", { willReadFrequently: true })?.drawImage(image, 0, 0, canvas.width, canvas.height);
      by("reference").hidden = false;
    } catch (error) {
      problem(error);
    }
  });
  canvas.addEventListener("click", (event) => {
    // The picture lies in the middle of its box, as large as it fits.
    const box = canvas.getBoundingClientRect();
    const scale = Math.min(box.width / canvas.width, box.height / canvas.height);
    const x = (event.clientX - box.left - (box.width - canvas.width * scale) / 2) / scale;
    const y = (event.clientY - box.top - (box.height - canvas.height * scale) / 2) / scale;
    if (x < 0 || y < 0 || x >= canvas.width || y >= canvas.height) return;
    const [r, g, b] = canvas.getContext("2d", { willReadFrequently: true })?.getImageData(Math.floor(x), Math.floor(y), 1, 1).data ?? [];
    picked([r, g, b]);
  });
}
