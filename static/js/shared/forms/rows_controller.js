import { closestElement } from "../dom.js";
import { controllerOf } from "../stimulus.js";

// A list of like fields that grows: questions, recommendations. Without scripts the server renders
// spare rows.
//   <div data-controller="rows" data-rows-max-value="10">
//     <ol data-rows-target="list">…rows, each data-rows-target="row"…</ol>
//     <template data-rows-target="blank">…__n__ where the number goes…</template>
//     <button type="button" data-action="rows#add" data-rows-target="adder">…</button>
//   </div>
// In a row: <button type="button" data-action="rows#remove">…</button>
export default class extends controllerOf({
  targets: {
    list: HTMLElement,
    row: HTMLElement,
    blank: HTMLTemplateElement,
    adder: HTMLButtonElement,
  },
  values: { max: { type: Number, default: 50 }, min: { type: Number, default: 0 } },
}) {
  nextNumber = 0;

  connect() {
    this.nextNumber = this.rowTargets.length;
    this.show();
  }

  add() {
    if (this.rowTargets.length >= this.maxValue) return;
    const html = this.blankTarget.innerHTML.replaceAll("__n__", String(this.nextNumber));
    this.nextNumber += 1;
    this.listTarget.insertAdjacentHTML("beforeend", html);
    const field = this.listTarget.lastElementChild?.querySelector("input, textarea, select");
    if (field instanceof HTMLElement) field.focus();
    this.show();
  }

  /** @param {Event} event */
  remove(event) {
    if (this.rowTargets.length <= this.minValue) return;
    closestElement(event.target, '[data-rows-target~="row"]')?.remove();
    this.adderTarget.focus();
    this.show();
    // A row that was taken out is a change of the form, too: autosave listens for it.
    this.element.dispatchEvent(new Event("input", { bubbles: true }));
  }

  show() {
    if (this.hasAdderTarget) this.adderTarget.hidden = this.rowTargets.length >= this.maxValue;
  }
}
