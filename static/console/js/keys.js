// The form of an API key: sessions are picked by name instead of typed as ids.

import { api } from "./api.js";
import { $, h } from "./dom.js";

const MAX_PICKS = 100;

export async function keysPage(page) {
  const field = $("[data-session-ids]", page);
  if (!field) return;
  let sessions;
  try {
    ({ sessions } = await api("GET", `/v1/sessions?limit=${MAX_PICKS}`));
  } catch {
    return; // the ids can still be typed
  }
  if (sessions.length) offer(field, sessions);
}

// Ids of sessions that are not among those offered stay where they are.
function offer(field, sessions) {
  const chosen = new Set(field.value.split(/\s+/).filter(Boolean));
  const change = (event) => {
    const { value, checked } = event.target;
    if (checked) chosen.add(value);
    else chosen.delete(value);
    field.value = [...chosen].join("\n");
  };
  const picks = sessions.map((session) => {
    const box = h("input", { type: "checkbox", value: session.session_id, onchange: change });
    box.checked = chosen.has(session.session_id);
    return h("label", { class: "check" }, box, h("span", {}, session.session_name));
  });
  field.before(h("div", { class: "picks" }, ...picks));
  field.hidden = true;
  const hint = $(`#${field.id}_helptext`);
  if (hint) hint.textContent = "None ticked: every session, also later ones.";
}
