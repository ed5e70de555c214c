// One file that is being sent, and its row on the page.
//
// waiting -> reading -> sending <-> paused | offline | retrying -> arrived | refused | cancelled |
// duplicate; `lost` waits for the person, `signed_out` for the person to sign in.
import { findElement, findElements } from "../shared/dom.js";
import { formatByteSize, formatPercent } from "../shared/text.js";
import { faultOf } from "./upload_answers.js";

// A connection can die without an error, and the browser would wait for minutes.
export const STALLED_MS = 30000;
// Proxies often refuse larger bodies.
export const PART_BYTES = 8 * 1024 * 1024;
const MIN_PART_BYTES = 256 * 1024;

/**
 * @typedef {"waiting" | "reading" | "sending" | "paused" | "offline" | "retrying" | "lost" |
 *   "signed_out" | "arrived" | "refused" | "cancelled" | "duplicate"} UploadState
 */

/**
 * What a file's upload needs of the page around it.
 * @typedef {object} UploadDesk
 * @property {(key: string, values?: Record<string, string | number>) => string} word
 * @property {(words: string) => void} say announces it to those who do not see the row
 * @property {HTMLElement} queueTarget
 * @property {(upload: FileUpload, events: UploadEvents) => Promise<ResumableUpload>} uploadFor
 *   with the file's digest
 * @property {(upload: FileUpload) => Promise<string | null>} digestFor null where the reading was
 *   stopped
 * @property {(upload: FileUpload) => boolean} isTwin another file of this page has the same content
 *   and the same place
 * @property {(attempt: number) => number} retryDelay in milliseconds
 * @property {() => void} startNext
 * @property {() => void} showOverall
 * @property {(upload: FileUpload) => void} settled
 */
/**
 * @typedef {Pick<import("tus-js-client").Upload, "url" | "start" | "abort" | "findPreviousUploads"
 *   | "resumeFromPreviousUpload" | "options">} ResumableUpload
 */
/**
 * @typedef {Pick<import("tus-js-client").UploadOptions, "onUploadUrlAvailable" | "onProgress" |
 *   "onSuccess" | "onError" | "onShouldRetry">} UploadEvents
 */
/** @typedef {import("./upload_answers.js").UploadError} UploadError */

