// The recording: the sign, the question to each person, withdrawing, and what shall become of what there is.
//
// For tests: recording-sign (data-state: asked | running | paused; a button), recording-toggle (among the people), recording-ask, recording-agree,
// recording-refuse, recording-menu, recording-begin, recording-withdraw, recording-stop, recording-purge,
// recording-delete, recording-delete-sure, recording-keep.
import { formatList } from "../../shared/text.js";
import { announce, pageText } from "../page_text.js";

const byId = (id) => document.getElementById(id);

export class RecordingControls {
  constructor(room) {
    this._room = room;
    this._state = null;
    this._sign = byId("recording-sign");
    this._ask = byId("recording-ask");
    this._menu = byId("recording-menu");
    this._purge = byId("recording-purge");
    this._toggle = byId("recording-toggle");
    for (const button of [this._toggle, this._sign])
      button.addEventListener("click", () => this._menu.showModal());
    this._ask.addEventListener("click", ({ target }) =>
      this._answered(target.closest("[data-agrees]")),
    );
    // A question is not closed by the way: it stays until it is answered, or no longer asked.
    for (const dialog of [this._ask, this._purge])
      dialog.addEventListener("cancel", (event) => event.preventDefault());
    this._menu.addEventListener("click", ({ target }) =>
      this._chosen(target.closest("[data-recording]")),
    );
    this._purge.addEventListener("click", ({ target }) =>
      this._decided(target.closest("[data-decide]")),
    );
  }

  show({ recording: now }, isInside) {
    const before = this._state;
    this._state = now;
    const isOpen = ["asked", "running", "paused"].includes(now.state);
    this._showSign(now);
    byId("lobby-recording").hidden = isInside || now.state !== "running";
    if (before && isInside && before.state !== now.state) this._say(before.state, now.state);
    byId("recording-asker").textContent = now.by
      ? pageText("recordingAskedBy", { name: now.by })
      : "";
    byId("recording-words").textContent = this._words(now);
    this._toggle.hidden = !now.canAsk || isOpen;
    const offered = {
      ask: now.canAsk && !isOpen,
      agree: isOpen && !now.agreed,
      withdraw: isOpen && now.agreed,
      stop: isOpen && now.canAsk,
    };
    for (const [name, isOffered] of Object.entries(offered))
      this._menu.querySelector(`[data-recording="${name}"]`).hidden = !isOffered;
    byId("recording-hint").hidden = !offered.ask;
    this._open(this._ask, isInside && isOpen && !now.agreed);
    this._open(this._purge, isInside && now.mayPurge);
  }

  /** It stands for as long as it runs, and leads to the way out of it. */
  _showSign({ state, waitingFor }) {
    const waits = () => pageText("recordingWaits", { names: formatList(waitingFor) });
    const sentence = {
      running: () => pageText("recordingRuns"),
      paused: () => pageText("recordingPaused"),
      asked: waits,
    }[state]?.();
    this._sign.hidden = !sentence;
    this._sign.dataset.state = state;
    const place = this._sign.firstElementChild;
    if (sentence && place.textContent !== sentence) place.textContent = sentence;
  }

  _open(dialog, isWanted) {
    if (isWanted === dialog.open) return;
    if (!isWanted) return dialog.close();
    if (this._menu.open) this._menu.close();
    this._step("choose");
    dialog.showModal();
  }

  _words({ state, waitingFor }) {
    if (waitingFor.length) return pageText("recordingWaits", { names: formatList(waitingFor) });
    return pageText(
      { running: "recordingRuns", stopped: "recordingStopped", paused: "recordingPaused" }[state] ??
        "recordingNone",
    );
  }

  _say(before, now) {
    const gone = before === "asked" ? "recordingDeclined" : "recordingGone";
    const words = {
      running: "recordingBegan",
      paused: "recordingPausedNow",
      stopped: "recordingStopped",
      none: gone,
    }[now];
    if (!words) return;
    announce(pageText(words), { now: true });
    this._room.flash(pageText(words));
  }

  async _answered(button) {
    if (button)
      await this._room.act(button, "recording.answer", {
        agrees: button.dataset.agrees === "yes",
        seat: this._room.ownSeat,
      });
  }

  async _chosen(button) {
    if (!button) return;
    this._menu.close();
    const { recording: what } = button.dataset;
    const { ownSeat: seat } = this._room;
    if (what === "ask") await this._room.act(button, "recording.ask");
    if (what === "agree") await this._room.act(button, "recording.answer", { agrees: true, seat });
    if (what === "withdraw")
      await this._room.act(button, "recording.answer", { agrees: false, seat });
    if (what === "stop") await this._room.act(button, "recording.stop");
  }

  async _decided(button) {
    const what = button?.dataset.decide;
    if (what === "purge") this._step("sure");
    if (what === "back") this._step("choose");
    if (what === "keep" || what === "sure")
      await this._room.act(button, "recording.decide", { purges: what === "sure" });
  }

  _step(name) {
    this._purge
      .querySelectorAll("[data-step]")
      .forEach((one) => (one.hidden = one.dataset.step !== name));
  }
}
