// A narrow line, in words: what was given up so that the voices get through, and what is back.
// One small notice that stays as long as it holds, and changes in place.
//
// For tests: narrow (data-step: the step as the node names it).
import { pageText } from "../page_text.js";

const STEPS = [
  "full",
  "small_pictures",
  "fewer_pictures",
  "no_pictures",
  "fewer_voices",
  "interpreter_only",
];
const GONE_MS = 8000; // how long "all is back" stays

export class BandwidthNotice {
  constructor() {
    this._place = document.getElementById("narrow");
    this._step = 0;
    this._show("");
  }

  get isNarrow() {
    return this._step > 0;
  }

  show(step, { isInterpreter = false } = {}) {
    const now = STEPS.indexOf(step);
    if (now < 0 || now === this._step) return;
    const way = now > this._step ? "down" : "up";
    this._step = now;
    this._place.dataset.step = step;
    this._show(
      pageText(
        isInterpreter && way === "down" && step === "interpreter_only"
          ? "line_down_interpreted_only"
          : `line_${way}_${step}`,
      ),
    );
    clearTimeout(this._timer);
    if (!now) this._timer = setTimeout(() => this._show(""), GONE_MS);
  }

  /** A new connection begins with everything. */
  forget() {
    this._step = 0;
    this._place.dataset.step = "full";
    this._show("");
  }

  _show(sentence) {
    clearTimeout(this._timer);
    this._place.textContent = sentence;
    this._place.classList.toggle("is-empty", !sentence);
  }
}
