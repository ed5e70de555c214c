// Who is here: each person as a row, with the buttons of whoever may let people in and out.
import { copyTemplate, elementById, findElement } from "../../shared/dom.js";
import { languageName, pageText } from "../page_text.js";
import { initials, pairNames } from "./video_tiles.js";

/** @typedef {import("../room_state.d.ts").Seat} Seat */
/** @typedef {"seat.admit" | "seat.send_back" | "seat.remove"} AdmissionEvent */

export class PeopleList {
  /** What stands in the lists, as JSON. */
  _shown = "";
  /** Names are given ids, which buttons refer to. */
  static namesGiven = 0;

  /**
   * @param {HTMLElement[]} lists
   * @param {(event: AdmissionEvent, seat: Seat, button: HTMLButtonElement) => void} act
   */
  constructor(lists, act) {
    this._lists = lists;
    this._act = act;
    this._template = elementById("person-template", HTMLTemplateElement);
  }

  /**
   * @param {Seat[]} seats
   * @param {import("../room_state.d.ts").OwnSeat} you
   */
  show(seats, you) {
    // Most states change nothing here, and a button that is replaced cannot be pressed.
    const shown = JSON.stringify([you.canAdmit, seats.map(shownFacts)]);
    if (shown === this._shown) return;
    this._shown = shown;
    for (const list of this._lists) {
      const { activeElement } = document;
      const focused =
        activeElement instanceof HTMLElement &&
        activeElement.closest("[data-people] [data-person]") &&
        activeElement.dataset.testid;
      list.replaceChildren(...seats.map((seat) => this._person(seat, you)));
      if (!focused) continue;
      const same = list.querySelector(`[data-testid="${focused}"]`);
      if (same instanceof HTMLElement) same.focus();
    }
  }

  /**
   * @param {Seat} seat
   * @param {import("../room_state.d.ts").OwnSeat} you
   */
  _person(seat, you) {
    const element = copyTemplate(this._template);
    element.dataset.person = seat.id;
    element.dataset.place = seat.place;
    element.dataset.testid = `person-${seat.role}`;
    findElement(element, ".face").textContent = initials(seat.name);
    const name = findElement(element, "bdi");
    PeopleList.namesGiven += 1;
    name.id = `named-${PeopleList.namesGiven}`;
    name.textContent = seat.mine ? pageText("youNamed", { name: seat.name }) : seat.name;
    const role = pageText(seat.kind ? `guest_${seat.kind}` : `role_${seat.role}`);
    findElement(element, ".person-role").textContent = seat.pair
      ? pageText("interprets", pairNames(seat.pair))
      : `${role} · ${languageName(seat.speaks)}`;
    const isKnocking = seat.place === "waiting" && seat.knocking;
    findElement(element, ".person-place").textContent = pageText(
      isKnocking ? "place_knocking" : `place_${seat.place}`,
    );
    if (you.canAdmit && !seat.mine && seat.canBeShownOut) {
      this._addButtons(findElement(element, ".person-door"), seat, name.id);
    }
    return element;
  }

  /**
   * A button is called by the words on it, so that it can be pressed by voice, and described by
   * whom it is about.
   * @param {HTMLElement} box
   * @param {Seat} seat
   * @param {string} nameId
   */
  _addButtons(box, seat, nameId) {
    /**
     * @param {string} words
     * @param {AdmissionEvent} event
     * @param {string} look
     * @param {string} testid
     */
    const add = (words, event, look, testid) => {
      const button = document.createElement("button");
      button.type = "button";
      button.className = `btn btn-sm btn-${look}`;
      button.textContent = words;
      button.setAttribute("aria-describedby", nameId);
      button.dataset.testid = `${testid}-${seat.role}`;
      button.addEventListener("click", () => this._act(event, seat, button));
      box.append(button);
    };
    if (!seat.admitted && seat.place === "waiting") {
      add(pageText("admit"), "seat.admit", "primary", "admit");
    }
    if (seat.place === "in" || seat.place === "away") {
      add(pageText("sendBack"), "seat.send_back", "quiet", "send-back");
    }
    if (seat.place !== "absent") add(pageText("remove"), "seat.remove", "danger-quiet", "remove");
    box.hidden = !box.children.length;
  }
}

/** @param {Seat} seat */
function shownFacts({
  id,
  name,
  role,
  kind,
  pair,
  speaks,
  mine,
  place,
  admitted,
  knocking,
  canBeShownOut,
}) {
  return [id, name, role, kind, pair, speaks, mine, place, admitted, knocking, canBeShownOut];
}
