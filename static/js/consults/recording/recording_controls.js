// The recording: the sign, the question to each person, withdrawing, and whether to keep what was
// recorded so far.
//
// For tests: recording-sign (data-state: asked | running | paused; a button), recording-toggle
// (among the people), recording-ask, recording-agree, recording-refuse, recording-menu,
// recording-begin, recording-withdraw, recording-stop, recording-purge, recording-delete,
// recording-delete-sure, recording-keep.
import { closestElement, elementById, findElement, findElements } from "../../shared/dom.js";
import { formatList } from "../../shared/text.js";
import { announce, pageText } from "../page_text.js";

const OPEN_STATES = ["asked", "running", "paused"];

/** @typedef {import("../room_state.d.ts").RecordingState} RecordingState */

export class RecordingControls {
  /** @type {RecordingState | null} */
  _state = null;

  /** @param {import("../room/consult_room.js").ConsultRoom} room */
  constructor(room) {
    this._room = room;
    this._sign = elementById("recording-sign");
    this._ask = elementById("recording-ask", HTMLDialogElement);
    this._menu = elementById("recording-menu", HTMLDialogElement);
    this._purge = elementById("recording-purge", HTMLDialogElement);
    this._toggle = elementById("recording-toggle");
    for (const button of [this._toggle, this._sign]) {
      button.addEventListener("click", () => this._menu.showModal());
    }
    // Escape does not close a question: it stays until it is answered, or no longer asked.
    for (const dialog of [this._ask, this._purge]) {
      dialog.addEventListener("cancel", (event) => event.preventDefault());
    }
    onButton(this._ask, "[data-agrees]", (button) => this._answer(button));
    onButton(this._menu, "[data-recording]", (button) => this._choose(button));
    onButton(this._purge, "[data-decide]", (button) => this._decide(button));
  }

  /**
   * @param {RecordingState} now
   * @param {boolean} isInside the room, not the waiting room
   */
  show(now, isInside) {
    const before = this._state;
    this._state = now;
    const isOpen = OPEN_STATES.includes(now.state);
    this._showSign(now);
    elementById("lobby-recording").hidden = isInside || now.state !== "running";
    if (before && isInside && before.state !== now.state) this._sayChange(before.state, now.state);
    const asker = now.by ? pageText("recordingAskedBy", { name: now.by }) : "";
    elementById("recording-asker").textContent = asker;
    elementById("recording-words").textContent = menuWords(now);
    this._toggle.hidden = !now.canAsk || isOpen;
    const offered = {
      ask: now.canAsk && !isOpen,
      agree: isOpen && !now.agreed,
      withdraw: isOpen && now.agreed,
      stop: isOpen && now.canAsk,
    };
    for (const [name, isOffered] of Object.entries(offered)) {
      findElement(this._menu, `[data-recording="${name}"]`).hidden = !isOffered;
    }
    elementById("recording-hint").hidden = !offered.ask;
    this._setOpen(this._ask, isInside && isOpen && !now.agreed);
    this._setOpen(this._purge, isInside && now.mayPurge);
  }

  /**
   * It stays for as long as it records, and leads to the way out of it.
   * @param {RecordingState} now
   */
  _showSign({ state, waitingFor }) {
    const words = signWords(state, waitingFor);
    this._sign.hidden = !words;
    this._sign.dataset.state = state;
    const place = findElement(this._sign, "span");
    if (words && place.textContent !== words) place.textContent = words;
  }

  /**
   * @param {HTMLDialogElement} dialog
   * @param {boolean} isWanted
   */
  _setOpen(dialog, isWanted) {
    if (isWanted === dialog.open) return;
    if (!isWanted) {
      dialog.close();
      return;
    }
    if (this._menu.open) this._menu.close();
    this._showStep("choose");
    dialog.showModal();
  }

  /**
   * @param {RecordingState["state"]} before
   * @param {RecordingState["state"]} now
   */
  _sayChange(before, now) {
    const name = {
      asked: "",
      running: "recordingBegan",
      paused: "recordingPausedNow",
      stopped: "recordingStopped",
      none: before === "asked" ? "recordingDeclined" : "recordingGone",
    }[now];
    if (!name) return;
    announce(pageText(name), { now: true });
    this._room.flash(pageText(name));
  }

  /** @param {HTMLButtonElement} button */
  async _answer(button) {
    const agrees = button.dataset.agrees === "yes";
    await this._room.act(button, "recording.answer", { agrees, seat: this._room.ownSeat });
  }

  /** @param {HTMLButtonElement} button */
  async _choose(button) {
    this._menu.close();
    const { recording: choice } = button.dataset;
    const { ownSeat: seat } = this._room;
    if (choice === "ask") await this._room.act(button, "recording.ask");
    if (choice === "stop") await this._room.act(button, "recording.stop");
    if (choice === "agree" || choice === "withdraw") {
      const agrees = choice === "agree";
      await this._room.act(button, "recording.answer", { agrees, seat });
    }
  }

  /** @param {HTMLButtonElement} button */
  async _decide(button) {
    const { decide: choice } = button.dataset;
    if (choice === "purge") this._showStep("sure");
    if (choice === "back") this._showStep("choose");
    if (choice === "keep" || choice === "sure") {
      await this._room.act(button, "recording.decide", { purges: choice === "sure" });
    }
  }

  /** @param {string} name */
  _showStep(name) {
    for (const step of findElements(this._purge, "[data-step]")) {
      step.hidden = step.dataset.step !== name;
    }
  }
}

/**
 * @param {RecordingState["state"]} state
 * @param {string[]} waitingFor
 */
function signWords(state, waitingFor) {
  if (state === "running") return pageText("recordingRuns");
  if (state === "paused") return pageText("recordingPaused");
  return state === "asked" ? pageText("recordingWaits", { names: formatList(waitingFor) }) : "";
}

/** @param {RecordingState} now */
function menuWords({ state, waitingFor }) {
  if (waitingFor.length) return pageText("recordingWaits", { names: formatList(waitingFor) });
  if (state === "running") return pageText("recordingRuns");
  if (state === "stopped") return pageText("recordingStopped");
  return pageText(state === "paused" ? "recordingPaused" : "recordingNone");
}

/**
 * @param {HTMLElement} root
 * @param {string} selector
 * @param {(button: HTMLButtonElement) => void} act
 */
function onButton(root, selector, act) {
  root.addEventListener("click", ({ target }) => {
    const button = closestElement(target, selector, HTMLButtonElement);
    if (button) act(button);
  });
}
