import { Controller } from "@hotwired/stimulus";

// A list of like fields that grows: questions, recommendations. Without scripts the server renders spare rows.
//   <div data-controller="rows" data-rows-max-value="10">
//     <ol data-rows-target="list">…rows, each data-rows-target="row"…</ol>
//     <template data-rows-target="blank">…__n__ where the number goes…</template>
//     <button type="button" data-action="rows#add" data-rows-target="adder">…</button>   in a row: data-action="rows#remove"
export default class extends Controller {
  static targets = ["list", "row", "blank", "adder"];
  static values = { max: { type: Number, default: 50 }, min: { type: Number, default: 0 } };

  connect() {
    this.count = this.rowTargets.length;
    this.show();
  }

  add() {
    if (this.rowTargets.length >= this.maxValue) return;
    const html = this.blankTarget.innerHTML.replaceAll("__n__", this.count);
    this.count += 1;
    this.listTarget.insertAdjacentHTML("beforeend", html);
    this.listTarget.lastElementChild?.querySelector("input, textarea, select")?.focus();
    this.show();
  }

  remove(event) {
    if (this.rowTargets.length <= this.minValue) return;
    event.target.closest('[data-rows-target~="row"]').remove();
    this.adderTarget.focus();
    this.show();
  }

  show() {
    if (this.hasAdderTarget) this.adderTarget.hidden = this.rowTargets.length >= this.maxValue;
  }
}
