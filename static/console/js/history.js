// The steps of a session's life, newest first.

import { $, h } from "./dom.js";
import { api } from "./api.js";
import { exact } from "./time.js";

export class History {
  #cursor = null;

  constructor(root, sessionId, statuses) {
    this.path = `/v1/sessions/${sessionId}/transitions`;
    this.statuses = statuses;
    this.list = $("[data-transitions]", root);
    this.more = $("[data-more-transitions]", root);
    this.more.addEventListener("click", () => this.#load(this.#cursor));
  }

  refresh() {
    return this.#load(null);
  }

  async #load(cursor) {
    const query = cursor ? `?cursor=${encodeURIComponent(cursor)}` : "";
    const page = await api("GET", this.path + query);
    const rows = page.transitions.map((step) => this.#row(step));
    if (cursor) this.list.append(...rows);
    else this.list.replaceChildren(...rows);
    this.#cursor = page.next_cursor;
    this.more.hidden = !page.next_cursor;
  }

  #row(step) {
    const status = this.statuses[step.new];
    return h(
      "li",
      { "data-tone": status.tone },
      h("b", {}, status.label),
      h("time", { datetime: step.at }, exact(step.at)),
      step.reason ? h("span", { class: "small muted" }, step.reason) : null,
    );
  }
}
