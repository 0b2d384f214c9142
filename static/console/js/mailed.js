// The pages that mails lead to.

import { $, $$ } from "./dom.js";

/** Take the link's token out of the address into the form; send it where nothing is asked. */
export function mailedLink() {
  const field = $("[data-fragment]");
  const token = location.hash.slice(1);
  if (!field || !token) return;
  history.replaceState(null, "", location.pathname); // not in the history either
  field.value = token;
  if (field.dataset.fragment === "send") {
    field.form.submit();
    return;
  }
  for (const part of $$("[data-typed]")) (part.closest(".field") ?? part).hidden = true;
  for (const part of $$("[data-linked]")) part.hidden = false;
}
