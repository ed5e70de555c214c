// fetch with what every request of ours needs: the CSRF token, JSON in and out, and a refusal as an Error whose
// message is the server's sentence in the reader's language.
export class Refused extends Error {
  constructor(sentence, status, answer = null) {
    super(sentence);
    this.status = status;
    this.answer = answer; // all that the server said
  }
}

export function csrfToken() {
  return document.querySelector('meta[name="csrf-token"]')?.content ?? "";
}

export async function send(url, { method = "POST", body, headers = {}, signal } = {}) {
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
  });
  const isJson = (response.headers.get("Content-Type") ?? "").includes("json");
  const answer = isJson ? await response.json() : null;
  if (!response.ok) throw new Refused(answer?.error ?? response.statusText, response.status, answer);
  return answer;
}
