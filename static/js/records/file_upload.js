// One file that is being sent, and its row on the page.
//
// waiting -> sending <-> paused | offline | retrying -> arrived | refused | cancelled; `lost` waits
// for the person.
import { findElement, findElements } from "../shared/dom.js";
import { formatByteSize } from "../shared/text.js";

// A connection can die without an error, and the browser would wait for minutes.
export const STALLED_MS = 30000;

/**
 * @typedef {"waiting" | "sending" | "paused" | "offline" | "retrying" | "lost" | "arrived" |
 *   "refused" | "cancelled"} UploadState
 */

/**
 * What a file's upload needs of the page around it.
 * @typedef {object} UploadDesk
 * @property {(key: string, values?: Record<string, string | number>) => string} word
 * @property {(words: string) => void} say announces it to those who do not see the row
 * @property {HTMLElement} queueTarget
 * @property {(file: File, events: UploadEvents) => Promise<ResumableUpload>} uploadFor
 * @property {(attempt: number) => number} retryDelay in milliseconds
 * @property {() => void} startNext
 * @property {() => void} showOverall
 * @property {(upload: FileUpload) => void} settled
 */
/**
 * @typedef {Pick<import("tus-js-client").Upload, "url" | "start" | "abort" | "findPreviousUploads"
 *   | "resumeFromPreviousUpload">} ResumableUpload
 */
/**
 * @typedef {Pick<import("tus-js-client").UploadOptions, "onUploadUrlAvailable" | "onProgress" |
 *   "onSuccess" | "onError" | "onShouldRetry">} UploadEvents
 */
/**
 * @typedef {Error & { originalResponse?: Pick<import("tus-js-client").HttpResponse, "getStatus" |
 *   "getBody"> | null }} UploadError
 */

/**
 * Statuses below 500 after which the same request may still succeed: conflict, locked, too many
 * requests.
 */
const RETRIED_STATUSES = [409, 423, 429];

/** @type {UploadState[]} */
const BUSY = ["sending", "retrying", "offline"];
/** @type {UploadState[]} */
const FINAL = ["arrived", "refused", "cancelled"];

export class FileUpload {
  /** @type {UploadState | undefined} */
  state;
  /** @type {ResumableUpload | undefined} */
  upload;
  /** Bytes that the server has. */
  sent = 0;
  /** The server has been asked for a place for the file and has not answered. */
  isCreating = false;
  /** The next progress is the first one of an upload that goes on from an earlier page. */
  isResuming = false;
  _isReleased = false;
  /** @type {number | undefined} */
  watchdog;
  /** @type {number | undefined} */
  countdown;

  /**
   * @param {File} file
   * @param {HTMLElement} row
   * @param {UploadDesk} desk
   */
  constructor(file, row, desk) {
    this.file = file;
    this.row = row;
    this.desk = desk;
    this.size = file.size;
    this.parts = Object.fromEntries(
      findElements(row, "[data-part]").map((part) => [part.dataset.part, part]),
    );
    this.bar = findElement(row, "[data-part='bar']", HTMLProgressElement);
    this.parts.name.textContent = file.name;
    this.bar.max = file.size || 1;
    this.bar.setAttribute("aria-label", file.name);
    for (const part of ["pause", "resume", "cancel"]) {
      this.parts[part].setAttribute("aria-label", desk.word(`${part}_name`, { name: file.name }));
    }
    this.parts.pause.addEventListener("click", () => this.pause());
    this.parts.resume.addEventListener("click", () => this.start());
    this.parts.cancel.addEventListener("click", () => this.askToCancel(true));
    this.parts.no.addEventListener("click", () => this.askToCancel(false));
    this.parts.yes.addEventListener("click", () => this.cancel());
    this.show("waiting", desk.word("waiting"));
  }

  /** It takes one of the places of files that are sent at once. */
  get isBusy() {
    return this.state !== undefined && BUSY.includes(this.state);
  }

  get isFinal() {
    return this.state !== undefined && FINAL.includes(this.state);
  }

  /** Leaving the page now would interrupt it. */
  get isUnderWay() {
    return !this.isFinal;
  }

  /** Begins, or goes on; also after another page sent a part of the same file. */
  async start() {
    this.show("sending", this.desk.word("starting"));
    if (!this.upload) {
      this.upload = await this.desk.uploadFor(this.file, {
        onUploadUrlAvailable: () => this.created(),
        onProgress: (sent) => this.progress(sent),
        onSuccess: () => this.arrive(),
        onError: (error) => this.fail(error),
        onShouldRetry: (error, attempt) => this.mayRetry(error, attempt),
      });
      const [earlier] = await this.upload.findPreviousUploads();
      if (earlier) this.upload.resumeFromPreviousUpload(earlier);
      this.isResuming = Boolean(earlier);
    }
    if (this.state !== "sending" || this.isCreating || this._isReleased) return;
    this.isCreating = !this.upload.url;
    this.upload.start();
    this.watch();
  }

