// What an answer to a part of an upload means, and who gave it: we, or a server between.

/**
 * @typedef {Error & { originalResponse?: Pick<import("tus-js-client").HttpResponse, "getStatus" |
 *   "getBody" | "getHeader"> | null, causingError?: Error & { status?: number } | null }} UploadError
 */
/**
 * `refused`: our own sentence, final. `duplicate`: we have this content. `signed_out`: the session
 * has ended. `too_large`: a server between takes only smaller parts. `between`: a server between
 * answered instead of us. `unreadable`: the file is gone from the disk, or was changed.
 * `connection`: no answer, or one that may be another the next time.
 * @typedef {"refused" | "duplicate" | "signed_out" | "too_large" | "between" | "unreadable" |
 *   "connection"} UploadFault
 */

/**
 * Statuses below 500 after which the same request may still succeed: time-out, conflict, locked, too
 * many requests.
 */
const RETRIED_STATUSES = [408, 409, 423, 429];
const UNREADABLE = ["NotReadableError", "NotFoundError", "SecurityError"];

/** An answer to the question how much has arrived that says nothing about the upload. */
export class UnexpectedAnswer extends Error {
  /** @param {number} status */
  constructor(status) {
    super(`unexpected answer ${status}`);
    this.status = status;
  }
}

/**
 * For tus-js-client's `onAfterResponse`. It would take every answer but 200 as "there is no such
 * upload" and begin anew; only these say so.
 * @param {import("tus-js-client").HttpRequest} request
 * @param {import("tus-js-client").HttpResponse} response
 */
export function requireMeaningfulAnswer(request, response) {
  const status = response.getStatus();
  const isKnown = isOurs(response) && ([403, 404, 410, 423].includes(status) || status < 300);
  if (request.getMethod() === "HEAD" && !isKnown) throw new UnexpectedAnswer(status);
}

/**
 * @param {UploadError} error
 * @returns {UploadFault}
 */
export function faultOf(error) {
  if (error.causingError && UNREADABLE.includes(error.causingError.name)) return "unreadable";
  const answer = error.originalResponse;
  const status = statusOf(error);
  if (status === 401) return "signed_out";
  if (!answer) return status >= 400 ? "between" : "connection";
  if (!isOurs(answer)) return status === 413 ? "too_large" : status ? "between" : "connection";
  if (answer.getHeader("Upload-Duplicate")) return "duplicate";
  const isFinal = status >= 400 && status < 500 && !RETRIED_STATUSES.includes(status);
  return isFinal ? "refused" : "connection";
}

/** @param {UploadError} error */
export function statusOf(error) {
  return error.originalResponse?.getStatus() ?? error.causingError?.status ?? 0;
}

/** @param {Pick<import("tus-js-client").HttpResponse, "getHeader">} answer */
function isOurs(answer) {
  return Boolean(answer.getHeader("Tus-Resumable"));
}
