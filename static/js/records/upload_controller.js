import { defaultOptions, Upload } from "tus-js-client";
import { copyTemplate, eventElement } from "../shared/dom.js";
import { csrfToken } from "../shared/requests.js";
import { digestOfFile } from "../shared/sha256.js";
import { controllerOf } from "../shared/stimulus.js";
import {
  fillInCount,
  formatByteSize,
  formatDuration,
  formatNumber,
  formatPercent,
} from "../shared/text.js";
import { filesOfDrop, folderOf } from "./dropped_files.js";
import { FileUpload, PART_BYTES } from "./file_upload.js";
import { RecordsList } from "./records_list.js";
import { refreshSignIn } from "./sign_in_again.js";
import { requireMeaningfulAnswer } from "./upload_answers.js";
import { sealedFingerprint, storageWithoutNames } from "./upload_memory.js";

const SENT_AT_ONCE = 3;
const HEAD_BYTES = 1024; // the server recognises the kind of file by its first bytes
const SMALL_FILE_BYTES = 256 * 1024; // goes along with the request for a place: half the round trips
const FOLDER_BYTES = 600; // a header has room for 8 KB
const SHOWN_WAITING = 50; // of a folder of thousands only these have a row before their turn
const SHOWN_ARRIVED = 5; // the list below has them all
const RETRY_DELAYS_MS = [
  0, 1000, 3000, 6000, 12000, 25000, 45000, 60000, 60000, 60000, 60000, 60000,
];
const SPEED_WINDOW_MS = 10_000;
const SIGN_IN_LOOK_MS = 15_000;

