// Hearing in one's own language: the listening panel, the signals to whoever speaks, and the pause.
//
// For tests: listens, original-gain, mode-consecutive, mode-simultaneous; ask, signal-slower |
// -repeat | -explain; paused.
import { elementById, findElement, findElements } from "../../shared/dom.js";
import { announce, languageName, pageText } from "../page_text.js";
import { baseLanguage, gainOf, listeningWords, offeredLanguages } from "./channel_choice.js";

const SLIDER_SETTLED_MS = 250; // the server is told when the slider rests

/** @typedef {import("../room_state.d.ts").RoomState} RoomState */
/** @typedef {import("../room_state.d.ts").Seat} Seat */

export class ListeningPanel {
  /** @type {number | null} the slider's gain until the server has confirmed it */
  _draggedGain = null;
  /** @type {number | undefined} */
  _sliderTimer;
  _shownTags = "";

  /**
   * @param {import("../room/consult_room.js").ConsultRoom} room
   * @param {HTMLElement} main
   */
  constructor(room, main) {
    this._room = room;
    this._listens = findElement(main, '[data-do="listens"]', HTMLSelectElement);
    this._modes = findElements(main, '[data-do="mode"]', HTMLInputElement);
    this._wireSlider(findElement(main, '[data-do="original"]', HTMLInputElement));
    this._listens.addEventListener("change", () =>
      room.act(this._listens, "listen.set", { listens: this._listens.value }),
    );
    for (const radio of this._modes) radio.addEventListener("change", () => this._setMode(radio));
    for (const button of findElements(main, "[data-signal]", HTMLButtonElement)) {
      button.addEventListener("click", () => this._raiseSignal(button));
    }
  }

  /**
   * @param {RoomState} state
   * @param {RoomState | null} [before]
   */
  show(state, before) {
    this._applyGains(state, before);
    this._showWords(state);
    this._showPause(state, before);
    if (!before || before.mode === state.mode) return;
    const words = state.mode === "simultaneous" ? "modeSimultaneous" : "modeConsecutive";
    this._room.flash(pageText(words), { announced: true });
  }

  /**
   * Somebody asks whoever speaks, who sees it large.
   * @param {{ seat: string, signal: string }} detail
   */
  showSignal({ seat: id, signal }) {
    const seat = this._room.state?.seats.find((other) => other.id === id);
    if (!seat || seat.mine) return;
    const isToMe = this._room.tiles.speaker === this._room.ownSeat;
    this._room.flash(pageText(`asked_${signal}`, seat), { announced: true, strong: isToMe });
  }

  /**
   * A voice that comes back, or goes, because of a pause moves slowly.
   * @param {RoomState} state
   * @param {RoomState | null} [before]
   */
  _applyGains(state, before) {
    const deliberate = Boolean(before && Boolean(before.pausedAt) !== Boolean(state.pausedAt));
    for (const seat of state.seats) {
      if (seat.slot == null) continue;
      this._room.mixer.setGain(seat.slot, gainOf(seat, this._draggedGain), { deliberate });
    }
  }

  /** @param {RoomState} state */
  _showWords(state) {
    const mine = state.seats.find((seat) => seat.mine);
    if (!mine) return;
    const language = languageName(mine.listens);
    elementById("listen-label").textContent = pageText("listening", { language });
    const how = mine.pair ? "" : pageText(listeningWords(state));
    elementById("listen-words").textContent = `${pageText("listenIn", { language })}. ${how}`;
    const tags = offeredLanguages(state, mine);
    if (this._shownTags !== tags.join()) {
      this._shownTags = tags.join();
      this._listens.replaceChildren(...tags.map((tag) => new Option(languageName(tag), tag)));
    }
    this._listens.value = baseLanguage(mine.listens);
    for (const radio of this._modes) radio.checked = radio.value === state.mode;
  }

  /**
   * @param {RoomState} state
   * @param {RoomState | null} [before]
   */
  _showPause(state, before) {
    const place = elementById("paused");
    const sought = state.interpreterSought ? pageText("sought") : "";
    const words = state.pausedAt ? pageText("paused") : sought;
    place.hidden = !words;
    if (place.textContent !== words) place.textContent = words;
    if (before?.pausedAt && !words) this._room.flash(pageText("resumed"), { announced: true });
  }

  /** @param {HTMLInputElement} slider */
  _wireSlider(slider) {
    slider.addEventListener("input", () => {
      this._draggedGain = Number(slider.value);
      if (this._room.state) this._applyGains(this._room.state);
      clearTimeout(this._sliderTimer);
      this._sliderTimer = setTimeout(() => this._tellGain(), SLIDER_SETTLED_MS);
    });
  }

  async _tellGain() {
    const gain = this._draggedGain;
    await this._room.act(null, "listen.set", { gain });
    if (this._draggedGain === gain) this._draggedGain = null;
  }

  /** @param {HTMLInputElement} radio */
  async _setMode(radio) {
    const isSet = await this._room.act(radio, "mode.set", { mode: radio.value });
    if (!isSet && this._room.state) this._showWords(this._room.state);
  }

  /** @param {HTMLButtonElement} button */
  async _raiseSignal(button) {
    const { signal } = button.dataset;
    if (!(await this._room.act(button, "signal.raise", { signal }))) return;
    this._room.panels.close();
    announce(pageText("youAsked"));
  }
}
