// fetch with what every request of ours needs: the CSRF token, JSON in and out, and a refusal as an Error whose
// message is a sentence in the reader's language: the server's, or ours where the server was not reached (status 0).
export class RequestRefused extends Error {
  constructor(sentence, status, answer = null) {
    super(sentence);
    this.status = status;
    this.answer = answer; // all that the server said
  }
}

const meta = (name) => document.querySelector(`meta[name="${name}"]`)?.content ?? "";

export function csrfToken() {
  return meta("csrf-token");
}

export async function sendRequest(url, { method = "POST", body, headers = {}, signal } = {}) {
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
      ...headers,
    },
    body: body && !isForm ? JSON.stringify(body) : body,
  }).catch((error) => {
    throw error.name === "AbortError" ? error : new RequestRefused(meta("out-of-reach"), 0);
  });
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok)
    throw new RequestRefused(answer?.error ?? response.statusText, response.status, answer);
  return answer;
}