/** @type {UploadState[]} */
const BUSY = ["reading", "sending", "retrying", "offline"];
/** @type {UploadState[]} */
const FINAL = ["arrived", "refused", "cancelled", "duplicate"];
/** Announced to those who do not see the row. */
/** @type {UploadState[]} */
const SPOKEN = ["arrived", "refused", "offline", "paused", "cancelled", "duplicate", "signed_out"];

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
  /** @type {Promise<void> | undefined} */
  _preparation;
  /** SHA-256 of the whole. @type {string | null} */
  sha256 = null;
  /** The person wants to keep it beside a file with the same content. */
  isWantedTwice = false;
  /** @type {number | undefined} */
  watchdog;
  /** @type {number | undefined} */
  countdown;

  /**
   * @param {File} file
   * @param {HTMLElement} row
   * @param {UploadDesk} desk
   * @param {string} [folder] where it lay, such as "CD/DICOM"
   */
  constructor(file, row, desk, folder = "") {
    this.file = file;
    this.folder = folder;
    this.row = row;
    this.desk = desk;
    this.size = file.size;
    this.parts = Object.fromEntries(
      findElements(row, "[data-part]").map((part) => [part.dataset.part, part]),
    );
    this.bar = findElement(row, "[data-part='bar']", HTMLProgressElement);
    this.parts.name.textContent = file.name;
    this.parts.folder.textContent = folder;
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
    this.parts.again.addEventListener("click", () => this.sendAgain());
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
    if (!this.upload) {
      this.show("reading", this.desk.word("starting"));
      this._preparation ??= this.prepare();
      await this._preparation;
      if (this.state !== "reading" || !this.upload) return;
    }
    this.show("sending", this.desk.word("starting"));
    if (this.isCreating || this._isReleased || !this.upload) return;
    this.isCreating = !this.upload.url;
    this.upload.start();
    this.watch();
  }

  /** Reads the whole file for its digest, and looks whether a part of it was sent before. */
  async prepare() {
    try {
      const sha256 = await this.desk.digestFor(this);
      if (sha256 === null || this._isReleased || this.isFinal) return;
      this.sha256 = sha256;
      if (this.desk.isTwin(this)) {
        this.showDuplicate(this.desk.word("twin"));
        return;
      }
      const upload = await this.desk.uploadFor(this, {
        onUploadUrlAvailable: () => this.created(),
        onProgress: (sent) => this.progress(sent),
        onSuccess: () => this.arrive(),
        onError: (error) => this.fail(error),
        onShouldRetry: (error, attempt) => this.mayRetry(error, attempt),
      });
      const [earlier] = await upload.findPreviousUploads();
      if (earlier) upload.resumeFromPreviousUpload(earlier);
      this.isResuming = Boolean(earlier);
      this.upload = upload;
    } catch {
      this.refuse(this.desk.word("unreadable"));
    } finally {
      this._preparation = undefined;
    }
  }

  /**
   * @param {number} read bytes
   * @returns {boolean} whether to read on
   */
  readOn(read) {
    if (this.state === "reading") {
      this.parts.note.textContent = this.desk.word("reading", {
        percent: formatPercent(read / this.size),
      });
    }
    return !this._isReleased && !this.isFinal;
  }

  /** Sends it although we have its content. */
  sendAgain() {
    this.isWantedTwice = true;
    this.sha256 = null;
    this.upload = undefined;
    this.parts.again.hidden = true;
    this.parts.buttons.hidden = false;
    this.start();
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

  comeSignedIn() {
    if (this.state !== "signed_out") return;
    this.show("sending", this.desk.word("starting"));
    this.restart();
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
    const key = sent >= this.size ? "finishing" : this.isResuming ? "resumed" : "sending";
    this.show("sending", this.desk.word(key, values));
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

  /** @param {string} words which file it is the same as */
  showDuplicate(words) {
    clearTimeout(this.watchdog);
    this.sent = 0;
    this.show("duplicate", words);
    this.finish();
    this.parts.again.hidden = false;
  }

  /** @param {UploadError} error after the last retry */
  fail(error) {
    this.isCreating = false;
    if (this.state === "cancelled") return;
    clearTimeout(this.watchdog);
    const body = error.originalResponse?.getBody() ?? "";
    const fault = faultOf(error);
    if (fault === "refused") return this.refuse(body);
    if (fault === "duplicate") return this.showDuplicate(body);
    if (fault === "unreadable") return this.refuse(this.desk.word("unreadable"));
    const state = fault === "signed_out" ? "signed_out" : "lost";
    const isBetween = fault === "between" || fault === "too_large";
    const words = this.desk.word(isBetween ? "between_lost" : state);
    this.show(state, words);
    this.desk.say(words);
    this.desk.startNext();
  }

  /**
   * Called by tus-js-client before it waits: a refusal is final, everything else is the connection.
   * @param {UploadError} error
   * @param {number} attempt from 0
   */
  mayRetry(error, attempt) {
    const fault = faultOf(error);
    if (["refused", "duplicate", "unreadable", "signed_out"].includes(fault)) return false;
    if (fault === "too_large" && !this.sendSmallerParts()) return false;
    this.isCreating = false;
    if (this.state !== "sending" && this.state !== "retrying") return false;
    clearTimeout(this.watchdog);
    const key = fault === "connection" ? "retrying" : "between_retrying";
    this.countDown(Math.ceil(this.desk.retryDelay(attempt) / 1000), key);
    return true;
  }

  /** @returns {boolean} whether parts can be smaller than they were */
  sendSmallerParts() {
    const options = this.upload?.options;
    if (!options) return false;
    const before = Math.min(options.chunkSize ?? this.size, this.size);
    const canShrink = before > MIN_PART_BYTES || Boolean(options.uploadDataDuringCreation);
    options.uploadDataDuringCreation = false;
    options.chunkSize = Math.max(Math.floor(before / 4), MIN_PART_BYTES);
    return canShrink;
  }

  /**
   * @param {number} seconds until the next attempt
   * @param {string} key of the words that say why
   */
  countDown(seconds, key) {
    clearTimeout(this.countdown);
    if (seconds < 1) return;
    this.show("retrying", this.desk.word(key, { count: seconds }));
    this.countdown = setTimeout(() => this.countDown(seconds - 1, key), 1000);
  }

  watch() {
    clearTimeout(this.watchdog);
    this.watchdog = setTimeout(() => this.restart(), STALLED_MS);
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
    this.parts.pause.hidden = !["waiting", ...BUSY].includes(state);
    this.parts.resume.hidden = !["paused", "lost", "signed_out"].includes(state);
    if (isNew && SPOKEN.includes(state)) {
      this.desk.say(`${this.file.name}: ${words}`);
    }
  }
}
