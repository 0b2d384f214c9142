// The list of sessions: when something happens to one, the server renders the list again.

import { $, throttle } from "./dom.js";
import { LiveSocket, watch } from "./socket.js";

export function sessionsPage(page) {
  const socket = new LiveSocket();
  const reload = throttle(() => replace(page), 200);
  socket.addEventListener("refetch", reload);
  socket.addEventListener("event", ({ detail }) => {
    if (detail.action.startsWith("session.")) reload();
  });
  watch(socket, $("[data-live]"), reload);
  socket.open();
}

async function replace(page) {
  const response = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (!response?.ok) return; // the next event or poll tries again
  if (response.redirected) {
    location.assign(response.url);
    return;
  }
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const focused = document.activeElement?.getAttribute("href");
  page.replaceChildren(...$("#sessions", fresh).childNodes);
  if (focused && document.activeElement === document.body) {
    $(`[href="${CSS.escape(focused)}"]`, page)?.focus();
  }
}
