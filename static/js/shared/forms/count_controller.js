import { controllerOf } from "../stimulus.js";
import { fillIn, formatNumber } from "../text.js";

// How many characters are left; says nothing until the last fifth.
export default class extends controllerOf({
  targets: { text: HTMLTextAreaElement, words: HTMLElement },
  values: { max: Number, words: String },
}) {
  connect() {
    this.show();
  }

  show() {
    const left = this.maxValue - [...this.textTarget.value].length;
    const isClose = left <= this.maxValue / 5;
    this.wordsTarget.textContent = isClose
      ? fillIn(this.wordsValue, { count: formatNumber(Math.max(left, 0)) })
      : "";
  }
}
