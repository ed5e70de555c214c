import { asError, sendRequest } from "../requests.js";
import { controllerOf } from "../stimulus.js";
import { fillIn, pageLanguage } from "../text.js";

const RETRY_MS = 5000;
const BUSY_RETRY_MS = 500;

// Saves a draft a moment after the last key, and says when. Nothing typed is lost: what cannot be
// sent stays in the form, is tried again, and the browser asks before the page is left.
//   <form data-controller="autosave" data-autosave-url-value="…"
//         data-autosave-saving-value="Saving…" data-autosave-saved-value="Saved at {time}"
//         data-autosave-failed-value="Not saved yet. We keep trying.">
//     <p class="saved-at" role="status" data-autosave-target="words"></p>
// The address takes the form's fields and answers JSON; the event `autosave:saved` carries the
// answer.
export default class extends controllerOf({
  element: HTMLFormElement,
  targets: { words: HTMLElement },
  values: {
    url: String,
    saved: String,
    saving: String,
    failed: String,
    delay: { type: Number, default: 1500 },
  },
}) {
  isDirty = false;
  isSaving = false;
  isSubmitted = false;
  /** @type {number | undefined} */
  timer;

  connect() {
    this.element.addEventListener("input", this.changed);
    this.element.addEventListener("change", this.changed);
    this.element.addEventListener("submit", this.submitted);
    window.addEventListener("beforeunload", this.leaving);
  }

  disconnect() {
    clearTimeout(this.timer);
    this.element.removeEventListener("input", this.changed);
    this.element.removeEventListener("change", this.changed);
    this.element.removeEventListener("submit", this.submitted);
    window.removeEventListener("beforeunload", this.leaving);
  }

  changed = () => this.plan();

  submitted = () => {
    this.isSubmitted = true;
    clearTimeout(this.timer);
  };

  /** @param {BeforeUnloadEvent} event */
  leaving = (event) => {
    if (this.isDirty && !this.isSubmitted) event.preventDefault();
  };

  plan(delay = this.delayValue) {
    this.isDirty = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), delay);
  }

  async save() {
    if (this.isSubmitted) return;
    if (this.isSaving) {
      this.plan(BUSY_RETRY_MS);
      return;
    }
    this.isSaving = true;
    this.isDirty = false;
    this.say(this.savingValue);
    try {
      const answer = await sendRequest(this.urlValue || this.element.action, {
        body: new FormData(this.element),
      });
      const now = new Intl.DateTimeFormat(pageLanguage(), { timeStyle: "short" }).format(
        new Date(),
      );
      this.say(fillIn(this.savedValue, { time: now }), "saved");
      this.dispatch("saved", { detail: answer });
    } catch (thrown) {
      const { status = 0, message } = asError(thrown);
      this.isDirty = true;
      // The server's sentence explains more than ours; and after a 4xx, trying again would not
      // help.
      const isFinal = status >= 400 && status < 500;
      this.say(isFinal ? message : this.failedValue, "failed");
      if (!isFinal) this.plan(RETRY_MS);
    } finally {
      this.isSaving = false;
    }
  }

  /** @param {string} words */
  say(words, state = "") {
    if (!this.hasWordsTarget) return;
    this.wordsTarget.textContent = words;
    this.wordsTarget.dataset.state = state;
  }
}
