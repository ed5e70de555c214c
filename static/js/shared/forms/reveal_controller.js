import { controllerOf } from "../stimulus.js";

// Shows what was typed as a password, until it is hidden again or sent: browsers offer to keep only
// what is a password when the form goes.
export default class extends controllerOf({
  targets: { field: HTMLInputElement, button: HTMLButtonElement },
  values: { show: String, hide: String },
}) {
  connect() {
    this.fieldTarget.form?.addEventListener("submit", this.hide);
  }

  disconnect() {
    this.fieldTarget.form?.removeEventListener("submit", this.hide);
  }

  flip() {
    this.set(this.fieldTarget.type === "password");
  }

  hide = () => {
    this.set(false);
  };

  /** @param {boolean} isShown */
  set(isShown) {
    this.fieldTarget.type = isShown ? "text" : "password";
    this.buttonTarget.textContent = isShown ? this.hideValue : this.showValue;
  }
}
