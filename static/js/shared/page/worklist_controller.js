import { Controller } from "@hotwired/stimulus";

// A keyboard through a worklist: j and k move, Enter opens, / goes to the search field.
export default class extends Controller {
  static targets = ["item", "link"];

  connect() {
    document.addEventListener("keydown", this.press);
  }

  disconnect() {
    document.removeEventListener("keydown", this.press);
  }

  press = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || this.isTyping(event.target)) return;
    if (event.key === "j") this.move(1, event);
    if (event.key === "k") this.move(-1, event);
    if (event.key === "/") this.search(event);
  };

  // Enter is the browser's own: the link of the current line has the focus.
  move(by, event) {
    const links = this.linkTargets;
    if (!links.length) return;
    event.preventDefault();
    const here = links.findIndex((link) => link.closest("li").contains(document.activeElement));
    const next =
      here < 0
        ? by > 0
          ? 0
          : links.length - 1
        : Math.min(links.length - 1, Math.max(0, here + by));
    links[next].focus();
    links[next].closest("li").scrollIntoView({ block: "nearest" });
  }

  search(event) {
    const field = document.querySelector("[data-worklist-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
    field.select();
  }

  isTyping(element) {
    return element.isContentEditable || ["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName);
  }
}
