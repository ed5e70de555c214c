// Hearing in one's own language: the listening panel, the signals, the pause, and the interpreter's console.
//
// For tests: switch (into-LANGUAGE, aria-checked), cough, hand-over, take-over, partners-toggle, worked; listens,
// original-gain, mode-consecutive, mode-simultaneous; ask, signal-slower | -repeat | -explain; paused.
import { announce, languageName, pageText } from "../page_text.js";

const SETTLED_MS = 250; // a slider is told to the server when it rests
const byId = (id) => document.getElementById(id);

export class Languages {
  constructor(room) {
    this._room = room;
    this._main = byId("main");
    this._console = byId("console");
    this._coughs = false;
    this._listening();
    this._signals();
    if (this._console) this._switch();
  }

  show(state, before) {
    const mine = state.seats.find((seat) => seat.mine);
    this._gains(state, before);
    this._words(state, mine);
    this._pause(state, before);
    if (before && before.mode !== state.mode)
      this._room.flash(
        pageText(state.mode === "simultaneous" ? "modeSimultaneous" : "modeConsecutive"),
        { announced: true },
      );
    if (this._console)
      this._showConsole(
        state,
        mine,
        before?.seats.find((seat) => seat.mine),
      );
  }

  /** A voice that comes back, or goes, because of a pause moves slowly. */
  _gains(state, before) {
    const deliberate = Boolean(before) && Boolean(before.pausedAt) !== Boolean(state.pausedAt);
    for (const seat of state.seats) {
      if (seat.slot == null) continue;
      const isInside = seat.place === "in" || seat.place === "away";
      const gain = seat.sound === "ducked" && this._dragging != null ? this._dragging : seat.gain;
      this._room.mixer.setGain(seat.slot, isInside ? gain : 0, { deliberate });
    }
  }

  _words(state, mine) {
    byId("listen-label").textContent = pageText("listening", {
      language: languageName(mine.listens),
    });
    const heard = state.seats.map((seat) => seat.sound);
    const how =
      state.mode === "consecutive"
        ? "hearEveryone"
        : heard.includes("ducked") || heard.includes("interpreter")
          ? "originalSoft"
          : "noInterpreterForYou";
    byId("listen-words").textContent =
      `${pageText("listenIn", { language: languageName(mine.listens) })}. ${mine.pair ? "" : pageText(how)}`;
    const select = this._main.querySelector('[data-do="listens"]');
    const tags = [...new Set([...state.languages, mine.listens.split("-")[0]])];
    if (select.dataset.tags !== tags.join()) {
      select.dataset.tags = tags.join();
      select.replaceChildren(...tags.map((tag) => new Option(languageName(tag), tag)));
    }
    select.value = mine.listens.split("-")[0];
    for (const radio of this._main.querySelectorAll('[data-do="mode"]'))
      radio.checked = radio.value === state.mode;
  }

  _pause(state, before) {
    const place = byId("paused");
    const words = state.pausedAt
      ? pageText("paused")
      : state.interpreterSought
        ? pageText("sought")
        : "";
    place.hidden = !words;
    if (place.textContent !== words) place.textContent = words;
    if (before?.pausedAt && !state.pausedAt && !state.interpreterSought)
      this._room.flash(pageText("resumed"), { announced: true });
  }

  // ------------------------------------------------------------ listening and asking

  _listening() {
    const slider = this._main.querySelector('[data-do="original"]');
    slider.addEventListener("input", () => {
      this._dragging = Number(slider.value);
      this._gains(this._room.state);
      clearTimeout(this._later);
      this._later = setTimeout(() => this._tellGain(), SETTLED_MS);
    });
    this._main
      .querySelector('[data-do="listens"]')
      .addEventListener("change", (event) =>
        this._room.act(event.target, "listen.set", { listens: event.target.value }),
      );
    for (const radio of this._main.querySelectorAll('[data-do="mode"]')) {
      radio.addEventListener("change", async () => {
        if (await this._room.act(radio, "mode.set", { mode: radio.value })) return;
        this._words(
          this._room.state,
          this._room.state.seats.find((seat) => seat.mine),
        );
      });
    }
  }

  async _tellGain() {
    const gain = this._dragging;
    await this._room.act(null, "listen.set", { gain });
    if (this._dragging === gain) this._dragging = null;
  }

  _signals() {
    for (const button of this._main.querySelectorAll("[data-signal]")) {
      button.addEventListener("click", async () => {
        if (!(await this._room.act(button, "signal.raise", { signal: button.dataset.signal })))
          return;
        this._room.panels.close();
        announce(pageText("youAsked"));
      });
    }
  }

  /** Somebody asks; whoever speaks sees it large. */
  asked({ seat: id, signal }) {
    const seat = this._room.state.seats.find((one) => one.id === id);
    if (!seat || seat.mine) return;
    this._room.flash(pageText(`asked_${signal}`, seat), {
      announced: true,
      strong: this._room.tiles.speaker === this._room.ownSeat,
    });
  }

