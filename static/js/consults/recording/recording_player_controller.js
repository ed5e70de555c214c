import { eventElement, findElements } from "../../shared/dom.js";
import { controllerOf } from "../../shared/stimulus.js";

const SKIP_SECONDS = 5;

// A recording of a consult, in one language at a time. Browsers show no audio tracks to choose
// from, so each language is an address of its own, with the same picture at the same times: a
// change goes on from where the film was.
export default class extends controllerOf({
  targets: { film: HTMLVideoElement, languages: HTMLElement, status: HTMLElement },
}) {
  connect() {
    document.addEventListener("keydown", this.keyPressed);
    this.filmTarget.addEventListener("error", this.failed);
  }

  disconnect() {
    document.removeEventListener("keydown", this.keyPressed);
    this.filmTarget.removeEventListener("error", this.failed);
  }

  failed = () => {
    this.statusTarget.textContent = this.statusTarget.dataset.failed ?? "";
  };

  /** @param {Event} event */
  change(event) {
    return this.play(eventElement(event.target, HTMLInputElement));
  }

  /** @param {HTMLInputElement} choice a language: its value is the film's address */
  async play(choice) {
    const film = this.filmTarget;
    const { currentTime, paused, playbackRate } = film;
    film.src = choice.value;
    film.currentTime = currentTime;
    film.playbackRate = playbackRate;
    for (const track of film.textTracks) {
      if (track.mode === "disabled") continue;
      track.mode = track.language === choice.lang ? "showing" : "disabled";
    }
    if (!paused) await film.play().catch(() => {});
  }

  /** @param {KeyboardEvent} event */
  keyPressed = (event) => {
    const { target } = event;
    if (!(target instanceof Element) || event.ctrlKey || event.metaKey || event.altKey) return;
    if (target.closest("textarea, select, input:not([type=radio])")) return;
    const act = this.actionOf(event.key, target);
    if (!act) return;
    event.preventDefault();
    act();
  };

  /**
   * @param {string} key
   * @param {Element} target
   * @returns {(() => unknown) | null}
   */
  actionOf(key, target) {
    const film = this.filmTarget;
    if (key.toLowerCase() === "k") {
      return () => (film.paused ? film.play().catch(() => {}) : film.pause());
    }
    if (key.toLowerCase() === "l") return () => this.nextLanguage();
    // The film has keys of its own, and the choice of the language its arrows.
    if (target === film || target.closest("input, button, a")) return null;
    if (key === "ArrowLeft") return () => this.skip(-SKIP_SECONDS);
    return key === "ArrowRight" ? () => this.skip(SKIP_SECONDS) : null;
  }

  /** @param {number} seconds */
  skip(seconds) {
    this.filmTarget.currentTime += seconds;
  }

  nextLanguage() {
    const choices = findElements(this.languagesTarget, "input", HTMLInputElement);
    const next = choices[(choices.findIndex(({ checked }) => checked) + 1) % choices.length];
    next.checked = true;
    this.play(next);
  }
}
