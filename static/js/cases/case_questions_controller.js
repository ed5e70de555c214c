import { Controller } from "@hotwired/stimulus";

// Adds, removes and reorders the numbered questions in place. Without it the same buttons send the form.
export default class extends Controller {
  static targets = ["rows", "row", "number", "up", "down", "add", "blank", "said"];
  static values = { most: Number, name: String, moved: String, removed: String };

  connect() {
    this.number();
  }

  add(event) {
    event.preventDefault();
    if (this.rowTargets.length >= this.mostValue) return;
    this.rowsTarget.append(this.blankTarget.content.cloneNode(true));
    this.number();
    this.rowTargets.at(-1).querySelector("textarea").focus();
  }

  remove(event) {
    event.preventDefault();
    const row = this.rowOf(event);
    const neighbour = row.nextElementSibling || row.previousElementSibling;
    if (!neighbour) {
      row.querySelector("textarea").value = "";
      return;
    }
    row.remove();
    this.number();
    neighbour.querySelector("textarea").focus();
    this.saidTarget.textContent = this.removedValue;
  }

  up(event) {
    event.preventDefault();
    const row = this.rowOf(event);
    row.previousElementSibling?.before(row);
    this.settle(row, event.currentTarget);
  }

  down(event) {
    event.preventDefault();
    const row = this.rowOf(event);
    row.nextElementSibling?.after(row);
    this.settle(row, event.currentTarget);
  }

  settle(row, button) {
    this.number();
    (button.hidden ? row.querySelector("textarea") : button).focus();
    const place = this.rowTargets.indexOf(row) + 1;
    this.saidTarget.textContent = this.movedValue.replace("{number}", place);
  }

  rowOf(event) {
    return event.currentTarget.closest("li");
  }

  number() {
    this.rowTargets.forEach((row, index) => {
      const place = index + 1;
      const field = row.querySelector("textarea");
      field.id = `f-question-${place}`;
      row.querySelector("label").htmlFor = field.id;
      row.querySelector("[data-case-questions-target='number']").textContent =
        this.nameValue.replace("{number}", place);
      row.querySelectorAll("button[name='move']").forEach((button) => {
        button.value = `${button.value.split(":")[0]}:${place}`;
      });
      row.querySelector("[data-case-questions-target='up']").hidden = index === 0;
      row.querySelector("[data-case-questions-target='down']").hidden =
        index === this.rowTargets.length - 1;
    });
    this.addTarget.hidden = this.rowTargets.length >= this.mostValue;
  }
}
