// Chats: the list, the open thread, and the box to write in.

import { $, h, throttle, toast } from "./dom.js";
import { api, newKey } from "./api.js";
import { avatar, numberOf } from "./people.js";
import { Thread } from "./thread.js";
import { brief } from "./time.js";

const PAGE = 50; // messages
const CHATS = 50; // chats, and as many more with every "older"
const TAKES_MESSAGES = ["STARTING", "CONNECTED", "RESTRICTED", "DEGRADED", "DISCONNECTED"];
// What happens to a thread besides new messages and their way.
const CHANGES = [
  "message.reaction",
  "message.edited",
  "message.revoked",
  "message.undecryptable",
  "message.sent_elsewhere",
];

// What can fail without a bubble of its own to show it.
const FAILED_CHANGES = { reaction: "Your reaction", edit: "Your edit", revoke: "Deleting a message" };

export class Chat {
  #chats = null; // until they are read
  #limit = CHATS;
  #more = false; // whether a larger limit shows other chats
  #chat = null; // the open one: {jid, name}
  #older = null; // cursor of the messages before the first one shown
  #unread = new Map();
  #attempt = null; // what was sent last without an answer: {body, key}

  constructor(root, sessionId, chatsPath) {
    this.root = root;
    this.path = `/v1/sessions/${sessionId}/messages`;
    this.chatsPath = chatsPath;
    this.thread = new Thread(root);
    this.list = $("[data-chats]", root);
    this.composer = $("[data-composer]", root);
    this.input = $("textarea", this.composer);
    this.reloadChats = throttle(() => this.#quiet(this.#loadChats()), 300);
    this.reloadThread = throttle(() => this.#quiet(this.#loadNewest()), 150);
    this.#listen();
    const kept = decodeURIComponent(location.hash.slice(1));
    if (kept.includes("@")) this.open({ jid: kept, name: "" }, { focus: false });
  }

  reload() {
    this.reloadChats();
    if (this.#chat) this.reloadThread();
  }

  /** Show whether messages can be written now. */
  session(session) {
    const takes = Boolean(session.jid) && TAKES_MESSAGES.includes(session.status);
    this.input.disabled = !takes;
    $("button", this.composer).disabled = !takes;
    if (!takes) this.#say(session.advice);
    else if (!session.connected) this.#say("Not connected right now. Messages wait and go out by themselves.");
    else this.#say("");
  }

  event(action, data) {
    const mine = data.chat === undefined || data.chat === this.#chat?.jid;
    if (action === "message.change_failed") {
      this.#tellFailed(data);
    } else if (action === "contact.security_code_changed") {
      if (data.jid === this.#chat?.jid) this.thread.note("This contact's security code changed.");
    } else if (CHANGES.includes(action)) {
      if (mine && this.#chat) this.reloadThread();
      this.reloadChats();
    } else if (action === "message.received" || action === "message.queued") {
      if (action === "message.received") this.#arrived(data);
      if (mine && this.#chat && !this.thread.has(data.message_id)) this.reloadThread();
      this.reloadChats();
    } else {
      const status = action.split(".")[1].toUpperCase();
      this.thread.mark(data.message_id, status, data.error);
    }
  }

  /** Open a chat: {jid, name}. On a touch screen the focus would bring up the keyboard. */
  async open(chat, { focus = matchMedia("(pointer: fine)").matches } = {}) {
    this.#chat = chat;
    this.#unread.delete(chat.jid);
    this.thread.clear();
    this.#older = null;
    this.root.dataset.open = "thread";
    history.replaceState(null, "", `#${encodeURIComponent(chat.jid)}`);
    this.#head();
    this.#renderChats();
    for (const part of ["thread-head", "messages", "composer"]) $(`[data-${part}]`, this.root).hidden = false;
    $("[data-no-thread]", this.root).hidden = true;
    if (focus && !this.input.disabled) this.input.focus();
    await this.#quiet(this.#loadNewest());
  }

  #head() {
    const known = this.#chats?.find((chat) => chat.jid === this.#chat.jid);
    const name = known?.name || this.#chat.name || numberOf(this.#chat.jid);
    $("[data-thread-name]", this.root).textContent = name;
    const number = numberOf(this.#chat.jid);
    $("[data-thread-jid]", this.root).textContent = number === name ? "" : number;
    avatar($("[data-thread-avatar]", this.root), known?.name || this.#chat.name || "", this.#chat.jid);
  }

  async #loadChats() {
    const limit = this.#limit;
    const answer = await api("GET", `${this.chatsPath}?limit=${limit}`);
    if (limit < this.#limit) return; // more were asked for meanwhile
    this.#chats = answer.chats;
    this.#more = answer.more;
    this.#renderChats();
    if (this.#chat) this.#head();
  }

  #renderChats() {
    if (!this.#chats) return;
    const focused = document.activeElement?.dataset?.jid;
    this.list.replaceChildren(...this.#chats.map((chat) => this.#chatItem(chat)));
    if (focused) this.list.querySelector(`[data-jid="${CSS.escape(focused)}"]`)?.focus();
    $("[data-no-chats]", this.root).hidden = this.#chats.length > 0;
    $("[data-more-chats]", this.root).hidden = !this.#more;
  }

  #chatItem(chat) {
    const circle = h("span", { class: "avatar", "aria-hidden": "true" });
    avatar(circle, chat.name, chat.jid);
    const unread = this.#unread.get(chat.jid);
    const mine = chat.last.direction === "OUTBOUND" ? "You: " : "";
    return h(
      "li",
      {},
      h(
        "button",
        {
          type: "button",
          class: "chat-item",
          "data-jid": chat.jid,
          "aria-current": chat.jid === this.#chat?.jid ? "true" : null,
          onclick: () => this.open(chat),
        },
        circle,
        h(
          "span",
          {},
          h("b", {}, chat.name || numberOf(chat.jid)),
          h("span", { class: "preview" }, mine + chat.last.text),
        ),
        h(
          "span",
          { class: "side" },
          h("time", { datetime: chat.last.created_at }, brief(chat.last.created_at)),
          unread
            ? h("span", { class: "badge" }, String(unread), h("span", { class: "hidden-visually" }, " new"))
            : null,
        ),
      ),
    );
  }

  async #loadNewest() {
    const chat = this.#chat;
    const page = await this.#page(chat.jid, null);
    if (chat !== this.#chat) return;
    if (this.thread.newest(page.messages)) this.#setOlder(page.next_cursor);
  }

  async #loadOlder() {
    if (!this.#older) return;
    const chat = this.#chat;
    const cursor = this.#older;
    this.#older = null; // one page at a time
    const page = await this.#page(chat.jid, cursor);
    if (chat !== this.#chat) return;
    this.thread.older(page.messages);
    this.#setOlder(page.next_cursor);
  }

  #page(jid, cursor) {
    const query = new URLSearchParams({ chat: jid, limit: PAGE });
    if (cursor) query.set("cursor", cursor);
    return api("GET", `${this.path}?${query}`);
  }

  #setOlder(cursor) {
    this.#older = cursor;
    $("[data-older]", this.root).hidden = !cursor;
  }

  #arrived(data) {
    const open = data.chat === this.#chat?.jid;
    if (open) $("[data-heard]", this.root).textContent = `New message: ${data.text}`;
    else this.#unread.set(data.chat, (this.#unread.get(data.chat) ?? 0) + 1);
  }

  async #send() {
    const body = { to: this.#chat.jid, text: this.input.value };
    if (!body.text.trim() || this.composer.dataset.busy) return;
    // Sent again after a lost answer, the same text under the same key is one message.
    const same = this.#attempt?.body.to === body.to && this.#attempt.body.text === body.text;
    if (!same) this.#attempt = { body, key: newKey() };
    this.composer.dataset.busy = "yes";
    try {
      const { message } = await api("POST", this.path, body, { key: this.#attempt.key });
      this.#attempt = null;
      if (this.input.value === body.text) this.input.value = "";
      if (message.chat !== this.#chat.jid) await this.open({ jid: message.chat, name: this.#chat.name });
      this.thread.sent(message);
      this.#say("");
      this.reloadChats();
    } catch (error) {
      this.#say(error.message, "bad");
    } finally {
      delete this.composer.dataset.busy;
    }
  }

  #tellFailed({ kind, error, outcome }) {
    const how = outcome === "unknown" ? "may not have gone through" : "failed";
    toast(`${FAILED_CHANGES[kind] ?? "A change"} ${how}: ${error}`);
  }

  #say(sentence, tone = "") {
    const note = $("[data-note]", this.composer);
    note.textContent = sentence;
    note.dataset.tone = tone;
    note.hidden = !sentence;
  }

  #quiet(work) {
    return work.catch((error) => toast(error.message));
  }

  #listen() {
    this.composer.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#send();
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#send();
    });
    $("[data-new-chat]", this.root).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#quiet(this.#newChat(event.target));
    });
    $("[data-back]", this.root).addEventListener("click", () => {
      this.root.dataset.open = "list";
      this.list.querySelector("[aria-current]")?.focus();
    });
    $("[data-more-chats]", this.root).addEventListener("click", () => {
      this.#limit += CHATS;
      this.#quiet(this.#loadChats());
    });
    const older = $("[data-older]", this.root);
    older.addEventListener("click", () => this.#quiet(this.#loadOlder()));
    // Reaching the top loads more; the button is for the keyboard and for slow lines.
    new IntersectionObserver(
      ([entry]) => entry.isIntersecting && this.#quiet(this.#loadOlder()),
      { root: this.thread.box },
    ).observe(older);
  }

  async #newChat(form) {
    const to = form.elements.to.value.trim();
    const { chat } = await this.#page(to, null); // the API reads the number
    form.reset();
    await this.open({ jid: chat, name: "" });
  }
}
