import { Controller } from "@hotwired/stimulus";

// A question before loss. The template folds the dialog into a details element; here it becomes a modal one.
export default class extends Controller {
  static targets = ["dialog", "opener"];

  connect() {
    this.dialogTarget.removeAttribute("open");
    this.closed = () => {
      this.element.open = false;
      this.openerTarget.focus();
    };
    this.dialogTarget.addEventListener("close", this.closed);
  }

  disconnect() {
    this.dialogTarget.removeEventListener("close", this.closed);
  }

  ask(event) {
    event.preventDefault();
    this.element.open = true;
    this.dialogTarget.showModal();
  }

  close() {
    if (this.dialogTarget.open) this.dialogTarget.close();
    else this.element.open = false;
  }
}
