import { Controller } from "@hotwired/stimulus";

// Copies a value and says so: <button data-controller="copy" data-copy-text-value="…" data-copy-done-value="Copied" data-action="copy#copy">
export default class extends Controller {
  static values = { text: String, done: String };

  async copy() {
    await navigator.clipboard.writeText(this.textValue);
    const label = this.element.querySelector("span") ?? this.element;
    const before = label.textContent;
    label.textContent = this.doneValue;
    setTimeout(() => {
      label.textContent = before;
    }, 2000);
  }
}
