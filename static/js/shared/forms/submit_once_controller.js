import { Controller } from "@hotwired/stimulus";

// A form is sent once. The pressed button says what is under way (data-working) and the others wait.
// Buttons are disabled after the browser has gathered the form, or the pressed one's name would be lost.
export default class extends Controller {
  connect() {
    this.sent = (event) => this.submit(event);
    this.back = (event) => {
      if (event.persisted) this.release();
    };
    this.element.addEventListener("submit", this.sent);
    window.addEventListener("pageshow", this.back);
  }

  disconnect() {
    this.element.removeEventListener("submit", this.sent);
    window.removeEventListener("pageshow", this.back);
  }

  submit(event) {
    if (this.busy) {
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented) return;
    this.busy = true;
    const pressed = event.submitter;
    setTimeout(() => {
      for (const button of this.buttons()) button.setAttribute("aria-disabled", "true");
      if (!pressed) return;
      pressed.setAttribute("aria-busy", "true");
      const label = pressed.querySelector("span");
      if (pressed.dataset.working && label) {
        pressed.dataset.label = label.textContent;
        label.textContent = pressed.dataset.working;
      }
    });
  }

  release() {
    this.busy = false;
    for (const button of this.buttons()) {
      button.removeAttribute("aria-disabled");
      button.removeAttribute("aria-busy");
      const label = button.querySelector("span");
      if (button.dataset.label && label) label.textContent = button.dataset.label;
    }
  }

  buttons() {
    return [...this.element.elements].filter((one) => one.type === "submit");
  }
}
