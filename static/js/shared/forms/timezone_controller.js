import { controllerOf } from "../stimulus.js";

/**
 * Browsers may report a zone by a name that was replaced since, such as Asia/Calcutta.
 * @param {string} reported the browser's name for its time zone
 * @param {Record<string, string>} olderNames today's name of a zone to the one that browsers kept
 * @returns {string} today's name
 */
export function currentZoneName(reported, olderNames) {
  const renamed = Object.entries(olderNames).find(([, older]) => older === reported);
  return renamed?.[0] ?? reported;
}

// Proposes the browser's time zone in a select or an input that has nothing chosen yet.
//   <select data-controller="timezone">, or an element around it with
//   data-timezone-target="field"; the target "words" shows the zone.
export default class extends controllerOf({
  targets: { field: HTMLElement, words: HTMLElement },
  values: { force: Boolean, names: Object },
}) {
  connect() {
    const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
    const zone = currentZoneName(timeZone, this.namesValue);
    const field = this.hasFieldTarget ? this.fieldTarget : this.element;
    if (!zone || !(field instanceof HTMLSelectElement || field instanceof HTMLInputElement)) return;
    if (field.value && !this.forceValue) return;
    const isOffered =
      field instanceof HTMLInputElement ||
      [...field.options].some((option) => option.value === zone);
    if (!isOffered) return;
    field.value = zone;
    field.dispatchEvent(new Event("change", { bubbles: true }));
    if (this.hasWordsTarget) this.wordsTarget.textContent = zone.replaceAll("_", " ");
  }
}
