// A notice about a narrow connection: what was given up so that the voices come through, and what
// is back. It stays as long as it is true, and changes in place.
//
// For tests: narrow (data-step: the step as the node names it).
import { elementById } from "../../shared/dom.js";
import { pageText } from "../page_text.js";

const STEPS = [
  "full",
  "small_pictures",
  "fewer_pictures",
  "no_pictures",
  "fewer_voices",
  "interpreter_only",
];
const ALL_BACK_SHOWN_MS = 8000;

export class BandwidthNotice {
  /** @type {number | undefined} */
  _timer;

  constructor() {
    this._place = elementById("narrow");
    this._step = 0;
    this._say("");
  }

  get isNarrow() {
    return this._step > 0;
  }

  /** @param {string} step as the node names it; an unknown one changes nothing */
  show(step, { isInterpreter = false } = {}) {
    const now = STEPS.indexOf(step);
    if (now < 0 || now === this._step) return;
    const direction = now > this._step ? "down" : "up";
    this._step = now;
    this._place.dataset.step = step;
    const isLastVoice = isInterpreter && direction === "down" && step === "interpreter_only";
    this._say(pageText(isLastVoice ? "line_down_interpreted_only" : `line_${direction}_${step}`));
    if (!now) this._timer = setTimeout(() => this._say(""), ALL_BACK_SHOWN_MS);
  }

  /** A new connection begins with everything. */
  forget() {
    this._step = 0;
    this._place.dataset.step = "full";
    this._say("");
  }

  /** @param {string} sentence */
  _say(sentence) {
    clearTimeout(this._timer);
    this._place.textContent = sentence;
    this._place.classList.toggle("is-empty", !sentence);
  }
}
