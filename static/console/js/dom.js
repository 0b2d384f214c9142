// Small ways to make and find elements. Text is only ever set as text.

export const $ = (selector, root = document) => root.querySelector(selector);
export const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Make an element: h("button", {type: "button", onclick: f}, "Text", child). */
export function h(tag, props = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** Make an icon of the sprite; `label` is what a screen reader says. */
export function icon(name, label = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon icon-s");
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${document.body.dataset.icons}#${name}`);
  svg.append(use);
  return svg;
}

/** Say something that concerns no field: an outcome, or an error as a sentence. */
export function toast(sentence, tone = "bad") {
  const note = h("p", { class: `notice notice-${tone}` });
  note.append(icon(tone === "bad" ? "alert" : "check"), h("span", {}, sentence));
  $("[data-toasts]").append(note);
  setTimeout(() => note.remove(), tone === "bad" ? 9000 : 4000);
}

/** Run `work` while `button` can't be pressed; an error becomes a toast. */
export async function busy(button, work) {
  button.disabled = true;
  try {
    return await work();
  } catch (error) {
    toast(error.message);
    return undefined;
  } finally {
    button.disabled = false;
  }
}

/** Call `work` once, `ms` after the last of many calls: for typing. */
export function debounce(work, ms) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...args), ms);
  };
}

/** Call `work` at most every `ms`, and once more after the last call: for bursts of events. */
export function throttle(work, ms) {
  let planned = false;
  return () => {
    if (planned) return;
    planned = true;
    setTimeout(() => {
      planned = false;
      work();
    }, ms);
  };
}
