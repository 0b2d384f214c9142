// Linking a device: a code to scan, a code to type, or a passkey, whichever WhatsApp waits for.

import { $, $$, busy, toast } from "./dom.js";
import { api } from "./api.js";
import { QrPanel } from "./qr.js";

export const LINKING = ["PAIRING", "PASSKEY_REQUIRED", "PASSKEY_CONFIRMATION"];
// What the API says while there is none of the kind.
const NONE = ["qr_not_ready", "pairing_code_not_ready", "passkey_not_requested"];

export class PairingPanel {
  #path;
  #asked = 0;

  constructor(root, sessionId) {
    this.root = root;
    this.#path = `/v1/sessions/${sessionId}`;
    this.qr = new QrPanel(root, sessionId);
    this.code = $("[data-code]", root);
    this.confirmation = $("[data-confirmation]", root);
    this.#forms();
  }

  show(status) {
    this.root.hidden = false;
    if (!LINKING.includes(status)) this.#become("qr"); // a code is going to come
    this.qr.show();
  }

  hide() {
    this.root.hidden = true;
    this.#asked += 1;
    this.code.value = "";
    this.confirmation.value = "";
    this.qr.hide();
  }

  /** Read again what has to be done in this status; `typed` looks for a code to type first. */
  async refresh(status, typed = false) {
    const ask = ++this.#asked;
    if (status === "PAIRING") {
      const scanned = !typed && (await this.qr.refresh());
      const code = scanned ? null : await this.#read("pairing-code");
      if (ask !== this.#asked) return; // overtaken
      if (code) this.#typed(code);
      else this.#become("qr");
    } else if (status.startsWith("PASSKEY_")) {
      const wanted = await this.#read("passkey");
      if (ask === this.#asked && wanted) this.#passkey(wanted);
    }
  }

  #typed(challenge) {
    this.#become("code");
    this.code.value = challenge.code;
    this.qr.countTo(challenge.expires_at, challenge.issued_at);
  }

  #passkey(challenge) {
    this.#become(challenge.kind === "PASSKEY" ? "passkey" : "confirm");
    this.confirmation.value = challenge.code;
    const options = challenge.options ? JSON.stringify(challenge.options, null, 2) : "";
    $("[data-passkey-options]", this.root).value = options;
    this.qr.stopCounting();
  }

  async #read(name) {
    try {
      return await api("GET", `${this.#path}/${name}`);
    } catch (error) {
      if (!NONE.includes(error.code)) throw error;
      return null;
    }
  }

  #become(mode) {
    this.root.dataset.mode = mode;
    for (const part of $$("[data-for]", this.root)) {
      part.hidden = !part.dataset.for.split(" ").includes(mode);
    }
    $("[data-countdown]", this.root).hidden = !["qr", "code"].includes(mode);
  }

  #forms() {
    const press = (selector, work) => {
      const button = $(selector, this.root);
      button?.addEventListener("click", () => busy(button, work));
    };
    const submit = (selector, work) => {
      const form = $(selector, this.root);
      form?.addEventListener("submit", (event) => {
        event.preventDefault();
        busy($("button", form), () => work(new FormData(form)));
      });
    };
    press("[data-new-code]", () => api("POST", `${this.#path}/reconnect`));
    press("[data-back-to-qr]", () => api("POST", `${this.#path}/qr`, { timeout: 1 }));
    submit("[data-by-phone]", async (form) => {
      const answer = await api("POST", `${this.#path}/pairing-code`, { phone: form.get("phone") });
      if (answer.code) this.#typed(answer);
      else if (answer.command.error) toast(answer.command.error);
    });
    submit("[data-passkey-answer]", (form) => this.#answer(form.get("response")));
    submit("[data-passkey-confirm]", () =>
      api("POST", `${this.#path}/passkey/confirm`, { code: this.confirmation.value }),
    );
  }

  async #answer(text) {
    let response;
    try {
      response = JSON.parse(text);
    } catch {
      throw new Error("This is not JSON. Paste the whole answer, from { to }.");
    }
    await api("POST", `${this.#path}/passkey`, { response });
  }
}
