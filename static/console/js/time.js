// Dates the way the reader's browser writes them.

const clock = new Intl.DateTimeFormat(undefined, { hour: "numeric", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
const both = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

const sameDay = (a, b) => a.toDateString() === b.toDateString();

/** "14:05" today, "3 May" before. */
export function brief(text) {
  const at = new Date(text);
  return sameDay(at, new Date()) ? clock.format(at) : day.format(at);
}

/** "14:05" */
export const time = (text) => clock.format(new Date(text));

/** "3 May 2030, 14:05:09" */
export const exact = (text) => both.format(new Date(text));

/** "Today", "Yesterday" or "3 May 2030". */
export function dayName(text) {
  const at = new Date(text);
  const yesterday = new Date();
  yesterday.setDate(yesterday.getDate() - 1);
  if (sameDay(at, new Date())) return "Today";
  return sameDay(at, yesterday) ? "Yesterday" : full.format(at);
}

/** Put the times that the server wrote in UTC into the reader's zone. */
export function localize(root = document) {
  for (const element of root.querySelectorAll("time[data-time]")) {
    element.textContent = exact(element.dateTime);
  }
  for (const element of root.querySelectorAll("time[data-date]")) {
    element.textContent = full.format(new Date(element.dateTime));
  }
}
