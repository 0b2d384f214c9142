// The workspace's pages: archives that are being written.

import { api } from "./api.js";
import { $$ } from "./dom.js";

const ASK_EVERY = 1500; // milliseconds

/** Follow the archives that are being written; reload when one is done. */
export function exportProgress() {
  const bars = $$("[data-export]");
  if (bars.length === 0) return;
  const timer = setInterval(async () => {
    for (const bar of bars) {
      const { export: found } = await api("GET", `/v1/tenant/exports/${bar.dataset.export}`);
      bar.max = found.rows_total || 1;
      bar.value = found.rows_written;
      if (found.status === "QUEUED" || found.status === "RUNNING") continue;
      clearInterval(timer);
      location.reload();
    }
  }, ASK_EVERY);
}
