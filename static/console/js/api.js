// JSON requests to the API with the login cookie. The API wants the CSRF token for changes.

import { $ } from "./dom.js";

/** What the API answered instead of success; `message` is a sentence for people. */
export class ApiError extends Error {
  constructor(message, { status = 0, code = "" } = {}) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

const csrfToken = () => $("[data-csrf] [name=csrfmiddlewaretoken]")?.value ?? "";

/**
 * Ask the API; returns the answer's JSON. The same `key` twice has one effect.
 * A `guest` is not logged in yet: a 401 is no reason to go and log in.
 */
export async function api(method, path, body, { key, guest = false } = {}) {
  const headers = { accept: "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  if (method !== "GET") headers["X-CSRFToken"] = csrfToken();
  if (body !== undefined) headers["content-type"] = "application/json";
  let response;
  try {
    response = await fetch(path, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw new ApiError("The server can't be reached. Check your connection and try again.");
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  if (response.status === 401 && !guest) toLogin();
  throw new ApiError(sentenceOf(answer, response.status), {
    status: response.status,
    code: answer.code ?? "",
  });
}

/** A new idempotency key. (`randomUUID` is missing on plain HTTP.) */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The login is over: go and get a new one, then come back. */
export function toLogin() {
  location.assign(`/console/login?next=${encodeURIComponent(location.pathname)}`);
}

// The first complaint about a field says more than "the input has errors".
function sentenceOf(answer, status) {
  const field = Object.values(answer.fields ?? {}).flat(3)[0];
  if (typeof field === "string") return field;
  return answer.error || answer.detail || `The server answered with an error (${status}).`;
}
