import { controllerOf } from "../stimulus.js";

// A question before something is lost. The template folds the dialog into a details element; here
// it becomes a modal one.
export default class extends controllerOf({
  element: HTMLDetailsElement,
  targets: { dialog: HTMLDialogElement, opener: HTMLElement },
}) {
  connect() {
    this.dialogTarget.removeAttribute("open");
    this.dialogTarget.addEventListener("close", this.closed);
  }

  disconnect() {
    this.dialogTarget.removeEventListener("close", this.closed);
  }

  closed = () => {
    this.element.open = false;
    this.openerTarget.focus();
  };

  /** @param {Event} event */
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
