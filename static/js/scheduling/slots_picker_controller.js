import { Controller } from "@hotwired/stimulus";

// Days as columns: the arrow keys step from pill to pill, up and down within a day, sideways between days.
// Without this each pill is still a plain button of the form.
export default class extends Controller {
  static targets = ["days", "day"];

  connect() {
    this.daysTarget.addEventListener("keydown", (event) => this.step(event));
    this.daysTarget.removeAttribute("tabindex");
  }

  step(event) {
    const towardsEnd = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const towardsStart = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const pill = event.target.closest(".slot");
    if (!pill) return;
    const day = this.dayTargets.findIndex((one) => one.contains(pill));
    const pills = this.pillsOf(this.dayTargets[day]);
    const place = pills.indexOf(pill);
    let next = null;
    if (event.key === "ArrowDown") next = pills[place + 1];
    else if (event.key === "ArrowUp") next = pills[place - 1];
    else if (event.key === towardsEnd) next = this.nearby(day, 1, place);
    else if (event.key === towardsStart) next = this.nearby(day, -1, place);
    else return;
    event.preventDefault();
    next?.focus();
    next?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }

  nearby(day, way, place) {
    for (let other = day + way; this.dayTargets[other]; other += way) {
      const pills = this.pillsOf(this.dayTargets[other]);
      if (pills.length) return pills[Math.min(place, pills.length - 1)];
    }
    return null;
  }

  pillsOf(day) {
    return [...day.querySelectorAll(".slot")].filter((pill) => pill.offsetParent !== null);
  }
}
