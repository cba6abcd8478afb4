/** A service worker for hosts that send no headers of their own: with these two the browser lets the model use threads. */
addEventListener("install", () => /** @type {any} */ (self).skipWaiting());
addEventListener("activate", (event) => /** @type {any} */ (event).waitUntil(/** @type {any} */ (self).clients.claim()));
addEventListener("fetch", (/** @type {any} */ event) => {
  const { request } = event;
  if (new URL(request.url).origin !== location.origin) return;
  event.respondWith(fetch(request).then((answer) => {
    const headers = new Headers(answer.headers);
    headers.set("Cross-Origin-Opener-Policy", "same-origin");
    headers.set("Cross-Origin-Embedder-Policy", "require-corp");
    return new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers });
  }));
});
