import { Controller } from "@hotwired/stimulus";
import { defaultOptions, Upload } from "tus-js-client";
import { filesOfDrop } from "./dropped_files.js";
import { FileUpload } from "./file_upload.js";
import { sealedFingerprint, storageWithoutNames } from "./upload_memory.js";

const AT_ONCE = 3;
const HEAD_BYTES = 1024;
const SHOWN_WAITING = 50; // of a folder of thousands only these have a row before their turn
const SHOWN_ARRIVED = 5; // the list below has them all
const RETRY_AFTER = [0, 1000, 3000, 6000, 12000, 25000, 45000, 60000, 60000, 60000, 60000, 60000];
const FINAL = ["arrived", "refused", "cancelled"];

// Sends records: several at once, by tus, so that a lost line or a closed tab costs nothing that has arrived.
export default class extends Controller {
  static targets = [
    "zone",
    "input",
    "folder",
    "plainSend",
    "sending",
    "overallWords",
    "overallBar",
    "status",
    "queue",
    "row",
    "list",
  ];
  static values = { endpoint: String, listUrl: String, words: Object };

  connect() {
    this.files = [];
    this.zoneTarget.classList.add("has-scripts");
    this.plainSendTarget.hidden = true;
    this.language = document.documentElement.lang || "en";
    this.leaving = (event) => {
      if (!this.files.some((file) => file.isUnderWay)) return;
      event.preventDefault();
      event.returnValue = this.word("leave");
    };
    this.wentOffline = () => this.files.forEach((file) => file.goOffline());
    this.cameOnline = () => this.files.forEach((file) => file.comeOnline());
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
    this.files.forEach((file) => file.letGo());
  }

  // What people do

  over(event) {
    event.preventDefault();
    this.zoneTarget.dataset.over = "true";
  }

  away(event) {
    if (!this.zoneTarget.contains(event.relatedTarget)) delete this.zoneTarget.dataset.over;
  }

  async drop(event) {
    event.preventDefault();
    delete this.zoneTarget.dataset.over;
    this.add(await filesOfDrop(event.dataTransfer));
  }

  choose(event) {
    this.add([...event.target.files]);
    event.target.value = "";
  }

  chooseFolder() {
    this.folderTarget.click();
  }

  submit(event) {
    event.preventDefault();
    this.add([...this.inputTarget.files]);
  }

  // What follows

  add(chosen) {
    if (!chosen.length) return;
    this.sendingTarget.hidden = false;
    for (const file of chosen) {
      const row = this.rowTarget.content.firstElementChild.cloneNode(true);
      if (this.queueTarget.childElementCount < SHOWN_WAITING) this.queueTarget.append(row);
      const travelling = new FileUpload(file, row, this);
      this.files.push(travelling);
      if (file.size === 0) travelling.refuse(this.word("empty"));
    }
    this.startNext();
  }

  startNext() {
    const busy = this.files.filter((file) => file.isBusy).length;
    const waiting = this.files.filter((file) => file.state === "waiting");
    for (const file of waiting.slice(0, Math.max(AT_ONCE - busy, 0))) file.start();
    this.showOverall();
  }

  settled(file) {
    if (file.state === "arrived") this.refreshList();
    const arrived = this.files.filter((one) => one.state === "arrived" && one.row.isConnected);
    for (const one of arrived.slice(0, -SHOWN_ARRIVED)) one.row.remove();
    this.startNext();
    if (this.files.every((one) => FINAL.includes(one.state))) {
      const bad = this.files.some((one) => one.state === "refused");
      this.say(this.word(bad ? "some_failed" : "all_arrived"));
    }
  }

  async uploadFor(file, events) {
    const head = new Uint8Array(await file.slice(0, HEAD_BYTES).arrayBuffer());
    return new Upload(file, {
      endpoint: this.endpointValue,
      retryDelays: RETRY_AFTER,
      fingerprint: sealedFingerprint,
      urlStorage: storageWithoutNames(defaultOptions.urlStorage),
      removeFingerprintOnSuccess: true,
      headers: { "X-CSRFToken": document.querySelector('meta[name="csrf-token"]').content },
      metadata: {
        filename: file.name,
        filetype: file.type,
        head: btoa(String.fromCharCode(...head)),
      },
      ...events,
    });
  }

  retryDelay(attempt) {
    return RETRY_AFTER[Math.min(attempt, RETRY_AFTER.length - 1)];
  }

  // What is shown

  showOverall() {
    const counted = this.files.filter((file) => !["refused", "cancelled"].includes(file.state));
    const size = counted.reduce((sum, file) => sum + file.size, 0);
    const sent = counted.reduce((sum, file) => sum + file.sent, 0);
    this.overallBarTarget.max = size || 1;
    this.overallBarTarget.value = sent;
    this.overallWordsTarget.textContent = this.word("overall", {
      finished: this.number(counted.filter((file) => file.state === "arrived").length),
      count: this.number(counted.length),
      percent: this.number(size ? Math.floor((100 * sent) / size) / 100 : 0, { style: "percent" }),
    });
  }

  say(words) {
    this.statusTarget.textContent = words;
  }

  word(key, values = {}) {
    return Object.entries(values).reduce(
      (text, [name, value]) => text.replaceAll(`{${name}}`, value),
      this.wordsValue[key] ?? "",
    );
  }

  number(value, options) {
    return new Intl.NumberFormat(this.language, options).format(value);
  }

  size(bytes) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
    let [value, step] = [bytes, 0];
    while (value >= 1000 && step < units.length - 1) [value, step] = [value / 1000, step + 1];
    return this.number(value, {
      style: "unit",
      unit: units[step],
      maximumFractionDigits: step > 1 ? 1 : 0,
    });
  }

  // The list below changes while files are being checked.

  async refreshList() {
    clearTimeout(this.listTimer);
    const answer = await fetch(this.listUrlValue, {
      headers: { "X-Requested-With": "fetch" },
    }).catch(() => null);
    if (answer?.ok && !this.listTarget.contains(document.activeElement))
      this.listTarget.innerHTML = await answer.text();
    this.watchList();
  }

  watchList() {
    clearTimeout(this.listTimer);
    const changing = this.listTarget.querySelector('[data-changing="true"]');
    if (changing) this.listTimer = setTimeout(() => this.refreshList(), 2500);
  }
}
