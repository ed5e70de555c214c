/**
 * The server refused a request, or was not reached. The message is a sentence in the reader's
 * language.
 */
export class RequestRefused extends Error {
  /**
   * @param {string} sentence
   * @param {number} status the HTTP status; 0 when the server was not reached
   * @param {{ needs?: string } | null} [answer] all that the server said
   */
  constructor(sentence, status, answer = null) {
    super(sentence);
    this.status = status;
    this.answer = answer;
    /** Trying again would not help. */
    this.final = false;
  }
}

/** @param {string} name */
function metaContent(name) {
  return document.querySelector(`meta[name="${name}"]`)?.getAttribute("content") ?? "";
}

export function csrfToken() {
  return metaContent("csrf-token");
}

/**
 * A request to our own server, with the CSRF token. Objects are sent as JSON.
 * @param {string | URL} url
 * @param {{ method?: string, body?: FormData | URLSearchParams | object, signal?: AbortSignal }}
 *   [options]
 * @returns {Promise<any>} the JSON of the answer, whose shape is the route's (hence `any`); null if
 *   it has none
 * @throws {RequestRefused}
 */
export async function sendRequest(url, { method = "POST", body, signal } = {}) {
  const isForm = body instanceof FormData || body instanceof URLSearchParams;
  const response = await fetch(url, {
    method,
    signal,
    credentials: "same-origin",
    headers: {
      Accept: "application/json",
      "X-Requested-With": "fetch",
      "X-CSRFToken": csrfToken(),
      ...(body && !isForm ? { "Content-Type": "application/json" } : {}),
    },
    body: isForm || !body ? body : JSON.stringify(body),
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestRefused(metaContent("out-of-reach"), 0);
  });
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok)
    throw new RequestRefused(answer?.error ?? response.statusText, response.status, answer);
  return answer;
}

/**
 * For `catch`: what was thrown, as an error.
 * @param {unknown} thrown
 * @returns {Error & { status?: number, final?: boolean, answer?: { needs?: string } | null }}
 */
export function asError(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
