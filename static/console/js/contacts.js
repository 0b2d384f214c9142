// Contacts: search, pages, and a sync whose progress is visible.

import { $, debounce, h, throttle, toast } from "./dom.js";
import { api } from "./api.js";
import { avatar, numberOf } from "./people.js";
import { exact } from "./time.js";

const RUNNING = {
  QUEUED: "Waiting to start",
  FETCHING: "Fetching from WhatsApp",
  WRITING: "Writing",
};

export class Contacts {
  #cursor = null;
  #asked = 0;

  constructor(root, sessionId, write) {
    this.root = root;
    this.path = `/v1/sessions/${sessionId}/contacts`;
    this.write = write;
    this.list = $("[data-contact-list]", root);
    this.search = $("input[type=search]", root);
    this.button = $("[data-sync]", root);
    this.more = $("[data-more-contacts]", root);
    const quiet = (work) => work.catch((error) => toast(error.message));
    this.search.addEventListener("input", debounce(() => quiet(this.#load(null)), 250));
    this.more.addEventListener("click", () => quiet(this.#load(this.#cursor)));
    this.button.addEventListener("click", () => quiet(this.#sync()));
    this.progress = throttle(() => quiet(this.#loadSync()), 250);
    this.changed = throttle(() => quiet(this.#load(null)), 250);
  }

  refresh() {
    return Promise.all([this.#load(null), this.#loadSync()]);
  }

  session(session) {
    this.connected = session.connected;
    this.button.hidden = !session.connected;
  }

  event(action) {
    if (this.root.hidden) return; // read when the tab opens
    this.progress();
    if (action === "contacts.synced") this.changed();
  }

  async #load(cursor) {
    const ask = ++this.#asked;
    const search = this.search.value.trim();
    const query = new URLSearchParams({ sync: "false" });
    if (search) query.set("search", search);
    if (cursor) query.set("cursor", cursor);
    const page = await api("GET", `${this.path}?${query}`);
    if (ask !== this.#asked) return; // overtaken by a newer search
    const rows = page.contacts.map((contact) => this.#row(contact));
    if (cursor) this.list.append(...rows);
    else this.list.replaceChildren(...rows);
    this.#cursor = page.next_cursor;
    this.more.hidden = !page.next_cursor;
    this.#empty(search);
  }

  #empty(search) {
    const empty = $("[data-no-contacts]", this.root);
    empty.hidden = this.list.children.length > 0;
    $("h3", empty).textContent = search ? "Nobody found" : "No contacts yet";
    $("p", empty).textContent = search
      ? "Nobody has this name or number. Try less of it."
      : this.connected
        ? "Sync fetches the address book of the account."
        : "They come with the first connection of this session.";
  }

  #row(contact) {
    const name = contact.name || contact.push_name || "";
    const number = contact.phone ? `+${contact.phone}` : numberOf(contact.jid);
    const circle = h("span", { class: "avatar", "aria-hidden": "true" });
    avatar(circle, name, contact.jid);
    return h(
      "li",
      { class: "contact", "data-jid": contact.jid },
      circle,
      h("div", {}, h("p", {}, h("b", {}, name || number)), h("p", { class: "small muted" }, name ? number : "")),
      h(
        "button",
        {
          type: "button",
          class: "button button-s",
          "aria-label": `Write to ${name || number}`,
          onclick: () => this.write({ jid: contact.jid, name }),
        },
        "Write",
      ),
    );
  }

  async #sync() {
    this.button.disabled = true; // until the sync is over
    try {
      const { sync } = await api("POST", `${this.path}/sync`);
      this.#showSync(sync);
    } catch (error) {
      this.button.disabled = false;
      throw error;
    }
  }

  async #loadSync() {
    const { sync } = await api("GET", `${this.path}/sync`);
    this.#showSync(sync);
  }

  #showSync(sync) {
    const box = $("[data-sync-state]", this.root);
    box.hidden = !sync;
    if (!sync) return;
    const running = RUNNING[sync.state];
    this.button.disabled = Boolean(running);
    const meter = $("progress", box);
    meter.hidden = !running;
    if (sync.state === "WRITING" && sync.fetched) {
      meter.max = sync.fetched;
      meter.value = sync.written + sync.left_out;
    } else {
      meter.removeAttribute("value"); // how many there are is not known yet
    }
    $("span", box).textContent = running
      ? `${running}: ${count(sync.fetched)} fetched, ${count(sync.written)} written`
      : sync.state === "FAILED"
        ? `The last sync failed: ${sync.error}`
        : `${count(sync.written)} contacts synced ${exact(sync.finished_at)}${leftOut(sync)}`;
  }
}

const count = (number) => number.toLocaleString();
const leftOut = (sync) =>
  sync.left_out ? `. ${count(sync.left_out)} left out: the plan keeps no more contacts` : "";
