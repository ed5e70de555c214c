import { Controller } from "@hotwired/stimulus";

// The opinion's editor: text grows with what is written, and the page remembers which version it shows, so that a
// second window that is behind is told instead of overwriting.
export default class extends Controller {
  static targets = ["version", "text"];

  textTargetConnected(text) {
    this.grow(text);
    text.addEventListener("input", (this.grown ??= (event) => this.grow(event.target)));
  }

  textTargetDisconnected(text) {
    text.removeEventListener("input", this.grown);
  }

  saved(event) {
    this.versionTarget.value = event.detail.version;
  }

  // A row that was taken out is a change, too.
  touch() {
    this.element.dispatchEvent(new Event("input", { bubbles: true }));
  }

  grow(text) {
    if (CSS.supports("field-sizing", "content")) return;
    text.style.blockSize = "auto";
    text.style.blockSize = `${text.scrollHeight + 2}px`;
  }
}
