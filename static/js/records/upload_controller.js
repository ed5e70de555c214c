import { defaultOptions, Upload } from "tus-js-client";
import { copyTemplate, eventElement } from "../shared/dom.js";
import { csrfToken } from "../shared/requests.js";
import { controllerOf } from "../shared/stimulus.js";
import { fillInCount, formatNumber, pageLanguage } from "../shared/text.js";
import { filesOfDrop } from "./dropped_files.js";
import { FileUpload } from "./file_upload.js";
import { isChanging, refreshRecordsList } from "./records_list.js";
import { sealedFingerprint, storageWithoutNames } from "./upload_memory.js";

const SENT_AT_ONCE = 3;
const HEAD_BYTES = 1024; // the server recognises the kind of file by its first bytes
const SHOWN_WAITING = 50; // of a folder of thousands only these have a row before their turn
const SHOWN_ARRIVED = 5; // the list below has them all
const RETRY_DELAYS_MS = [
  0, 1000, 3000, 6000, 12000, 25000, 45000, 60000, 60000, 60000, 60000, 60000,
];
const LIST_REFRESH_MS = 2500;

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
    status: HTMLElement,
    queue: HTMLElement,
    row: HTMLTemplateElement,
    list: HTMLElement,
  },
  values: { endpoint: String, listUrl: String, words: Object },
}) {
  /** @type {FileUpload[]} */
  uploads = [];
  /** @type {number | undefined} */
  listTimer;

  connect() {
    this.uploads = [];
    this.zoneTarget.classList.add("has-scripts");
    this.plainSendTarget.hidden = true;
    addEventListener("beforeunload", this.leaving);
    addEventListener("offline", this.wentOffline);
    addEventListener("online", this.cameOnline);
    this.watchList();
  }

  disconnect() {
    removeEventListener("beforeunload", this.leaving);
    removeEventListener("offline", this.wentOffline);
    removeEventListener("online", this.cameOnline);
    clearTimeout(this.listTimer);
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
      return new FileUpload(file, row, this);
    });
    this.uploads.push(...added);
    for (const upload of added) if (upload.size === 0) upload.refuse(this.word("empty"));
    this.startNext();
  }

  startNext() {
    const busy = this.uploads.filter((upload) => upload.isBusy).length;
    const waiting = this.uploads.filter((upload) => upload.state === "waiting");
    for (const upload of waiting.slice(0, Math.max(SENT_AT_ONCE - busy, 0))) upload.start();
    this.showOverall();
  }

  /** @param {FileUpload} upload that has just ended, however it did */
  settled(upload) {
    if (upload.state === "arrived") this.refreshList();
    const arrived = this.uploads.filter(({ state, row }) => state === "arrived" && row.isConnected);
    for (const { row } of arrived.slice(0, -SHOWN_ARRIVED)) row.remove();
    this.startNext();
    if (this.uploads.every(({ isFinal }) => isFinal)) {
      const someFailed = this.uploads.some(({ state }) => state === "refused");
      this.say(this.word(someFailed ? "some_failed" : "all_arrived"));
    }
  }

  /**
   * @param {File} file
   * @param {import("./file_upload.js").UploadEvents} events
   */
  async uploadFor(file, events) {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    return new Upload(file, {
      endpoint: this.endpointValue,
      retryDelays: RETRY_DELAYS_MS,
      // null is understood too, though the library's types do not say so
      fingerprint: /** @type {(...facts: Parameters<typeof sealedFingerprint>) => Promise<any>} */ (
        sealedFingerprint
      ),
      urlStorage: storageWithoutNames(defaultOptions.urlStorage),
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": csrfToken() },
      metadata: {
        filename: file.name,
        filetype: file.type,
        head: btoa(String.fromCharCode(...head)),
      },
      ...events,
    });
  }

  /** @param {number} attempt from 0 */
  retryDelay(attempt) {
    return RETRY_DELAYS_MS[Math.min(attempt, RETRY_DELAYS_MS.length - 1)];
  }

  // --- what is shown

  showOverall() {
    const counted = this.uploads.filter(
      ({ state }) => state !== "refused" && state !== "cancelled",
    );
    const size = counted.reduce((sum, upload) => sum + upload.size, 0);
    const sent = counted.reduce((sum, upload) => sum + upload.sent, 0);
    this.overallBarTarget.max = size || 1;
    this.overallBarTarget.value = sent;
    const percent = new Intl.NumberFormat(pageLanguage(), { style: "percent" });
    this.overallWordsTarget.textContent = this.word("overall", {
      finished: formatNumber(counted.filter(({ state }) => state === "arrived").length),
      count: counted.length,
      percent: percent.format(size ? Math.floor((100 * sent) / size) / 100 : 0),
    });
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

  // --- the list below, which changes while files are being checked

  async refreshList() {
    clearTimeout(this.listTimer);
    await refreshRecordsList(this.listTarget, this.listUrlValue);
    this.watchList();
  }

  watchList() {
    clearTimeout(this.listTimer);
    if (!isChanging(this.listTarget)) return;
    this.listTimer = setTimeout(() => this.refreshList(), LIST_REFRESH_MS);
  }
}
