import { Controller } from "@hotwired/stimulus";

// Proposes the browser's time zone in a select or an input that has nothing chosen yet.
//   <select data-controller="timezone"> or an element around it with data-timezone-target="field"; "words" shows the zone.
export default class extends Controller {
  static targets = ["field", "words"];
  static values = { force: Boolean, names: Object }; // names: today's name of a zone to the one that browsers kept

  connect() {
    const told = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const zone = Object.entries(this.namesValue).find(([, kept]) => kept === told)?.[0] ?? told;
    const field = this.hasFieldTarget ? this.fieldTarget : this.element;
    if (!zone || !("value" in field)) return;
    if (field.value && !this.forceValue) return;
    if (
      field instanceof HTMLSelectElement &&
      ![...field.options].some((option) => option.value === zone)
    )
      return;
    field.value = zone;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    if (this.hasWordsTarget) this.wordsTarget.textContent = zone.replaceAll("_", " ");
  }
}
