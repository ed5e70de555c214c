// Who is here, and the door: each person as a line, with what the one at the door may do.

import { languageName, pageText } from "../page_text.js";
import { initials, pairNames } from "./video_tiles.js";

export class PeopleList {
  static count = 0;
  /** @param act (event, seat) => Promise */
  constructor(lists, act) {
    this._lists = lists;
    this._act = act;
    this._template = document.getElementById("person-template");
  }

  show(seats, you) {
    for (const list of this._lists) {
      const focused =
        document.activeElement?.closest?.("[data-people] [data-person]") &&
        document.activeElement.dataset.testid;
      list.replaceChildren(...seats.map((seat) => this._person(seat, you)));
      if (focused) list.querySelector(`[data-testid="${focused}"]`)?.focus();
    }
  }

  _person(seat, you) {
    const element = this._template.content.firstElementChild.cloneNode(true);
    element.dataset.person = seat.id;
    element.dataset.place = seat.place;
    element.dataset.testid = `person-${seat.role}`;
    element.querySelector(".face").textContent = initials(seat.name);
    element.querySelector("bdi").id = `named-${(PeopleList.count += 1)}`;
    element.querySelector("bdi").textContent = seat.mine
      ? pageText("youNamed", { name: seat.name })
      : seat.name;
    const role = pageText(seat.kind ? `guest_${seat.kind}` : `role_${seat.role}`);
    element.querySelector(".person-role").textContent = seat.pair
      ? pageText("interprets", pairNames(seat))
      : `${role} · ${languageName(seat.speaks)}`;
    element.querySelector(".person-place").textContent = pageText(
      seat.place === "waiting" && seat.knocking ? "place_knocking" : `place_${seat.place}`,
    );
    if (you.canAdmit && !seat.mine && seat.canBeShownOut)
      this._door(element.querySelector(".person-door"), seat, element.querySelector("bdi").id);
    return element;
  }

  // A button is called by the words on it, so that one can say them to it, and described by whom it is about.
  _door(box, seat, named) {
    const button = (words, event, kind, testid) => {
      const one = document.createElement("button");
      one.type = "button";
      one.className = `btn btn-sm btn-${kind}`;
      one.textContent = words;
      one.setAttribute("aria-describedby", named);
      one.dataset.testid = `${testid}-${seat.role}`;
      one.addEventListener("click", () => this._act(event, seat, one));
      box.append(one);
    };
    if (!seat.admitted && seat.place === "waiting")
      button(pageText("admit"), "seat.admit", "primary", "admit");
    if (seat.place === "in" || seat.place === "away")
      button(pageText("sendBack"), "seat.send_back", "quiet", "send-back");
    if (seat.place !== "absent")
      button(pageText("remove"), "seat.remove", "danger-quiet", "remove");
    box.hidden = !box.children.length;
  }
}
