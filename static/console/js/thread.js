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
const FIELDS = ["status", "text", "undecryptable", "edited_at", "revoked_at", "reactions"];
const NEAR = 80; // pixels from the end that still count as "at the end"

export class Thread {
  #known = new Map(); // id -> {message, element}
  #notes = []; // {after: id of a message, element}
  #order = []; // ids, oldest first; the server says it: ids of one moment do not sort

  constructor(root) {
    this.box = $("[data-messages]", root);
    this.list = $("[data-thread]", root);
  }

  clear() {
    this.#known.clear();
    this.#order = [];
    this.#notes = [];
    this.list.replaceChildren();
  }

  has(id) {
    return this.#known.has(id);
  }

  /** Take the newest page, newest first. If it does not reach what is here, it takes its place. */
  newest(messages) {
    const atEnd = this.#fromEnd() < NEAR;
    const ids = messages.map((message) => message.id).reverse();
    const from = this.#order.findIndex((id) => ids.includes(id));
    const replaced = from < 0;
    if (replaced) this.clear();
    this.#keep(messages);
    // What was sent while the page was on its way is not on it: it stays last.
    const later = this.#order.slice(Math.max(from, 0)).filter((id) => !ids.includes(id));
    this.#order = [...this.#order.slice(0, Math.max(from, 0)), ...ids, ...later];
    this.#arrange();
    if (atEnd || replaced) this.toEnd();
    return replaced;
  }

  /** Take a page of what came before; what is read now stays where it is. */
  older(messages) {
    const fromEnd = this.#fromEnd();
    const fresh = messages.filter((message) => !this.has(message.id)).reverse();
    this.#keep(fresh);
    this.#order = [...fresh.map((message) => message.id), ...this.#order];
    this.#arrange();
    this.box.scrollTop = this.box.scrollHeight - this.box.clientHeight - fromEnd;
  }

  /** Take a message that was just sent. */
  sent(message) {
    if (!this.has(message.id)) this.#order.push(message.id);
    this.#keep([message]);
    this.#arrange();
    this.toEnd();
  }

  /** A message got further; a step that is none of a message's own leaves it alone. */
  mark(id, status, error = "") {
    const entry = this.#known.get(id);
    if (entry && status in TICKS) this.#keep([{ ...entry.message, status, error }]);
  }

  /** Say something between the messages, after what is the last one now. */
  note(sentence) {
    const atEnd = this.#fromEnd() < NEAR;
    this.#notes.push({ after: this.#order.at(-1), element: h("li", { class: "day", role: "status" }, sentence) });
    this.#arrange();
    if (atEnd) this.toEnd();
  }

  toEnd() {
    this.box.scrollTop = this.box.scrollHeight;
  }

  #fromEnd() {
    return this.box.scrollHeight - this.box.clientHeight - this.box.scrollTop;
  }

  #keep(messages) {
    for (const message of messages) {
      const old = this.#known.get(message.id);
      if (old && FIELDS.every((name) => same(old.message[name], message[name]))) continue;
      const element = bubble(message, this.#quoted(message, messages));
      old?.element.replaceWith(element);
      this.#known.set(message.id, { message, element });
    }
  }

  /** The text that a message answers, if it is here. */
  #quoted(message, others) {
    if (!message.quoted_wa_id) return "";
    const here = [...this.#known.values()].map((entry) => entry.message);
    return [...here, ...others].find((other) => other.wa_id === message.quoted_wa_id)?.text ?? "";
  }

  #arrange() {
    const rows = this.#notesAfter(undefined);
    let day = "";
    for (const id of this.#order) {
      const { message, element } = this.#known.get(id);
      const name = dayName(message.created_at);
      if (name !== day) rows.push(h("li", { class: "day" }, name));
      day = name;
      rows.push(element, ...this.#notesAfter(id));
    }
    this.list.replaceChildren(...rows);
  }

  #notesAfter(id) {
    return this.#notes.filter((note) => note.after === id).map((note) => note.element);
  }
}

function same(one, other) {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** What stands in a bubble: words, or a word for what they are not. */
function content(message) {
  if (message.revoked_at) return h("em", {}, "This message was deleted.");
  if (message.undecryptable) return h("em", {}, "Waiting for this message. It may take a while.");
  if (message.type === "text") return message.text;
  const name = message.media?.file_name || message.type;
  return h("span", {}, h("em", {}, `[${name}] `), message.text);
}

function reactions(message) {
  const found = message.reactions ?? [];
  if (!found.length) return null;
  const label = `${found.length} reactions`;
  return h("span", { class: "reactions", title: label, "aria-label": label }, found.map((one) => one.emoji).join(" "));
}

function bubble(message, quoted) {
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
    ...(message.quoted_wa_id ? [h("span", { class: "quote" }, quoted || "Answer to an earlier message")] : []),
    content(message),
    ...[reactions(message)].filter(Boolean),
    meta,
  );
  if (message.edited_at) meta.prepend("Edited ");
  if (message.direction === "OUTBOUND") {
    const [name, label] = TICKS[message.status];
    if (message.error) meta.prepend(`${label}: ${message.error}`);
    meta.append(icon(name, label));
  }
  return item;
}
