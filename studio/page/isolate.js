/** Cross-origin isolation, without which the browser lets the model have one thread. */

/** Where the host sends no headers for it, a service worker adds them; the page then starts once more. */
export async function isolate() {
  if (crossOriginIsolated || !navigator.serviceWorker || sessionStorage.getItem("isolated")) return;
  sessionStorage.setItem("isolated", "tried");
  const worker = await navigator.serviceWorker.register("isolate_worker.js").catch(() => null);
  if (!worker) return;
  await navigator.serviceWorker.ready;
  location.reload();
  await new Promise(() => {});
}
