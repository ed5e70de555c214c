import { controllerOf } from "../shared/stimulus.js";
import { RecordsList } from "./records_list.js";

// The list of records, whose rows change while files are being checked, for those who only read.
export default class extends controllerOf({
  targets: { list: HTMLElement },
  values: { url: String },
}) {
  /** @type {RecordsList | undefined} */
  list;

  connect() {
    this.list = new RecordsList(this.listTarget, this.urlValue);
    this.list.watch();
  }

  disconnect() {
    this.list?.release();
  }
}
