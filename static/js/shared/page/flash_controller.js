import { Controller } from "@hotwired/stimulus";

// A message about what was just done: a click or Escape takes it away; it never goes by itself.
export default class extends Controller {
  connect() {
    this.key = (event) => {
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.element.remove();
    };
    document.addEventListener("keydown", this.key);
  }

  disconnect() {
    document.removeEventListener("keydown", this.key);
  }

  close() {
    this.element.remove();
  }
}
