// Passkeys: ask the browser for one, in the words of WebAuthn, and hand the answer to the API.

import { $, busy } from "./dom.js";
import { api } from "./api.js";

/** Make the page's passkey buttons work; where there can be no passkeys, they stay hidden. */
export function passkeys() {
  if (!window.PublicKeyCredential) return;
  const login = $("[data-passkey-login]");
  if (login?.dataset.origin === location.origin) {
    login.hidden = false;
    const button = $("button", login);
    button.addEventListener("click", () => busy(button, () => logIn(login.dataset.next)));
  }
  const form = $("form[data-passkey-add]");
  if (form?.dataset.origin === location.origin) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      busy($("button", form), () => register(form));
    });
  } else if (form) {
    $("[data-passkey-elsewhere]").hidden = false;
  }
}

async function logIn(next) {
  const options = await api("POST", "/auth/passkeys/login/options", undefined, { guest: true });
  const made = await asked(() => navigator.credentials.get({ publicKey: decoded(options) }));
  if (!made) return;
  await api("POST", "/auth/passkeys/login", { credential: encoded(made) }, { guest: true });
  location.assign(next);
}

async function register(form) {
  const name = form.elements.name.value;
  const options = await optionsFor(form);
  const made = await asked(() => navigator.credentials.create({ publicKey: decoded(options) }));
  if (!made) return;
  await api("POST", "/auth/passkeys", { name, credential: encoded(made) });
  location.reload();
}

/** Ask for what makes a passkey. Once the login is a while old, that takes the password. */
async function optionsFor(form) {
  const { password } = form.elements;
  try {
    return await api("POST", "/auth/passkeys/options", password.value ? { password: password.value } : {});
  } catch (error) {
    if (error.code === "not_proven") {
      $("[data-passkey-proof]", form).hidden = false;
      password.focus();
    }
    throw error;
  }
}

/** Ask the browser; null when the person said no. */
async function asked(question) {
  try {
    return await question();
  } catch (error) {
    if (error.name === "NotAllowedError") return null;
    if (error.name === "InvalidStateError") throw new Error("This device is registered already.");
    throw new Error("Your browser could not use a passkey here.");
  }
}

// JSON carries bytes as base64url. (`parseCreationOptionsFromJSON` is not everywhere yet.)

function decoded({ publicKey }) {
  const options = { ...publicKey, challenge: bytes(publicKey.challenge) };
  if (options.user) options.user = { ...options.user, id: bytes(options.user.id) };
  const ids = options.excludeCredentials ?? [];
  options.excludeCredentials = ids.map((known) => ({ ...known, id: bytes(known.id) }));
  return options;
}

function encoded(credential) {
  const response = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature"]) {
    if (credential.response[name]) response[name] = text(credential.response[name]);
  }
  return {
    id: credential.id,
    rawId: text(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response,
  };
}

function bytes(base64url) {
  const plain = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (character) => character.charCodeAt(0));
}

function text(buffer) {
  const plain = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(plain).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
