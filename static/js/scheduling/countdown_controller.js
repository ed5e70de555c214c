import { controllerOf } from "../shared/stimulus.js";
import { formatNumber, pageLanguage } from "../shared/text.js";

const SHORT_SECONDS = 60;

/**
 * @param {number} until
 * @param {number} now both in milliseconds since 1970
 * @returns {number} whole seconds left, rounded up: 0 only when the time has come
 */
export function secondsLeft(until, now) {
  return Math.max(0, Math.ceil((until - now) / 1000));
}

/**
 * @param {number} seconds
 * @param {string} language
 * @returns {string} such as 9:05
 */
export function minutesAndSeconds(seconds, language) {
  const rest = new Intl.NumberFormat(language, { minimumIntegerDigits: 2 }).format(seconds % 60);
  return `${formatNumber(Math.floor(seconds / 60))}:${rest}`;
}

// Minutes and seconds until an instant. At the end says `over` and sends `countdown:over`, which a
// page may act on.
export default class extends controllerOf({ values: { until: String, over: String } }) {
  until = 0;
  /** @type {number | undefined} */
  timer;

  connect() {
    this.until = Date.parse(this.untilValue);
    this.show();
    this.timer = setInterval(() => this.show(), 1000);
  }

  disconnect() {
    clearInterval(this.timer);
  }

  show() {
    const left = secondsLeft(this.until, Date.now());
    if (left === 0) {
      clearInterval(this.timer);
      this.element.textContent = this.overValue;
      this.dispatch("over");
      return;
    }
    this.element.textContent = minutesAndSeconds(left, pageLanguage());
    this.element.dataset.state = left < SHORT_SECONDS ? "short" : "";
  }
}