  // ------------------------------------------------------------ the interpreter's console

  _switch() {
    this._sides = [...this._console.querySelectorAll("[data-channel]")];
    for (const side of this._sides)
      side.addEventListener("click", () => this._take(side.dataset.channel));
    document.addEventListener("keydown", (event) => this._key(event));
    document.addEventListener(
      "keyup",
      (event) => event.key.toLowerCase() === "x" && this._cough(false),
    );
    const cough = this._console.querySelector('[data-do="cough"]');
    cough.addEventListener("pointerdown", (event) => {
      cough.setPointerCapture(event.pointerId);
      this._cough(true);
    });
    for (const name of ["pointerup", "pointercancel", "lostpointercapture", "blur"])
      cough.addEventListener(name, () => this._cough(false));
    cough.addEventListener(
      "keydown",
      (event) =>
        [" ", "Enter"].includes(event.key) &&
        (event.preventDefault(), event.stopPropagation(), this._cough(true)),
    );
    cough.addEventListener(
      "keyup",
      (event) => [" ", "Enter"].includes(event.key) && this._cough(false),
    );
    window.addEventListener("blur", () => this._cough(false));
    this._console.querySelector('[data-do="hand-over"]').addEventListener("click", (event) =>
      this._room.act(event.currentTarget, "handover.offer", {
        offered: !this._room.state.you.handingOver,
      }),
    );
    this._console.querySelector('[data-do="take-over"]').addEventListener("click", (event) =>
      this._room.act(event.currentTarget, "handover.accept", {
        giver: event.currentTarget.dataset.giver,
      }),
    );
  }

  async _take(language) {
    if (this._room.state.mode !== "simultaneous") return;
    this._press(language); // at once, like a light switch; the server's word follows and stands
    if (!(await this._room.act(null, "channel.take", { language })))
      this._press(this._room.state.you.liveOn);
  }

  /** Space and the arrows flip the switch, wherever the interpreter is on the page. */
  _key(event) {
    if (this._room.phase !== "room" || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest?.("input, textarea, select, dialog")) return;
    if (event.key.toLowerCase() === "x" && !event.repeat) return this._cough(true);
    if (this._room.state.mode !== "simultaneous" || event.repeat) return;
    const isOnButton =
      event.target.closest?.("button, a, summary") && !event.target.closest(".switch");
    if (event.key === " " && !isOnButton) {
      event.preventDefault();
      this._take(this._other().dataset.channel);
    }
    if (["ArrowLeft", "ArrowRight"].includes(event.key)) {
      event.preventDefault();
      const towardsEnd =
        (event.key === "ArrowRight") === (getComputedStyle(this._console).direction === "ltr");
      this._take(this._sides[towardsEnd ? 1 : 0].dataset.channel);
    }
  }

  _other() {
    return (
      this._sides.find((side) => side.getAttribute("aria-checked") !== "true") ?? this._sides[0]
    );
  }

  _cough(isHeld) {
    if (this._coughs === isHeld) return;
    this._coughs = isHeld;
    const { mic, micOn } = this._room.devices;
    if (mic) mic.enabled = !isHeld && micOn;
    this._console.querySelector('[data-do="cough"]').setAttribute("aria-pressed", String(isHeld));
    if (isHeld) announce(pageText("coughing"), { now: true });
  }

  _press(language) {
    for (const side of this._sides) {
      const isLive =
        Boolean(language) && side.dataset.channel.split("-")[0] === language.split("-")[0];
      side.setAttribute("aria-checked", String(isLive));
      side.tabIndex = isLive || (!language && side === this._sides[0]) ? 0 : -1;
    }
  }

  _showConsole(state, mine, before) {
    this._press(mine.liveOn);
    if (before && before.liveOn !== mine.liveOn && state.mode === "simultaneous") {
      announce(
        mine.liveOn
          ? pageText("saidLive", { language: languageName(mine.liveOn) })
          : pageText("saidResting"),
      );
    }
    const giver = state.seats.find(
      (seat) =>
        !seat.mine &&
        seat.handingOver &&
        mine.pair.some((tag) => tag.split("-")[0] === seat.liveOn),
    );
    const offer = byId("offer");
    offer.hidden = !giver;
    if (giver) {
      offer.querySelector("p").textContent = pageText("handOverAsked", giver);
      offer.querySelector("button").dataset.giver = giver.id;
    }
    const partners = state.seats.some((seat) => !seat.mine && seat.pair && seat.place === "in");
    const handOver = this._console.querySelector('[data-do="hand-over"]');
    handOver.disabled = !partners || !mine.liveOn;
    handOver.setAttribute("aria-pressed", String(mine.handingOver));
    handOver.querySelector("[data-label]").textContent = pageText(
      mine.handingOver ? "handOverOffered" : "handOver",
    );
    const minutes = mine.joinedAt
      ? Math.floor((Date.now() - Date.parse(mine.joinedAt)) / 60000)
      : 0;
    byId("worked").textContent = pageText("workedMinutes", { count: minutes });
  }
}
