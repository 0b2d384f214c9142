// The code to scan: shown, counted down, replaced when a new one arrives.

import { $ } from "./dom.js";
import { api } from "./api.js";

export class QrPanel {
  #id;
  #seq = 0;
  #until = 0; // by this page's clock, so that a wrong clock counts right
  #lasts = 1;
  #timer = 0;
  #asked = 0;

  constructor(root, sessionId) {
    this.root = root;
    this.#id = sessionId;
    this.image = $("[data-qr-image]", root);
    this.wait = $("[data-qr-wait]", root);
    this.left = $("[data-qr-left]", root);
    this.meter = $("[data-qr-meter]", root);
  }

  show() {
    if (!this.#timer) this.#timer = setInterval(() => this.#tick(), 250);
  }

  hide() {
    clearInterval(this.#timer);
    this.#timer = 0;
    this.#clear();
  }

  /** Count down for another kind of code. */
  countTo(expiresAt, issuedAt) {
    this.#clear();
    this.#lasts = Math.max(1, (new Date(expiresAt) - new Date(issuedAt)) / 1000);
    this.#until = performance.now() + Math.max(0, new Date(expiresAt) - Date.now());
    this.#tick();
  }

  stopCounting() {
    this.#clear();
  }

  /** Ask for the present code; return whether there is one. */
  async refresh() {
    const ask = ++this.#asked;
    const path = `/v1/sessions/${this.#id}/qr`;
    let challenge = null;
    try {
      challenge = await api("GET", path);
    } catch (error) {
      if (error.code !== "qr_not_ready") throw error;
    }
    if (ask !== this.#asked || !this.#timer) return true; // overtaken
    if (challenge === null) this.#clear();
    else this.#present(challenge, `${path}?format=svg&seq=${challenge.seq}`);
    return challenge !== null;
  }

  #present(challenge, source) {
    this.#until = performance.now() + challenge.valid_for_seconds * 1000;
    if (challenge.seq !== this.#seq) {
      this.#lasts = challenge.valid_for_seconds || 1;
      this.#seq = challenge.seq;
      this.image.src = source;
      this.image.dataset.seq = challenge.seq;
    }
    this.image.hidden = false;
    this.wait.hidden = true;
    this.#tick();
  }

  #clear() {
    this.#asked += 1; // an answer that is on its way comes too late
    this.#seq = 0;
    this.#until = 0;
    this.image.hidden = true;
    this.image.removeAttribute("src");
    this.wait.hidden = false;
    this.left.textContent = "\u00a0";
    this.meter.value = 0;
  }

  #tick() {
    if (!this.#until) return;
    const seconds = Math.max(0, (this.#until - performance.now()) / 1000);
    this.meter.value = seconds / this.#lasts;
    const renews = this.#seq > 0; // a code to type is not replaced by itself
    const left = `${Math.ceil(seconds)} s`;
    if (seconds > 0) {
      this.left.textContent = renews ? `A new code in ${left}` : `It works for ${left}`;
    } else {
      this.left.textContent = renews ? "The next code is coming…" : "It ran out; ask for another.";
    }
  }
}
