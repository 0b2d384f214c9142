// How people are shown: their name, their number, the circle with their initials.

/** The number in a JID, as people write it; the JID itself when it has none. */
export function numberOf(jid) {
  const [user, server] = jid.split("@");
  return server === "s.whatsapp.net" ? `+${user}` : jid;
}

/** Fill a circle: initials, and a color that stays with the person. */
export function avatar(element, name, jid) {
  const words = name.match(/\p{L}+/gu) ?? [];
  element.textContent =
    words.length > 0
      ? (words[0][0] + (words.length > 1 ? words.at(-1)[0] : "")).toUpperCase()
      : jid.split("@")[0].slice(-2);
  let sum = 0;
  for (const letter of jid) sum = (sum * 31 + letter.charCodeAt(0)) % 997;
  element.dataset.hue = 1 + (sum % 4);
}
