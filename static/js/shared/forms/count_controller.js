import { controllerOf } from "../stimulus.js";
import { fillInCount } from "../text.js";

// How many characters are left; says nothing until the last fifth.
export default class extends controllerOf({
  targets: { text: HTMLTextAreaElement, words: HTMLElement },
  values: { max: Number, words: Object },
}) {
  connect() {
    this.show();
  }

  show() {
    const left = this.maxValue - [...this.textTarget.value].length;
    const isClose = left <= this.maxValue / 5;
    this.wordsTarget.textContent = isClose
      ? fillInCount(this.wordsValue, { count: Math.max(left, 0) })
      : "";
  }
}
