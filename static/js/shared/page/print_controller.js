import { controllerOf } from "../stimulus.js";

// Prints the page.
export default class extends controllerOf() {
  open() {
    window.print();
  }
}