// Sends records: several at once, by tus, so that a lost connection or a closed tab costs nothing
// that has arrived.
export default class extends controllerOf({
  targets: {
    zone: HTMLElement,
    input: HTMLInputElement,
    folder: HTMLInputElement,
    plainSend: HTMLElement,
    sending: HTMLElement,
    overallWords: HTMLElement,
    overallBar: HTMLProgressElement,
    speed: HTMLElement,
    signedOut: HTMLElement,
    status: HTMLElement,
    queue: HTMLElement,
    row: HTMLTemplateElement,
    list: HTMLElement,
  },
  values: { endpoint: String, listUrl: String, words: Object },
}) {
  /** @type {FileUpload[]} */
  uploads = [];
  smallFileBytes = SMALL_FILE_BYTES;
  retryDelays = RETRY_DELAYS_MS;
  /** @type {RecordsList | undefined} */
  list;
  /** @type {{ at: number, sent: number }[]} */
  samples = [];
  /** @type {number | undefined} */
  signInTimer;

  connect() {
    this.uploads = [];
    this.samples = [];
    this.list = new RecordsList(this.listTarget, this.listUrlValue);
    this.zoneTarget.classList.add("has-scripts");
    this.plainSendTarget.hidden = true;
    addEventListener("beforeunload", this.leaving);
    addEventListener("offline", this.wentOffline);
    addEventListener("online", this.cameOnline);
    addEventListener("focus", this.lookForSignIn);
    this.list.watch();
  }

  disconnect() {
    removeEventListener("beforeunload", this.leaving);
    removeEventListener("offline", this.wentOffline);
    removeEventListener("online", this.cameOnline);
    removeEventListener("focus", this.lookForSignIn);
    clearTimeout(this.signInTimer);
    this.list?.release();
    for (const upload of this.uploads) upload.release();
  }

  /** @param {BeforeUnloadEvent} event */
  leaving = (event) => {
    if (!this.uploads.some((upload) => upload.isUnderWay)) return;
    event.preventDefault();
    event.returnValue = this.word("leave");
  };

  wentOffline = () => {
    for (const upload of this.uploads) upload.goOffline();
  };

  cameOnline = () => {
    for (const upload of this.uploads) upload.comeOnline();
  };

  /** Whoever signed in again, in another tab, finds the files going on. */
  lookForSignIn = async () => {
    clearTimeout(this.signInTimer);
    if (!this.uploads.some(({ state }) => state === "signed_out")) return;
    if (await refreshSignIn()) {
      for (const upload of this.uploads) upload.comeSignedIn();
      this.startNext();
    } else {
      this.signInTimer = setTimeout(this.lookForSignIn, SIGN_IN_LOOK_MS);
    }
  };

  // --- what people do

  /** @param {DragEvent} event */
  over(event) {
    event.preventDefault();
    this.zoneTarget.dataset.over = "true";
  }

  /** @param {DragEvent} event */
  away(event) {
    const goesTo = event.relatedTarget;
    const staysInside = goesTo instanceof Node && this.zoneTarget.contains(goesTo);
    if (!staysInside) delete this.zoneTarget.dataset.over;
  }

  /** @param {DragEvent} event */
  async drop(event) {
    event.preventDefault();
    delete this.zoneTarget.dataset.over;
    if (event.dataTransfer) this.add(await filesOfDrop(event.dataTransfer));
  }

  /** @param {Event} event */
  choose(event) {
    const input = eventElement(event.target, HTMLInputElement);
    this.add([...(input.files ?? [])]);
    input.value = "";
  }

  chooseFolder() {
    this.folderTarget.click();
  }

  /** @param {Event} event */
  submit(event) {
    event.preventDefault();
    this.add([...(this.inputTarget.files ?? [])]);
  }

  // --- what follows

  /** @param {File[]} files */
  add(files) {
    if (!files.length) return;
    this.sendingTarget.hidden = false;
    const added = files.map((file) => {
      const row = copyTemplate(this.rowTarget);
      if (this.queueTarget.childElementCount < SHOWN_WAITING) this.queueTarget.append(row);
      return new FileUpload(file, row, this, folderOf(file));
    });
    this.uploads.push(...added);
    for (const upload of added) if (upload.size === 0) upload.refuse(this.word("empty"));
    this.startNext();
  }

  startNext() {
    const busy = this.uploads.filter((upload) => upload.isBusy).length;
    const signedOut = this.uploads.some(({ state }) => state === "signed_out");
    this.signedOutTarget.hidden = !signedOut;
    if (signedOut) {
      clearTimeout(this.signInTimer);
      this.signInTimer = setTimeout(this.lookForSignIn, SIGN_IN_LOOK_MS);
      this.showOverall();
      return;
    }
    const waiting = this.uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting.slice(0, Math.max(SENT_AT_ONCE - busy, 0))) upload.start();
    this.showOverall();
  }

  /** @param {FileUpload} upload that has just ended, however it did */
  settled(upload) {
    if (upload.state === "arrived") this.list?.expectChange();
    const arrived = this.uploads.filter(({ state, row }) => state === "arrived" && row.isConnected);
    for (const { row } of arrived.slice(0, -SHOWN_ARRIVED)) row.remove();
    this.startNext();
    if (this.uploads.every(({ isFinal }) => isFinal)) {
      const someFailed = this.uploads.some(({ state }) => state === "refused");
      this.say(this.word(someFailed ? "some_failed" : "all_arrived"));
    }
  }

  /** @param {FileUpload} upload */
  digestFor(upload) {
    return digestOfFile(upload.file, (read) => upload.readOn(read));
  }

  /** @param {FileUpload} upload */
  isTwin(upload) {
    if (upload.isWantedTwice) return false;
    return this.uploads.some(
      (other) =>
        other !== upload &&
        other.sha256 === upload.sha256 &&
        other.size === upload.size &&
        !["refused", "cancelled", "duplicate"].includes(other.state ?? ""),
    );
  }

  /**
   * @param {FileUpload} upload
   * @param {import("./file_upload.js").UploadEvents} events
   */
  async uploadFor({ file, folder, sha256, isWantedTwice }, events) {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    const key = crypto.getRandomValues(new Uint8Array(16));
    return new Upload(file, {
      endpoint: this.endpointValue,
      retryDelays: this.retryDelays,
      chunkSize: PART_BYTES,
      uploadDataDuringCreation: file.size <= this.smallFileBytes,
      fingerprint: sealedFingerprint,
      urlStorage: storageWithoutNames(defaultOptions.urlStorage),
      removeFingerprintOnSuccess: true,
      onBeforeRequest: (request) => request.setHeader("X-CSRFToken", csrfToken()),
      onAfterResponse: requireMeaningfulAnswer,
      metadata: {
        filename: file.name,
        filetype: file.type,
        head: btoa(String.fromCharCode(...head)),
        sha256: sha256 ?? "",
        key: [...key].map((byte) => byte.toString(16).padStart(2, "0")).join(""),
        ...(folder ? { folder: endOfText(folder, FOLDER_BYTES) } : {}),
        ...(isWantedTwice ? { again: "1" } : {}),
      },
      ...events,
    });
  }

  /** @param {number} attempt from 0 */
  retryDelay(attempt) {
    return this.retryDelays[Math.min(attempt, this.retryDelays.length - 1)];
  }

  // --- what is shown

  showOverall() {
    const counted = this.uploads.filter(
      ({ state }) => !["refused", "cancelled", "duplicate"].includes(state ?? ""),
    );
    const size = counted.reduce((sum, upload) => sum + upload.size, 0);
    const sent = counted.reduce((sum, upload) => sum + upload.sent, 0);
    const arrived = counted.filter(({ state }) => state === "arrived").length;
    const share = size ? Math.floor((100 * sent) / size) / 100 : 0;
    this.overallBarTarget.max = size || 1;
    this.overallBarTarget.value = sent;
    this.overallWordsTarget.textContent = this.word("overall", {
      finished: formatNumber(arrived),
      count: counted.length,
      // What is sent has not arrived before the server says so.
      percent: formatPercent(arrived < counted.length ? Math.min(share, 0.99) : share),
    });
    this.showSpeed(sent, size - sent);
  }

  /**
   * @param {number} sent bytes so far
   * @param {number} left bytes
   */
  showSpeed(sent, left) {
    const at = performance.now();
    // Less than before: a file was stopped, or continues from what had arrived.
    if (sent < (this.samples.at(-1)?.sent ?? 0)) this.samples = [];
    this.samples.push({ at, sent });
    while (this.samples.length > 2 && at - this.samples[0].at > SPEED_WINDOW_MS) {
      this.samples.shift();
    }
    const [first] = this.samples;
    const rate = (1000 * (sent - first.sent)) / Math.max(at - first.at, 1);
    const isKnown = at - first.at > 1000 && rate > 0 && left > 0;
    this.speedTarget.textContent = isKnown
      ? this.word("speed", { rate: formatByteSize(rate), time: formatDuration(left / rate) })
      : "";
  }

  /** @param {string} words */
  say(words) {
    this.statusTarget.textContent = words;
  }

  /**
   * @param {string} key
   * @param {Record<string, string | number>} [values] `count` chooses the wording
   */
  word(key, values = {}) {
    return fillInCount(this.wordsValue[key] ?? "", values);
  }
}

/**
 * The end of a text, of at most so many bytes in UTF-8.
 * @param {string} text
 * @param {number} most
 */
function endOfText(text, most) {
  const bytes = new TextEncoder().encode(text);
  return new TextDecoder().decode(bytes.slice(-most)).replace(/^\uFFFD+/, "");
}
