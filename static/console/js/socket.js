// The live connection: one WebSocket that reconnects by itself and misses nothing.
//
// The server numbers what it pushes (`seq`). After a break we ask for what came after the last
// number we saw; if that is too much, listeners get "refetch" and read everything again.
// Events: "event" (a pushed frame), "refetch", "state" ("live" | "reconnecting").

import { toLogin } from "./api.js";

const FIRST_WAIT = 500; // milliseconds, doubled after every failure
const LONGEST_WAIT = 15_000;
const PING_EVERY = 20_000;
const PONG_WITHIN = 10_000;
const LOGIN_OVER = 4401; // the server's close code when the login was revoked

export class LiveSocket extends EventTarget {
  #socket = null;
  #seq = null; // the last number we saw
  #failures = 0;
  #heartbeat = 0;
  #pongDue = 0;
  #retry = 0;

  constructor(path = "/ws") {
    super();
    this.url = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}${path}`;
    this.state = "connecting";
  }

  open() {
    clearTimeout(this.#retry);
    const socket = new WebSocket(this.url);
    this.#socket = socket;
    socket.addEventListener("message", (message) => this.#receive(JSON.parse(message.data)));
    socket.addEventListener("close", (event) => this.#closed(socket, event.code));
    // A browser that was asleep or offline does not wait for the next try.
    addEventListener("online", this.#hurry);
    document.addEventListener("visibilitychange", this.#hurry);
  }

  send(action, payload) {
    this.#socket?.send(JSON.stringify({ action, payload }));
  }

  #hurry = () => {
    if (this.state === "reconnecting" && document.visibilityState === "visible") {
      if (this.#socket?.readyState !== WebSocket.CONNECTING) this.open();
    }
  };

  #receive(frame) {
    if (frame.action === "connected") this.#connected(frame.data);
    else if (frame.action === "pong") clearTimeout(this.#pongDue);
    else if (frame.action === "resumed") this.#resumed(frame.data);
    else if (frame.seq !== undefined) this.#pushed(frame);
  }

  #connected(data) {
    this.#failures = 0;
    clearInterval(this.#heartbeat);
    this.#heartbeat = setInterval(() => this.#ping(), PING_EVERY);
    if (this.#seq === null) {
      // What happened between the page's answer and now was never pushed to us.
      this.#seq = data.seq;
      this.#become("live");
      this.dispatchEvent(new Event("refetch"));
    } else {
      this.send("resume", { after: this.#seq });
    }
  }

  #resumed(data) {
    this.#seq = Math.max(this.#seq, data.seq);
    this.#become("live");
    if (!data.complete || data.lost) this.dispatchEvent(new Event("refetch"));
  }

  #pushed(frame) {
    this.#seq = Math.max(this.#seq ?? 0, frame.seq);
    this.dispatchEvent(new CustomEvent("event", { detail: frame }));
  }

  #ping() {
    this.send("ping");
    clearTimeout(this.#pongDue);
    this.#pongDue = setTimeout(() => this.#socket.close(), PONG_WITHIN);
  }

  #closed(socket, code) {
    if (socket !== this.#socket) return; // an older one; its place is taken
    clearInterval(this.#heartbeat);
    clearTimeout(this.#pongDue);
    if (code === LOGIN_OVER) {
      toLogin();
      return;
    }
    this.#become("reconnecting");
    const wait = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.#failures);
    this.#failures += 1;
    // Spread out, or a restarted server meets all its clients at once.
    this.#retry = setTimeout(() => this.open(), wait * (0.5 + Math.random() / 2));
  }

  #become(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: state }));
  }
}

/** Show the socket's state, and call `poll` now and then while it is down. */
export function watch(socket, indicator, poll) {
  const POLL_EVERY = 10_000;
  const words = { live: "Live", reconnecting: "Reconnecting…", connecting: "Connecting…" };
  socket.addEventListener("state", ({ detail }) => {
    indicator.dataset.state = detail;
    indicator.querySelector("span").textContent = words[detail];
  });
  setInterval(() => {
    if (socket.state !== "live" && document.visibilityState === "visible") poll();
  }, POLL_EVERY);
}
