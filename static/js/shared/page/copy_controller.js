import { controllerOf } from "../stimulus.js";

const DONE_SHOWN_MS = 2000;

// Copies a value and says so:
//   <button data-controller="copy" data-copy-text-value="…" data-copy-done-value="Copied"
//           data-action="copy#copy">
export default class extends controllerOf({ values: { text: String, done: String } }) {
  async copy() {
    await navigator.clipboard.writeText(this.textValue);
    const label = this.element.querySelector("span") ?? this.element;
    const before = label.textContent;
    label.textContent = this.doneValue;
    setTimeout(() => {
      label.textContent = before;
    }, DONE_SHOWN_MS);
  }
}
