import { closestElement, findElements } from "../shared/dom.js";
import { controllerOf } from "../shared/stimulus.js";

// Days as columns: the arrow keys move from time to time, up and down within a day, sideways
// between days. Without this each time is still a plain button of the form.
export default class extends controllerOf({
  targets: { days: HTMLElement, day: HTMLElement },
}) {
  connect() {
    this.daysTarget.addEventListener("keydown", this.keyPressed);
    this.daysTarget.removeAttribute("tabindex");
  }

  /** @param {KeyboardEvent} event */
  keyPressed = (event) => {
    const isRtl = document.documentElement.dir === "rtl";
    const slot = closestElement(event.target, ".slot");
    if (!slot) return;
    const day = this.dayTargets.findIndex((column) => column.contains(slot));
    const slots = visibleSlots(this.dayTargets[day]);
    const place = slots.indexOf(slot);
    let next = null;
    if (event.key === "ArrowDown") next = slots[place + 1];
    else if (event.key === "ArrowUp") next = slots[place - 1];
    else if (event.key === (isRtl ? "ArrowLeft" : "ArrowRight")) next = this.beside(day, 1, place);
    else if (event.key === (isRtl ? "ArrowRight" : "ArrowLeft")) next = this.beside(day, -1, place);
    else return;
    event.preventDefault();
    next?.focus();
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  /**
   * The time at the same place in the nearest day that has any.
   * @param {number} day
   * @param {1 | -1} direction
   * @param {number} place
   */
  beside(day, direction, place) {
    for (let other = day + direction; this.dayTargets[other]; other += direction) {
      const slots = visibleSlots(this.dayTargets[other]);
      if (slots.length) return slots[Math.min(place, slots.length - 1)];
    }
    return null;
  }
}

/** @param {HTMLElement} day */
function visibleSlots(day) {
  return findElements(day, ".slot").filter((slot) => slot.offsetParent !== null);
}
