import { Controller } from "@hotwired/stimulus";
import { sendRequest } from "../shared/requests.js";

// Waits for the PDF of a signed opinion and shows the page anew when it is made. Asks less and less often.
export default class extends Controller {
  static values = { url: String };

  connect() {
    this.pause = 1000;
    this.plan();
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  plan() {
    this.timer = setTimeout(() => this.ask(), this.pause);
    this.pause = Math.min(this.pause * 1.3, 15000);
  }

  async ask() {
    try {
      const { rendered } = await sendRequest(this.urlValue, { method: "GET" });
      if (rendered) return window.location.reload();
    } catch (refusal) {
      if (refusal.status >= 400 && refusal.status < 500) return undefined;
    }
    return this.plan();
  }
}
