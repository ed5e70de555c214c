import { findOptionalElement } from "../dom.js";
import { controllerOf } from "../stimulus.js";

// A keyboard through a worklist: j and k move, Enter opens, / goes to the search field.
export default class extends controllerOf({
  targets: { item: HTMLElement, link: HTMLElement },
}) {
  connect() {
    document.addEventListener("keydown", this.keyPressed);
  }

  disconnect() {
    document.removeEventListener("keydown", this.keyPressed);
  }

  /** @param {KeyboardEvent} event */
  keyPressed = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || isTypedInto(event.target)) return;
    if (event.key === "j") this.move(1, event);
    if (event.key === "k") this.move(-1, event);
    if (event.key === "/") this.search(event);
  };

  /**
   * Enter is the browser's own: the link of the current row has the focus.
   * @param {1 | -1} by
   * @param {KeyboardEvent} event
   */
  move(by, event) {
    const links = this.linkTargets;
    if (!links.length) return;
    event.preventDefault();
    const here = links.findIndex((link) => link.closest("li")?.contains(document.activeElement));
    const first = by > 0 ? 0 : links.length - 1;
    const next = here < 0 ? first : Math.min(links.length - 1, Math.max(0, here + by));
    links[next].focus();
    links[next].closest("li")?.scrollIntoView({ block: "nearest" });
  }

  /** @param {KeyboardEvent} event */
  search(event) {
    const field = findOptionalElement(document, "[data-worklist-search]", HTMLInputElement);
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  }
}

/** @param {EventTarget | null} target */
function isTypedInto(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(target.tagName);
}
