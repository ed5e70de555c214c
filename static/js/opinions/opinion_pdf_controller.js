import { asError, sendRequest } from "../shared/requests.js";
import { controllerOf } from "../shared/stimulus.js";

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 15000;

// Waits for the PDF of a signed opinion and reloads the page when it is made. Asks less and less
// often.
export default class extends controllerOf({ values: { url: String } }) {
  /** @type {number | undefined} */
  timer;
  waitMs = FIRST_WAIT_MS;

  connect() {
    this.waitMs = FIRST_WAIT_MS;
    this.plan();
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  plan() {
    this.timer = setTimeout(() => this.ask(), this.waitMs);
    this.waitMs = Math.min(this.waitMs * 1.3, LONGEST_WAIT_MS);
  }

  async ask() {
    try {
      const { rendered } = await sendRequest(this.urlValue, { method: "GET" });
      if (rendered) {
        window.location.reload();
        return;
      }
    } catch (thrown) {
      const { status = 0 } = asError(thrown);
      if (status >= 400 && status < 500) return;
    }
    this.plan();
  }
}
