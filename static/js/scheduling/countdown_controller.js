import { Controller } from "@hotwired/stimulus";
import { formatNumber } from "../shared/text.js";

// Minutes and seconds until an instant. At the end says `over` and sends `countdown:over`, which a page may act on.
export default class extends Controller {
  static values = { until: String, over: String };

  connect() {
    this.until = Date.parse(this.untilValue);
    this.show();
    this.timer = setInterval(() => this.show(), 1000);
  }

  disconnect() {
    clearInterval(this.timer);
  }

  show() {
    const left = Math.ceil((this.until - Date.now()) / 1000);
    if (left <= 0) {
      clearInterval(this.timer);
      this.element.textContent = this.overValue;
      this.dispatch("over");
      return;
    }
    const seconds = new Intl.NumberFormat(document.documentElement.lang, {
      minimumIntegerDigits: 2,
    }).format(left % 60);
    this.element.textContent = `${formatNumber(Math.floor(left / 60))}:${seconds}`;
    this.element.dataset.state = left < 60 ? "short" : "";
  }
}
