import { controllerOf } from "../stimulus.js";

// Takes the focus when it appears: for a summary of errors, so that it is read at once.
export default class extends controllerOf() {
  connect() {
    this.element.focus();
  }
}
