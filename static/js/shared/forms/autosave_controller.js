import { Controller } from "@hotwired/stimulus";
import { sendRequest } from "../requests.js";
import { fillIn, pageLanguage } from "../text.js";

// Saves a draft a moment after the last key, and says when. Nothing typed is lost: what cannot be sent stays in the
// form, is tried again, and the browser asks before the page is left.
//   <form data-controller="autosave" data-autosave-url-value="…" data-autosave-saved-value="Saved at {time}"
//         data-autosave-saving-value="Saving…" data-autosave-failed-value="Not saved yet. We keep trying.">
//     <p class="saved-at" role="status" data-autosave-target="words"></p>
// The address takes the form's fields and answers JSON; `autosave:saved` carries the answer.
export default class extends Controller {
  static targets = ["words"];
  static values = {
    url: String,
    saved: String,
    saving: String,
    failed: String,
    delay: { type: Number, default: 1500 },
  };

  connect() {
    this.changed = () => this.plan();
    this.leaving = (event) => {
      if (this.dirty && !this.submitted) event.preventDefault();
    };
    this.sent = () => {
      this.submitted = true;
      clearTimeout(this.timer);
    };
    this.element.addEventListener("input", this.changed);
    this.element.addEventListener("change", this.changed);
    this.element.addEventListener("submit", this.sent);
    window.addEventListener("beforeunload", this.leaving);
  }

  disconnect() {
    clearTimeout(this.timer);
    this.element.removeEventListener("input", this.changed);
    this.element.removeEventListener("change", this.changed);
    this.element.removeEventListener("submit", this.sent);
    window.removeEventListener("beforeunload", this.leaving);
  }

  plan(delay = this.delayValue) {
    this.dirty = true;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), delay);
  }

  async save() {
    if (this.submitted) return;
    if (this.saving) {
      this.plan(500);
      return;
    }
    this.saving = true;
    this.dirty = false;
    this.say(this.savingValue);
    try {
      const answer = await sendRequest(this.urlValue || this.element.action, {
        body: new FormData(this.element),
      });
      const time = new Intl.DateTimeFormat(pageLanguage(), { timeStyle: "short" }).format(
        new Date(),
      );
      this.say(fillIn(this.savedValue, { time }), "saved");
      this.dispatch("saved", { detail: answer });
    } catch (refusal) {
      this.dirty = true;
      // A sentence of the server explains more than ours; a 4xx will not heal by trying again.
      const final = refusal.status >= 400 && refusal.status < 500;
      this.say(final ? refusal.message : this.failedValue, "failed");
      if (!final) this.plan(5000);
    } finally {
      this.saving = false;
    }
  }

  say(words, state = "") {
    if (!this.hasWordsTarget) return;
    this.wordsTarget.textContent = words;
    this.wordsTarget.dataset.state = state;
  }
}
