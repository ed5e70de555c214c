import { Controller } from "@hotwired/stimulus";

// The week's openings: empty ones beyond the first are folded away until they are asked for, and Monday's hours
// can be copied to the working days. Without this every field is simply there.
export default class extends Controller {
  static targets = ["day"];
  static values = { added: String, copied: String };

  connect() {
    for (const day of this.dayTargets) this.fold(day);
    if (this.dayTargets.length) this.offerCopy(this.dayTargets[0]);
  }

  fold(day) {
    const openings = [...day.querySelectorAll(".opening")];
    openings.slice(1).forEach((one) => {
      one.hidden = this.isEmpty(one);
    });
    const more = this.button(this.addedValue, () => {
      const next = openings.find((one) => one.hidden);
      if (next) next.hidden = false;
      next?.querySelector("input").focus();
      more.hidden = !openings.some((one) => one.hidden);
    });
    more.hidden = !openings.some((one) => one.hidden);
    day.querySelector(".openings").append(more);
  }

  offerCopy(monday) {
    monday.querySelector(".openings").append(
      this.button(this.copiedValue, () => {
        const from = [...monday.querySelectorAll("input")];
        for (const day of this.dayTargets.slice(1, 5)) {
          [...day.querySelectorAll("input")].forEach((input, place) => {
            input.value = from[place].value;
            input.closest(".opening").hidden =
              place > 1 && !from[place].value && !from[place % 2 ? place - 1 : place + 1].value;
          });
        }
      }),
    );
  }

  isEmpty(opening) {
    return [...opening.querySelectorAll("input")].every((input) => !input.value);
  }

  button(words, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "btn btn-plain btn-sm";
    button.textContent = words;
    button.addEventListener("click", act);
    return button;
  }
}
