import { Controller } from "@hotwired/stimulus";
import { fillIn, formatNumber } from "../text.js";

// How many characters are left; quiet until the last fifth.
export default class extends Controller {
  static targets = ["text", "words"];
  static values = { max: Number, words: String };

  connect() {
    this.show();
  }

  show() {
    const left = this.maxValue - [...this.textTarget.value].length;
    this.wordsTarget.textContent =
      left <= this.maxValue / 5
        ? fillIn(this.wordsValue, { count: formatNumber(Math.max(left, 0)) })
        : "";
  }
}