  // Until the server has answered where the file goes, nothing is aborted: an upload would stay
  // behind there that nobody knows of.
  created() {
    this.isCreating = false;
    if (this.state === "paused" || this.state === "cancelled") {
      this.upload?.abort(this.state === "cancelled").catch(() => {});
    }
  }

  async pause() {
    this.show("paused", this.desk.word("paused"));
    this.parts.resume.focus();
    clearTimeout(this.watchdog);
    if (!this.isCreating) await this.upload?.abort();
    this.desk.startNext();
  }

  /** @param {boolean} asks */
  askToCancel(asks) {
    this.parts.ask.hidden = !asks;
    (asks ? this.parts.no : this.parts.cancel).focus();
  }

  async cancel() {
    clearTimeout(this.watchdog);
    this.sent = 0;
    this.show("cancelled", this.desk.word("cancelled"));
    this.finish();
    // Tells the server too. Where it is not reached, what had arrived expires there by itself.
    if (!this.isCreating) await this.upload?.abort(true).catch(() => {});
  }

  goOffline() {
    if (this.state !== "sending" && this.state !== "retrying") return;
    clearTimeout(this.watchdog);
    this.show("offline", this.desk.word("offline"));
    this.isCreating = false;
    this.upload?.abort();
  }

  comeOnline() {
    if (this.state && ["offline", "lost", "retrying"].includes(this.state)) this.restart();
  }

  /** The page goes: nothing of this may run on. */
  release() {
    this._isReleased = true;
    clearTimeout(this.watchdog);
    clearTimeout(this.countdown);
    this.upload?.abort();
  }

  async restart() {
    clearTimeout(this.countdown);
    this.isCreating = false;
    await this.upload?.abort();
    this.start();
  }

  /** @param {number} sent bytes */
  progress(sent) {
    if (this.state !== "sending" && this.state !== "retrying") return;
    clearTimeout(this.countdown);
    this.sent = sent;
    this.bar.value = sent;
    const values = { done: formatByteSize(sent), size: formatByteSize(this.size) };
    this.show("sending", this.desk.word(this.isResuming ? "resumed" : "sending", values));
    this.isResuming = false;
    this.desk.showOverall();
    this.watch();
  }

  arrive() {
    clearTimeout(this.watchdog);
    this.sent = this.size;
    this.show("arrived", this.desk.word("arrived"));
    this.finish();
  }

  /** @param {string} words why, in the reader's language */
  refuse(words) {
    clearTimeout(this.watchdog);
    this.sent = 0;
    this.show("refused", words || this.desk.word("failed"));
    this.finish();
  }

  /** @param {UploadError} error after the last retry */
  fail(error) {
    this.isCreating = false;
    if (this.state === "cancelled") return;
    const answer = error.originalResponse;
    const status = answer?.getStatus() ?? 0;
    if (answer && status >= 400 && status < 500 && status !== 409) {
      this.refuse(answer.getBody());
      return;
    }
    clearTimeout(this.watchdog);
    this.show("lost", this.desk.word("lost"));
    this.desk.say(this.desk.word("lost"));
    this.desk.startNext();
  }

  /**
   * Called by tus-js-client before it waits: a refusal is final, everything else is the connection.
   * @param {UploadError} error
   * @param {number} attempt from 0
   */
  mayRetry(error, attempt) {
    const status = error.originalResponse?.getStatus() ?? 0;
    if (status >= 400 && status < 500 && !RETRIED_STATUSES.includes(status)) return false;
    this.isCreating = false;
    if (this.state !== "sending" && this.state !== "retrying") return false;
    clearTimeout(this.watchdog);
    this.countDown(Math.ceil(this.desk.retryDelay(attempt) / 1000));
    return true;
  }

  /** @param {number} seconds until the next attempt */
  countDown(seconds) {
    clearTimeout(this.countdown);
    if (seconds < 1) return;
    this.show("retrying", this.desk.word("retrying", { count: seconds }));
    this.countdown = setTimeout(() => this.countDown(seconds - 1), 1000);
  }

  watch() {
    clearTimeout(this.watchdog);
    if (this.sent < this.size) this.watchdog = setTimeout(() => this.restart(), STALLED_MS);
  }

  finish() {
    this.parts.ask.hidden = true;
    this.parts.buttons.hidden = true;
    clearTimeout(this.countdown);
    this.desk.settled(this);
  }

  /**
   * @param {UploadState} state
   * @param {string} words
   */
  show(state, words) {
    if (state !== "waiting" && !this.row.isConnected && !this.isFinal) {
      this.desk.queueTarget.append(this.row);
    }
    const isNew = state !== this.state;
    this.state = state;
    this.row.dataset.state = state;
    this.parts.note.textContent = words;
    this.parts.pause.hidden = !["waiting", "sending", "retrying", "offline"].includes(state);
    this.parts.resume.hidden = !["paused", "lost"].includes(state);
    if (isNew && ["arrived", "refused", "offline", "paused", "cancelled"].includes(state)) {
      this.desk.say(`${this.file.name}: ${words}`);
    }
  }
}
