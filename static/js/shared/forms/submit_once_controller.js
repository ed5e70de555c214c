import { controllerOf } from "../stimulus.js";

// A form is sent once. The pressed button says what is under way (data-working) and the others
// wait. Buttons are disabled after the browser has read the form, or the pressed one's name would
// be lost.
export default class extends controllerOf({ element: HTMLFormElement }) {
  isBusy = false;

  connect() {
    this.element.addEventListener("submit", this.submitted);
    window.addEventListener("pageshow", this.shown);
  }

  disconnect() {
    this.element.removeEventListener("submit", this.submitted);
    window.removeEventListener("pageshow", this.shown);
  }

  /** @param {SubmitEvent} event */
  submitted = (event) => {
    if (this.isBusy) {
      event.preventDefault();
      return;
    }
    if (event.defaultPrevented) return;
    this.isBusy = true;
    const pressed = event.submitter;
    setTimeout(() => {
      for (const button of this.buttons()) button.setAttribute("aria-disabled", "true");
      if (!pressed) return;
      pressed.setAttribute("aria-busy", "true");
      const label = pressed.querySelector("span");
      if (pressed.dataset.working && label) {
        pressed.dataset.label = label.textContent ?? "";
        label.textContent = pressed.dataset.working;
      }
    });
  };

  /**
   * @param {PageTransitionEvent} event a page that comes back from the browser's cache can be sent
   *   again
   */
  shown = (event) => {
    if (event.persisted) this.release();
  };

  release() {
    this.isBusy = false;
    for (const button of this.buttons()) {
      button.removeAttribute("aria-disabled");
      button.removeAttribute("aria-busy");
      const label = button.querySelector("span");
      if (button.dataset.label && label) label.textContent = button.dataset.label;
    }
  }

  buttons() {
    return [...this.element.elements].filter(
      /** @returns {field is HTMLButtonElement | HTMLInputElement} */ (field) =>
        (field instanceof HTMLButtonElement || field instanceof HTMLInputElement) &&
        field.type === "submit",
    );
  }
}
