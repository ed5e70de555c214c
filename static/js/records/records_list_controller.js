import { controllerOf } from "../shared/stimulus.js";
import { isChanging, refreshRecordsList } from "./records_list.js";

const REFRESH_MS = 3000;

// The list of records, fetched again while files are being checked, for those who only read.
export default class extends controllerOf({
  targets: { list: HTMLElement },
  values: { url: String },
}) {
  /** @type {number | undefined} */
  timer;

  connect() {
    this.watch();
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  watch() {
    clearTimeout(this.timer);
    if (isChanging(this.listTarget)) this.timer = setTimeout(() => this.refresh(), REFRESH_MS);
  }

  async refresh() {
    await refreshRecordsList(this.listTarget, this.urlValue);
    this.watch();
  }
}
