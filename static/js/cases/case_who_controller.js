import { controllerOf } from "../shared/stimulus.js";

// Shows the questions about the other person only when the request is for somebody else.
export default class extends controllerOf({ targets: { other: HTMLElement } }) {
  connect() {
    this.element.addEventListener("change", this.show);
    this.show();
  }

  disconnect() {
    this.element.removeEventListener("change", this.show);
  }

  show = () => {
    const chosen = this.element.querySelector("input[name='who']:checked");
    this.otherTarget.hidden = !(chosen instanceof HTMLInputElement) || chosen.value !== "other";
  };
}
