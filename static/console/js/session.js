// The page of one session: what it is, what can be done, and its parts kept up to date.

import { $, $$, busy, throttle, toast } from "./dom.js";
import { api } from "./api.js";
import { Chat } from "./chat.js";
import { Contacts } from "./contacts.js";
import { History } from "./history.js";
import { QrPanel } from "./qr.js";
import { sandboxPanel } from "./sandbox.js";
import { LiveSocket, watch } from "./socket.js";
import { tabs } from "./tabs.js";
import { exact } from "./time.js";

const COMING = ["CREATED", "STARTING", "PAIRING"]; // before the first scan
const LIVE = ["STARTING", "PAIRING", "CONNECTED", "DISCONNECTED"];

class SessionPage {
  #asked = 0;
  #shown = 0;
  #open = "panel-chat";

  constructor(root) {
    this.root = root;
    this.id = root.dataset.session;
    this.path = `/v1/sessions/${this.id}`;
    this.statuses = JSON.parse($("#statuses").textContent);
    this.qr = new QrPanel($("[data-pairing]", root), this.id);
    this.history = new History(root, this.id, this.statuses);
    this.chat = new Chat($("[data-chat]", root), this.id, root.dataset.chats);
    const write = (contact) => {
      openTab("panel-chat");
      this.chat.open(contact);
    };
    this.contacts = new Contacts($("[data-contacts]", root), this.id, write);
    const openTab = tabs($("[data-tabs]", root), (panel) => {
      this.#open = panel;
      this.#loadTab();
    });
    this.refresh = throttle(() => this.#refresh(), 50);
    this.#actions();
    sandboxPanel(root, this.id, () => this.session);
  }

  /** Read everything that is on the screen again. */
  reload() {
    this.refresh();
    this.chat.reload();
    if (this.#open !== "panel-chat") this.#loadTab();
  }

  event({ action, data }) {
    if (data.session_id !== this.id) return;
    if (action === "session.deleted") this.#leave();
    else if (action === "session.qr.updated" && this.session?.status === "PAIRING") this.#readCode();
    else if (action.startsWith("session.")) this.refresh();
    else if (action.startsWith("message.")) this.chat.event(action, data);
    else if (action.startsWith("contacts.")) this.contacts.event(action, data);
  }

  #readCode() {
    this.qr.refresh().catch((error) => toast(error.message));
  }

  #loadTab() {
    const part = { "panel-history": this.history, "panel-contacts": this.contacts }[this.#open];
    part?.refresh().catch((error) => toast(error.message));
  }

  async #refresh() {
    const ask = ++this.#asked;
    try {
      const { session } = await api("GET", this.path);
      this.#show(session, ask);
    } catch (error) {
      if (error.status === 404) this.#leave();
      // Anything else: the socket's state says it, and the next event or poll tries again.
    }
  }

  #show(session, ask) {
    if (ask < this.#shown) return; // an older answer that came late
    this.#shown = ask;
    const before = this.session;
    this.session = session;
    this.#head(session);
    this.#buttons(session);
    const unlinked = !session.jid && COMING.includes(session.status);
    const pairing = session.status === "PAIRING";
    if (pairing || unlinked) this.qr.show();
    else this.qr.hide();
    if (pairing && before?.status !== "PAIRING") this.#readCode();
    const workspace = $("[data-workspace]", this.root);
    if (workspace.hidden && !unlinked) this.chat.reload();
    workspace.hidden = unlinked;
    this.chat.session(session);
    this.contacts.session(session);
    if (before && before.status !== session.status) this.#loadTab();
  }

  #head(session) {
    const status = this.statuses[session.status];
    const put = (name, text) => ($(`[data-${name}]`, this.root).textContent = text);
    const pill = $("[data-pill]", this.root);
    pill.dataset.tone = status.tone;
    pill.textContent = status.label;
    this.root.dataset.status = session.status;
    put("name", session.session_name);
    document.title = `${session.session_name} · Orsta`;
    const advice = $("[data-advice]", this.root);
    if (advice.textContent !== session.advice) {
      put("spoken", `${status.label}.`); // a screen reader says the changed region
      put("advice", session.advice);
    }
    for (const notice of $$("[data-hold]", this.root)) {
      notice.hidden = notice.dataset.hold !== session.hold;
    }
    put("phone", session.jid ? `+${session.jid.split("@")[0]}` : "");
    put("push-name", session.push_name);
    put("retry", session.retry_at ? `Until ${exact(session.retry_at)}` : "");
    const told = session.reason.toLowerCase() === status.label.toLowerCase();
    put("reason", session.reason && !told ? `Reason: ${session.reason}` : "");
  }

  #buttons(session) {
    const live = LIVE.includes(session.status);
    const waits = session.status === "BANNED" && session.desired === "RUNNING"; // starts by itself
    const show = {
      start: !live && !waits && !session.hold && session.status !== "CREATED",
      stop: live || session.desired === "RUNNING",
      reconnect: ["CONNECTED", "DISCONNECTED"].includes(session.status),
    };
    for (const [action, wanted] of Object.entries(show)) {
      const button = $(`[data-action=${action}]`, this.root);
      // A pressed button that goes away hands the focus on instead of losing it.
      if (!wanted && button === document.activeElement) this.root.closest("main").focus();
      button.hidden = !wanted;
    }
  }

  #actions() {
    for (const button of $$("[data-action]", this.root)) {
      button.addEventListener("click", () => {
        if (button.dataset.action === "delete") $("[data-confirm]", this.root).showModal();
        else busy(button, () => this.#act(button.dataset.action));
      });
    }
    const dialog = $("[data-confirm]", this.root);
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      dialog.returnValue = "";
      busy($("[data-action=delete]", this.root), async () => {
        await api("DELETE", this.path);
        this.#leave();
      });
    });
  }

  async #act(action) {
    const ask = ++this.#asked;
    const { session } = await api("POST", `${this.path}/${action}`);
    this.#show(session, ask);
  }

  #leave() {
    location.assign(this.root.dataset.home);
  }
}

export function sessionPage(root) {
  const page = new SessionPage(root);
  const socket = new LiveSocket();
  socket.addEventListener("refetch", () => page.reload());
  socket.addEventListener("event", ({ detail }) => page.event(detail));
  watch(socket, $("[data-live]"), () => page.reload());
  page.reload(); // the socket may be refused; the page works all the same
  socket.open();
}
