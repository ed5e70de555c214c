import { controllerOf } from "../shared/stimulus.js";

// The opinion's editor: text fields grow with what is written, and the page remembers which version
// it shows, so that a second window with an older version is told so instead of overwriting the
// newer one.
export default class extends controllerOf({
  targets: { version: HTMLInputElement, text: HTMLTextAreaElement },
}) {
  /** @param {HTMLTextAreaElement} text */
  textTargetConnected(text) {
    growToContent(text);
    text.addEventListener("input", grow);
  }

  /** @param {HTMLTextAreaElement} text */
  textTargetDisconnected(text) {
    text.removeEventListener("input", grow);
  }

  /** @param {CustomEvent<{ version: number }>} event `autosave:saved` */
  saved(event) {
    this.versionTarget.value = String(event.detail.version);
  }
}

/** @param {Event} event */
function grow(event) {
  if (event.target instanceof HTMLTextAreaElement) growToContent(event.target);
}

/** @param {HTMLTextAreaElement} text */
function growToContent(text) {
  if (CSS.supports("field-sizing", "content")) return;
  text.style.blockSize = "auto";
  text.style.blockSize = `${text.scrollHeight + 2}px`;
}
