// A recording of a consult, in one language at a time. Browsers show no audio tracks to choose from, so each language
// is an address of its own, with the same picture at the same places: changing it goes on from where the film was.
import { Controller } from "@hotwired/stimulus";

export default class extends Controller {
  static targets = ["film", "languages", "status"];

  connect() {
    this._key = (event) => this.key(event);
    document.addEventListener("keydown", this._key);
    this._failed = () => (this.statusTarget.textContent = this.statusTarget.dataset.failed);
    this.filmTarget.addEventListener("error", this._failed);
  }

  disconnect() {
    document.removeEventListener("keydown", this._key);
    this.filmTarget.removeEventListener("error", this._failed);
  }

  async change({ target }) {
    const film = this.filmTarget;
    const { currentTime, paused, playbackRate } = film;
    film.src = target.value;
    film.currentTime = currentTime;
    film.playbackRate = playbackRate;
    for (const track of film.textTracks) {
      if (track.mode === "showing" || track.mode === "hidden")
        track.mode = track.language === target.lang ? "showing" : "disabled";
    }
    if (!paused) await film.play().catch(() => {});
  }

  key(event) {
    const { target } = event;
    // The film has its own keys, and the choice of the language its arrows.
    if (
      event.ctrlKey ||
      event.metaKey ||
      event.altKey ||
      target.closest("textarea, select, input:not([type=radio])")
    )
      return;
    const film = this.filmTarget;
    const arrows = target !== film && !target.closest("input, button, a");
    const act = {
      k: () => (film.paused ? film.play().catch(() => {}) : film.pause()),
      l: () => this.next(),
      ArrowLeft: arrows && (() => (film.currentTime -= 5)),
      ArrowRight: arrows && (() => (film.currentTime += 5)),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  next() {
    const choices = [...this.languagesTarget.querySelectorAll("input")];
    const other = choices[(choices.findIndex((one) => one.checked) + 1) % choices.length];
    other.checked = true;
    this.change({ target: other });
  }
}
