// The page of one session: what it is, what can be done, and its parts kept up to date.

import { $, $$, busy, throttle, toast } from "./dom.js";
import { api } from "./api.js";
import { Chat } from "./chat.js";
import { Contacts } from "./contacts.js";
import { History } from "./history.js";
import { LINKING, PairingPanel } from "./pairing.js";
import { sandboxPanel } from "./sandbox.js";
import { LiveSocket, watch } from "./socket.js";
import { tabs } from "./tabs.js";
import { exact } from "./time.js";

const COMING = ["CREATED", "STARTING", ...LINKING]; // before the first scan
const UP = ["CONNECTED", "RESTRICTED", "DEGRADED"];
const LIVE = ["STARTING", "DISCONNECTED", ...LINKING, ...UP];
const CHALLENGES = ["session.qr.", "session.pairing_code.", "session.passkey."];

class SessionPage {
  #asked = 0;
  #shown = 0;
  #open = "panel-chat";

  constructor(root) {
    this.root = root;
    this.id = root.dataset.session;
    this.path = `/v1/sessions/${this.id}`;
    this.statuses = JSON.parse($("#statuses").textContent);
    this.pairing = new PairingPanel($("[data-pairing]", root), this.id);
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
    else if (CHALLENGES.some((name) => action.startsWith(name))) this.#readCode(action);
    else if (action.startsWith("session.")) this.refresh();
    else if (action.startsWith("message.") || action.startsWith("contact.")) this.chat.event(action, data);
    else if (action.startsWith("contacts.")) this.contacts.event(action, data);
  }

  #readCode(action = "") {
    const status = this.session?.status;
    if (!LINKING.includes(status)) return;
    const typed = action.startsWith("session.pairing_code.");
    this.pairing.refresh(status, typed).catch((error) => toast(error.message));
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
    const linking = LINKING.includes(session.status);
    if (linking || unlinked) this.pairing.show(session.status);
    else this.pairing.hide();
    if (linking && before?.status !== session.status) this.#readCode();
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
    this.#trouble(session);
    put("phone", session.jid ? `+${session.jid.split("@")[0]}` : "");
    put("push-name", session.push_name);
    const told =
      session.reason.toLowerCase() === status.label.toLowerCase() || status.trouble !== "";
    put("reason", session.reason && !told ? `Reason: ${session.reason}` : "");
  }

  #trouble(session) {
    const { trouble } = this.statuses[session.status];
    const banner = $("[data-trouble]", this.root);
    banner.hidden = trouble === "";
    if (trouble === "") return;
    banner.className = `notice trouble notice-${trouble}`;
    $("[data-trouble-text]", banner).textContent = session.reason || session.advice;
    $("[data-trouble-until]", banner).textContent = session.retry_at
      ? `Until ${exact(session.retry_at)}.`
      : "";
  }

  #buttons(session) {
    const live = LIVE.includes(session.status);
    const waits = session.status === "BANNED" && session.desired === "RUNNING"; // starts by itself
    const show = {
      start: !live && !waits && !session.hold && session.status !== "CREATED",
      stop: live || session.desired === "RUNNING",
      reconnect: [...UP, "DISCONNECTED"].includes(session.status),
      logout: UP.includes(session.status) && Boolean(session.jid),
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
        const { action } = button.dataset;
        if (action === "delete") $("[data-confirm]", this.root).showModal();
        else if (action === "logout") $("[data-confirm-logout]", this.root).showModal();
        else busy(button, () => this.#act(action));
      });
    }
    this.#confirmed("[data-confirm]", "delete", async () => {
      await api("DELETE", this.path);
      this.#leave();
    });
    this.#confirmed("[data-confirm-logout]", "logout", () => this.#act("logout"));
  }

  #confirmed(selector, action, work) {
    const dialog = $(selector, this.root);
    dialog.addEventListener("close", () => {
      if (dialog.returnValue !== "yes") return;
      dialog.returnValue = "";
      busy($(`[data-action=${action}]`, this.root), work);
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
