import { Controller } from "@hotwired/stimulus";

// Takes the focus when it appears: a summary of errors, so that it is read at once.
export default class extends Controller {
  connect() {
    this.element.focus();
  }
}
