// The entry of every console page: what all pages have, then the page's own part.

import { $, $$ } from "./dom.js";
import { keysPage } from "./keys.js";
import { mailedLink } from "./mailed.js";
import { passkeys } from "./passkeys.js";
import { sessionPage } from "./session.js";
import { sessionsPage } from "./sessions.js";
import { localize } from "./time.js";
import { exportProgress } from "./workspace.js";

const PAGES = { keys: keysPage, session: sessionPage, sessions: sessionsPage };

function copyButtons() {
  for (const button of $$("[data-copy]")) {
    const label = $("span", button);
    button.addEventListener("click", async () => {
      const source = $(`#${button.dataset.copy}`);
      try {
        await navigator.clipboard.writeText(source.textContent);
        label.textContent = "Copied";
      } catch {
        // Plain HTTP has no clipboard: select it, and the keyboard does the rest.
        getSelection().selectAllChildren(source);
        label.textContent = "Press Ctrl+C";
      }
      setTimeout(() => (label.textContent = "Copy"), 3000);
    });
  }
}

// A form that must not be sent twice; the server would notice too, by its idempotency key.
function onceForms() {
  for (const form of $$("form[data-once]")) {
    form.addEventListener("submit", () => {
      setTimeout(() => ($("button", form).disabled = true));
    });
  }
}

localize();
copyButtons();
onceForms();
passkeys();
mailedLink();
exportProgress();
const page = $("[data-page]");
if (page) PAGES[page.dataset.page](page);
