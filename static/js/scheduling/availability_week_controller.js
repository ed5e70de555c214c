import { findElement, findElements } from "../shared/dom.js";
import { controllerOf } from "../shared/stimulus.js";

// The week's opening hours: empty ones beyond the first are hidden until they are asked for, and
// Monday's hours can be copied to the working days. Without this every field is simply there.
export default class extends controllerOf({
  targets: { day: HTMLElement },
  values: { added: String, copied: String },
}) {
  connect() {
    for (const day of this.dayTargets) this.hideEmptyOpenings(day);
    if (this.dayTargets.length) this.offerCopy(this.dayTargets[0]);
  }

  /** @param {HTMLElement} day */
  hideEmptyOpenings(day) {
    const openings = findElements(day, ".opening");
    for (const opening of openings.slice(1)) {
      opening.hidden = isEmpty(opening);
    }
    const more = makeButton(this.addedValue, () => {
      const next = openings.find((opening) => opening.hidden);
      if (next) {
        next.hidden = false;
        findElement(next, "input").focus();
      }
      more.hidden = !openings.some((opening) => opening.hidden);
    });
    more.hidden = !openings.some((opening) => opening.hidden);
    findElement(day, ".openings").append(more);
  }

  /** @param {HTMLElement} monday */
  offerCopy(monday) {
    const copy = makeButton(this.copiedValue, () => {
      const from = inputsOf(monday);
      for (const day of this.dayTargets.slice(1, 5)) {
        inputsOf(day).forEach((input, place) => {
          input.value = from[place].value;
        });
        for (const opening of findElements(day, ".opening").slice(1)) {
          opening.hidden = isEmpty(opening);
        }
      }
    });
    findElement(monday, ".openings").append(copy);
  }
}

/** @param {HTMLElement} opening */
function isEmpty(opening) {
  return inputsOf(opening).every((input) => !input.value);
}

/** @param {HTMLElement} root */
function inputsOf(root) {
  return findElements(root, "input", HTMLInputElement);
}

/**
 * @param {string} words
 * @param {() => void} act
 */
function makeButton(words, act) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "btn btn-plain btn-sm";
  button.textContent = words;
  button.addEventListener("click", act);
  return button;
}
