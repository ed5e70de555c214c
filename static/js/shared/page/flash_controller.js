import { controllerOf } from "../stimulus.js";

// A message about what was just done: a click or Escape takes it away; it never goes by itself.
export default class extends controllerOf() {
  connect() {
    document.addEventListener("keydown", this.keyPressed);
  }

  disconnect() {
    document.removeEventListener("keydown", this.keyPressed);
  }

  /** @param {KeyboardEvent} event */
  keyPressed = (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) this.element.remove();
  };

  close() {
    this.element.remove();
  }
}
