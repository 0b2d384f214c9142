// The messages of one chat, oldest on top. Every message is kept once, under its id.

import { $, h, icon } from "./dom.js";
import { dayName, exact, time } from "./time.js";

const TICKS = {
  QUEUED: ["clock", "Queued"],
  SENT: ["check", "Sent"],
  DELIVERED: ["checks", "Delivered"],
  READ: ["checks", "Read"],
  FAILED: ["alert", "Failed"],
  UNKNOWN: ["question", "Outcome unknown"],
};
const NEAR = 80; // pixels from the end that still count as "at the end"

export class Thread {
  #known = new Map(); // id -> {message, element}

  constructor(root) {
    this.box = $("[data-messages]", root);
    this.list = $("[data-thread]", root);
  }

  clear() {
    this.#known.clear();
    this.list.replaceChildren();
  }

  has(id) {
    return this.#known.has(id);
  }

  get empty() {
    return this.#known.size === 0;
  }

  /** Take messages in, new or changed, in any order. Returns how many are new. */
  merge(messages, { scroll = "stay" } = {}) {
    const atEnd = this.#fromEnd() < NEAR;
    const fromEnd = this.#fromEnd();
    const fresh = messages.filter((message) => !this.has(message.id)).length;
    for (const message of messages) this.#known.set(message.id, this.#entry(message));
    if (fresh > 0) this.#arrange();
    if (scroll === "end" || (atEnd && scroll !== "keep")) this.toEnd();
    else if (scroll === "keep") this.box.scrollTop = this.box.scrollHeight - this.box.clientHeight - fromEnd;
    return fresh;
  }

  /** A message got further. Returns false when it is not here. */
  mark(id, status, error = "") {
    const entry = this.#known.get(id);
    if (!entry) return false;
    this.merge([{ ...entry.message, status, error }]);
    return true;
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  #fromEnd() {
    return this.box.scrollHeight - this.box.clientHeight - this.box.scrollTop;
  }

  #entry(message) {
    const old = this.#known.get(message.id);
    if (old && old.message.status === message.status && old.message.text === message.text) return old;
    const element = bubble(message);
    old?.element.replaceWith(element);
    return { message, element };
  }

  // Ids sort by time of creation, so their order is the order of the chat.
  #arrange() {
    const ids = [...this.#known.keys()].sort();
    this.#known = new Map(ids.map((id) => [id, this.#known.get(id)]));
    const rows = [];
    let day = "";
    for (const { message, element } of this.#known.values()) {
      const name = dayName(message.created_at);
      if (name !== day) rows.push(h("li", { class: "day" }, name));
      day = name;
      rows.push(element);
    }
    this.list.replaceChildren(...rows);
  }
}

function bubble(message) {
  const meta = h(
    "span",
    { class: "meta" },
    h("time", { datetime: message.created_at, title: exact(message.created_at) }, time(message.created_at)),
  );
  const said = h("span", { class: "hidden-visually" }, message.direction === "OUTBOUND" ? "You: " : "They: ");
  const item = h(
    "li",
    {
      class: "bubble",
      "data-id": message.id,
      "data-direction": message.direction,
      "data-status": message.status,
    },
    said,
    message.text,
    meta,
  );
  if (message.direction === "OUTBOUND") {
    const [name, label] = TICKS[message.status];
    if (message.error) meta.prepend(`${label}: ${message.error}`);
    meta.append(icon(name, label));
  }
  return item;
}
