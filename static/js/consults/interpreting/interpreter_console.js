// The interpreter's console: which language one speaks into, the cough button, handing over to a
// partner.
//
// For tests: switch (into-LANGUAGE, aria-checked), cough, hand-over, take-over, partners-toggle,
// worked.
import { closestElement, elementById, findElement, findElements } from "../../shared/dom.js";
import { announce, languageName, pageText } from "../page_text.js";
import { channelTowards, handoverGiver, liveChannel, otherChannel } from "./channel_choice.js";

const COUGH_KEY = "x";
const PRESS_KEYS = [" ", "Enter"];

/** @typedef {import("../room_state.d.ts").RoomState} RoomState */
/** @typedef {import("../room_state.d.ts").Seat} Seat */

export class InterpreterConsole {
  _isCoughing = false;
  /** @type {string | null} the language that the switch shows as live */
  _shownLive = null;

  /**
   * @param {import("../room/consult_room.js").ConsultRoom} room
   * @param {HTMLElement} section
   */
  constructor(room, section) {
    this._room = room;
    this._section = section;
    this._sides = findElements(section, "[data-channel]", HTMLButtonElement);
    this._channels = this._sides.map(channelOf);
    this._cough = findElement(section, '[data-do="cough"]', HTMLButtonElement);
    this._handOver = findElement(section, '[data-do="hand-over"]', HTMLButtonElement);
    for (const side of this._sides) {
      side.addEventListener("click", () => this._takeChannel(channelOf(side)));
    }
    document.addEventListener("keydown", (event) => this._keyPressed(event));
    document.addEventListener("keyup", ({ key }) => {
      if (key.toLowerCase() === COUGH_KEY) this._setCoughing(false);
    });
    this._wireCough();
    this._handOver.addEventListener("click", () =>
      room.act(this._handOver, "handover.offer", { offered: !room.state?.you.handingOver }),
    );
    const takeOver = findElement(section, '[data-do="take-over"]', HTMLButtonElement);
    takeOver.addEventListener("click", () =>
      room.act(takeOver, "handover.accept", { giver: takeOver.dataset.giver }),
    );
  }

  /**
   * @param {RoomState} state
   * @param {RoomState | null} [before]
   */
  show(state, before) {
    const mine = state.seats.find((seat) => seat.mine);
    if (!mine) return;
    this._showLive(mine.liveOn);
    const was = before?.seats.find((seat) => seat.mine);
    if (was && was.liveOn !== mine.liveOn && state.mode === "simultaneous") {
      const words = mine.liveOn
        ? pageText("saidLive", { language: languageName(mine.liveOn) })
        : pageText("saidResting");
      announce(words);
    }
    this._showOffer(handoverGiver(state.seats, mine));
    this._showHandOver(state, mine);
    const workedMs = mine.joinedAt ? Date.now() - Date.parse(mine.joinedAt) : 0;
    const count = Math.floor(workedMs / 60000);
    elementById("worked").textContent = pageText("workedMinutes", { count });
  }

  /** @param {Seat | undefined} giver */
  _showOffer(giver) {
    const offer = elementById("offer");
    offer.hidden = !giver;
    if (!giver) return;
    findElement(offer, "p").textContent = pageText("handOverAsked", giver);
    findElement(offer, "button").dataset.giver = giver.id;
  }

  /**
   * @param {RoomState} state
   * @param {Seat} mine
   */
  _showHandOver({ seats }, mine) {
    const hasPartner = seats.some(
      ({ mine: isMine, pair, place }) => !isMine && pair && place === "in",
    );
    this._handOver.disabled = !hasPartner || !mine.liveOn;
    this._handOver.setAttribute("aria-pressed", String(mine.handingOver));
    const words = pageText(mine.handingOver ? "handOverOffered" : "handOver");
    findElement(this._handOver, "[data-label]").textContent = words;
  }

  /** @param {string} channel */
  async _takeChannel(channel) {
    if (this._room.state?.mode !== "simultaneous") return;
    this._showLive(channel); // at once, like a light switch; the server's word follows and stands
    const isTaken = await this._room.act(null, "channel.take", { language: channel });
    if (!isTaken) this._showLive(this._room.state.you.liveOn);
  }

  /** @param {string | null} liveOn */
  _showLive(liveOn) {
    this._shownLive = liveOn;
    const live = liveChannel(this._channels, liveOn);
    for (const side of this._sides) {
      const isLive = channelOf(side) === live;
      side.setAttribute("aria-checked", String(isLive));
      side.tabIndex = isLive || (!liveOn && side === this._sides[0]) ? 0 : -1;
    }
  }

  /**
   * Space and the arrows flip the switch, wherever the interpreter is on the page.
   * @param {KeyboardEvent} event
   */
  _keyPressed(event) {
    const { key, target, repeat } = event;
    if (this._room.phase !== "room" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (closestElement(target, "input, textarea, select, dialog") || repeat) return;
    if (key.toLowerCase() === COUGH_KEY) {
      this._setCoughing(true);
      return;
    }
    if (this._room.state?.mode !== "simultaneous") return;
    const control = closestElement(target, "button, a, summary");
    const isOnOtherControl = control && !closestElement(target, ".switch");
    if (key === " " && !isOnOtherControl) {
      event.preventDefault();
      this._takeChannel(otherChannel(this._channels, this._shownLive));
    }
    if (key === "ArrowLeft" || key === "ArrowRight") {
      event.preventDefault();
      const isRtl = getComputedStyle(this._section).direction === "rtl";
      this._takeChannel(channelTowards(this._channels, key, isRtl));
    }
  }

  _wireCough() {
    const cough = this._cough;
    const release = () => this._setCoughing(false);
    cough.addEventListener("pointerdown", (event) => {
      cough.setPointerCapture(event.pointerId);
      this._setCoughing(true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) {
      cough.addEventListener(name, release);
    }
    cough.addEventListener("keydown", (event) => {
      if (!PRESS_KEYS.includes(event.key)) return;
      event.preventDefault();
      event.stopPropagation();
      this._setCoughing(true);
    });
    cough.addEventListener("keyup", ({ key }) => {
      if (PRESS_KEYS.includes(key)) release();
    });
    window.addEventListener("blur", release);
  }

  /** @param {boolean} isHeld */
  _setCoughing(isHeld) {
    if (this._isCoughing === isHeld) return;
    this._isCoughing = isHeld;
    const { mic, micOn } = this._room.devices;
    if (mic) mic.enabled = !isHeld && micOn;
    this._cough.setAttribute("aria-pressed", String(isHeld));
    if (isHeld) announce(pageText("coughing"), { now: true });
  }
}

/** @param {HTMLElement} side */
function channelOf(side) {
  return side.dataset.channel ?? "";
}
