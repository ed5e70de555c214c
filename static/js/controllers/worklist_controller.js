import { Controller } from "@hotwired/stimulus";

// j and k move through the lines, Enter opens, / goes to the search. Keys typed into a field are left alone.
export default class extends Controller {
  static targets = ["item", "link"];

  connect() {
    this.key = (event) => this.press(event);
    document.addEventListener("keydown", this.key);
  }

  disconnect() {
    document.removeEventListener("keydown", this.key);
  }

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (event.key === "j" || event.key === "k") this.move(event.key === "j" ? 1 : -1);
    else if (event.key === "/") this.search(event);
  }

  move(step) {
    const at = this.linkTargets.findIndex((link) => link.closest("li").contains(document.activeElement));
    const next = this.linkTargets[Math.min(Math.max(at + step, 0), this.linkTargets.length - 1)];
    next?.focus();
    next?.closest("li").scrollIntoView({ block: "nearest" });
  }

  search(event) {
    const field = document.querySelector("[data-worklist-search]");
    if (!field) return;
    event.preventDefault();
    field.focus();
  }
}
