// Tabs with the arrow keys, as the ARIA practices have them.

import { $$ } from "./dom.js";

/** Returns a function that opens a tab by its panel's id. `opened` is told of every change. */
export function tabs(root, opened) {
  const all = $$("[role=tab]", root);

  const open = (panel, focus = false) => {
    for (const tab of all) {
      const chosen = tab.getAttribute("aria-controls") === panel;
      tab.setAttribute("aria-selected", String(chosen));
      tab.tabIndex = chosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")).hidden = !chosen;
      if (chosen && focus) tab.focus();
    }
    opened(panel);
  };

  const steps = { ArrowRight: 1, ArrowLeft: -1 };
  all.forEach((tab, index) => {
    tab.addEventListener("click", () => open(tab.getAttribute("aria-controls")));
    tab.addEventListener("keydown", (event) => {
      if (!(event.key in steps)) return;
      const next = all[(index + steps[event.key] + all.length) % all.length];
      open(next.getAttribute("aria-controls"), true);
      event.preventDefault();
    });
  });
  return open;
}
