import { Controller } from "@hotwired/stimulus";

// Narrows a list on the page while one types; without scripts the whole list stands there.
export default class extends Controller {
  static targets = ["query", "item", "none"];

  narrow() {
    const words = this.queryTarget.value.trim().toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of this.itemTargets) {
      const text = (item.dataset.filterText ?? item.textContent).toLocaleLowerCase();
      item.hidden = !words.every((word) => text.includes(word));
      shown += item.hidden ? 0 : 1;
    }
    if (this.hasNoneTarget) this.noneTarget.hidden = shown > 0;
  }
}
