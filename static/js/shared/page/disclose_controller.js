import { findElement } from "../dom.js";
import { controllerOf } from "../stimulus.js";

// A details element used as a menu: closes on Escape, on a click elsewhere and when the focus
// leaves.
export default class extends controllerOf({ element: HTMLDetailsElement }) {
  connect() {
    document.addEventListener("click", this.clicked);
    this.element.addEventListener("keydown", this.keyPressed);
    this.element.addEventListener("focusout", this.focusLeft);
  }

  disconnect() {
    document.removeEventListener("click", this.clicked);
    this.element.removeEventListener("keydown", this.keyPressed);
    this.element.removeEventListener("focusout", this.focusLeft);
  }

  /** @param {MouseEvent} event */
  clicked = (event) => {
    if (!this.holds(event.target)) this.element.open = false;
  };

  /** @param {KeyboardEvent} event */
  keyPressed = (event) => {
    if (event.key !== "Escape" || !this.element.open) return;
    this.element.open = false;
    findElement(this.element, "summary").focus();
  };

  /** @param {FocusEvent} event */
  focusLeft = (event) => {
    if (event.relatedTarget && !this.holds(event.relatedTarget)) this.element.open = false;
  };

  /** @param {EventTarget | null} target */
  holds(target) {
    return target instanceof Node && this.element.contains(target);
  }
}
