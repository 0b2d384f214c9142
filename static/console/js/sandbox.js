// Play the other side of a sandbox session: the phone, its friends, and trouble.

import { $, busy, toast } from "./dom.js";
import { api } from "./api.js";

const LASTING = ["temp_ban", "restricted"];
const TERM_SECONDS = 60;

export function sandboxPanel(root, sessionId, session) {
  const path = `/v1/sandbox/sessions/${sessionId}`;

  const on = (selector, work) => {
    const form = $(selector, root);
    form?.addEventListener("submit", (event) => {
      event.preventDefault();
      busy($("button", form), () => work(new FormData(form)));
    });
  };

  on("[data-scan]", async (form) => {
    await api("POST", `${path}/scan`, { contacts: Number(form.get("contacts")) });
  });

  on("[data-inbound]", async (form) => {
    await api("POST", `${path}/inbound`, {
      from: form.get("from"),
      text: form.get("text"),
      count: Number(form.get("count")),
    });
    if (!session()?.connected) toast("WhatsApp keeps it until the session is connected.", "good");
  });

  on("[data-fault]", async (form) => {
    const [kind, code] = form.get("kind").split(" ");
    const seconds = LASTING.includes(kind) ? TERM_SECONDS : undefined;
    await api("POST", `${path}/fault`, { kind, code, seconds });
    // What happens to the connection shows by itself.
    if (kind.startsWith("send_")) toast("It happens to the next message you send.", "good");
    if (kind === "passkey") toast("It happens at the next scan: unlink, then link again.", "good");
  });
}
