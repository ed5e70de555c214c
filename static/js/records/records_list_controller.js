import { Controller } from "@hotwired/stimulus";

// The list of records, fetched anew while files are being checked, for those who only read.
export default class extends Controller {
  static targets = ["list"];
  static values = { url: String };

  connect() {
    this.watch();
  }

  disconnect() {
    clearTimeout(this.timer);
  }

  watch() {
    clearTimeout(this.timer);
    if (this.listTarget.querySelector('[data-changing="true"]'))
      this.timer = setTimeout(() => this.refresh(), 3000);
  }

  async refresh() {
    const answer = await fetch(this.urlValue, { headers: { "X-Requested-With": "fetch" } }).catch(
      () => null,
    );
    if (answer?.ok && !this.listTarget.contains(document.activeElement))
      this.listTarget.innerHTML = await answer.text();
    this.watch();
  }
}
