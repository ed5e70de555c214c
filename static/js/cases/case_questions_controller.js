import { closestElement, eventElement, findElement, findElements } from "../shared/dom.js";
import { controllerOf } from "../shared/stimulus.js";
import { fillIn } from "../shared/text.js";

// Adds, removes and reorders the numbered questions in place. Without it the same buttons send the
// form.
export default class extends controllerOf({
  targets: {
    rows: HTMLElement,
    row: HTMLLIElement,
    number: HTMLElement,
    up: HTMLButtonElement,
    down: HTMLButtonElement,
    add: HTMLButtonElement,
    blank: HTMLTemplateElement,
    said: HTMLElement,
  },
  values: { most: Number, name: String, moved: String, removed: String },
}) {
  connect() {
    this.numberRows();
  }

  /** @param {Event} event */
  add(event) {
    event.preventDefault();
    if (this.rowTargets.length >= this.mostValue) return;
    this.rowsTarget.append(this.blankTarget.content.cloneNode(true));
    this.numberRows();
    const added = this.rowTargets.at(-1);
    if (added) textOf(added).focus();
  }

  /** @param {Event} event */
  remove(event) {
    event.preventDefault();
    const row = rowOf(event);
    const neighbour = row.nextElementSibling || row.previousElementSibling;
    if (!neighbour) {
      textOf(row).value = "";
      return;
    }
    row.remove();
    this.numberRows();
    textOf(neighbour).focus();
    this.saidTarget.textContent = this.removedValue;
  }

  /** @param {Event} event */
  up(event) {
    event.preventDefault();
    const row = rowOf(event);
    row.previousElementSibling?.before(row);
    this.moved(row, event);
  }

  /** @param {Event} event */
  down(event) {
    event.preventDefault();
    const row = rowOf(event);
    row.nextElementSibling?.after(row);
    this.moved(row, event);
  }

  /**
   * @param {HTMLLIElement} row
   * @param {Event} event
   */
  moved(row, event) {
    const button = eventElement(event.currentTarget);
    this.numberRows();
    (button.hidden ? textOf(row) : button).focus();
    const number = this.rowTargets.indexOf(row) + 1;
    this.saidTarget.textContent = fillIn(this.movedValue, { number });
  }

  numberRows() {
    this.rowTargets.forEach((row, index) => {
      const number = index + 1;
      const field = textOf(row);
      field.id = `f-question-${number}`;
      findElement(row, "label", HTMLLabelElement).htmlFor = field.id;
      this.part(row, "number").textContent = fillIn(this.nameValue, { number });
      for (const button of findElements(row, "button[name='move']", HTMLButtonElement)) {
        button.value = `${button.value.split(":")[0]}:${number}`;
      }
      this.part(row, "up").hidden = index === 0;
      this.part(row, "down").hidden = index === this.rowTargets.length - 1;
    });
    this.addTarget.hidden = this.rowTargets.length >= this.mostValue;
  }

  /**
   * @param {HTMLLIElement} row
   * @param {string} name
   */
  part(row, name) {
    return findElement(row, `[data-case-questions-target='${name}']`);
  }
}

/** @param {Event} event */
function rowOf(event) {
  const row = closestElement(event.currentTarget, "li", HTMLLIElement);
  if (!row) throw new Error("The button stands in no row");
  return row;
}

/** @param {Element} row */
function textOf(row) {
  return findElement(row, "textarea", HTMLTextAreaElement);
}
