// The consult page: waiting room, room, and what is outside of both. One page, so that nobody loads
// anything in between.
//
// For tests. `main[data-testid=consult]` has data-phase: loading | lobby | room | outside.
// Controls by data-testid:
//   lobby:  enter, lobby-mic, lobby-camera, pick-camera, pick-microphone, pick-speaker, tone,
//           lobby-status, lobby-people
//   people: admit-ROLE, send-back-ROLE, remove-ROLE (in `people` or `lobby-people`); people-toggle
//   bar:    mic, camera, screen, listen, chat-toggle, people-toggle, settings-toggle, leave;
//           more (on a phone)
//   chat:   chat-input, chat-send, chat-lines (li[data-number]), chat-error; unread
//   end:    leave-dialog, end, leave-now, stay; outside, return
//   tiles:  tile-own, tile-ROLE, tile-stage; classes is-large, is-speaking, no-picture, is-away
//   words:  line-state (data-quality: connecting | good | weak | poor | lost), narrow, banner,
//           clock, tap-to-hear
//
// Languages: see consults/interpreting. What a page can be asked: see test_probe.js.
import { elementById, findElement, findElements, optionalElementById } from "../../shared/dom.js";
import { asError } from "../../shared/requests.js";
import { InterpreterConsole } from "../interpreting/interpreter_console.js";
import { ListeningPanel } from "../interpreting/listening_panel.js";
import { LocalDevices } from "../media/local_devices.js";
import { announce, pageFacts, pageText } from "../page_text.js";
import { RecordingControls } from "../recording/recording_controls.js";
import { TeachbackPanel } from "../teachback/teachback_panel.js";
import { ChatPanel } from "./chat_panel.js";
import { consultMinutes } from "./consult_clock.js";
import { ControlBar } from "./control_bar.js";
import { MediaCall } from "./media_call.js";
import { PeopleList } from "./people_list.js";
import { changeWords } from "./seat_changes.js";
import { SidePanels } from "./side_panels.js";
import { SignallingChannel } from "./signalling_channel.js";
import { WaitingRoom } from "./waiting_room.js";

const REDRAW_MS = 15000;
const RETURN_KEY = "consult-return";
const CONFLICT = 409;

/** @typedef {import("../room_state.d.ts").RoomState} RoomState */
/** @typedef {import("../room_state.d.ts").Seat} Seat */
/** @typedef {"loading" | "lobby" | "room" | "outside"} Phase */

export class ConsultRoom {
  /** @type {RoomState | null} */
  state = null;
  /** @type {Phase} */
  phase = "loading";
  /** The person has asked to enter and may still have to be let in. */
  _wantsIn = false;

  constructor() {
    const main = elementById("main");
    const { ticket, seat } = pageFacts;
    this._main = main;
    this.ownSeat = seat;
    this.devices = new LocalDevices();
    this.signalling = new SignallingChannel({ ticket, chatAfter: () => this.chat.last });
    this.chat = new ChatPanel(this.signalling, seat, elementById("panel-chat"));
    const partnersPanel = optionalElementById("panel-partners");
    this.partners =
      partnersPanel && new ChatPanel(this.signalling, seat, partnersPanel, "interpreters");
    this.panels = new SidePanels(main);
    this.call = new MediaCall(this);
    this.people = new PeopleList(findElements(main, "[data-people]"), (event, { id }, button) =>
      this.act(button, event, { seat: id }),
    );
    this.waitingRoom = new WaitingRoom(this);
    this.listening = new ListeningPanel(this, main);
    const consoleSection = optionalElementById("console");
    this.interpreterConsole = consoleSection && new InterpreterConsole(this, consoleSection);
    this.teachback = new TeachbackPanel(this);
    this.recording = new RecordingControls(this);
    this.bar = new ControlBar(this, main);
    this._listen();
    setInterval(() => this.phase === "room" && this.draw(), REDRAW_MS);
  }

  get mixer() {
    return this.call.mixer;
  }

  get tiles() {
    return this.call.tiles;
  }

  async start() {
    await this.devices.open();
    this.waitingRoom.show();
    this.signalling.open();
  }

  /** @param {Phase} phase */
  setPhase(phase) {
    this.phase = phase;
    this._main.dataset.phase = phase;
  }

  // ------------------------------------------------------------ what the server says

  _listen() {
    const { signalling } = this;
    signalling.on("seated", (detail) => this._seated(detail));
    signalling.on("state", (state) => this._show(state));
    signalling.on("chat.line", (line) => {
      const panel = line.channel === "everyone" ? this.chat : this.partners;
      panel?.receive([line]);
    });
    signalling.on("here", (here) => this._catchUp(here));
    signalling.on("lost", () => {
      this.call.sayConnection();
      this.call.connection.check();
    });
    signalling.on("refused", ({ error }) => this.refuse(error));
    signalling.on("seat.taken", () => this.showOutside("taken"));
    signalling.on("seat.removed", () => this.showOutside("removed"));
    signalling.on("seat.sent_back", () => this._sentBack());
    signalling.on("ended", () => this._ended());
    signalling.on("media.moved", () => {
      if (this.phase === "room") this.call.connection.rejoin("moved");
    });
    signalling.on("teach", ({ points }) => this.teachback.show(points));
    signalling.on("caption", (caption) => this.teachback.showCaption(caption));
    signalling.on("signal", (detail) => {
      if (this.phase === "room") this.listening.showSignal(detail);
    });
    signalling.on("speaking", (detail) => this.tiles.showSpeaking(detail));
    signalling.on("quality", (detail) => {
      if (detail.seat === this.ownSeat) this.call.showQuality(detail);
    });
    signalling.on("streams", (detail) => this.call.showStreams(detail));
  }

  /** @param {import("../signalling_events.d.ts").SignallingEvents["seated"]} detail */
  async _seated({ state, chat, partners, again }) {
    this._show(state);
    this.chat.receive(chat, { quiet: !again });
    this.partners?.receive(partners, { quiet: !again });
    const isReturning = sessionStorage.getItem(RETURN_KEY) !== null;
    sessionStorage.removeItem(RETURN_KEY);
    // After a reload, or when the connection is back: who was inside goes on inside, without a
    // question.
    if (this.phase === "room") await this._takePlace().catch(() => {});
    else if (state.you.entered || (isReturning && state.you.admitted)) await this.enter();
    this.call.seated();
    this._flushChats();
  }

  /**
   * What the server's heartbeat says was missed.
   * @param {import("../signalling_events.d.ts").SignallingEvents["here"]} here
   */
  _catchUp({ version, chatCount, partnerCount }) {
    if (version > (this.state?.version ?? 0)) {
      this.signalling.takeSeat();
      return;
    }
    if (this.phase !== "room") return;
    if (chatCount > this.chat.last) this.chat.fill();
    if (this.partners && partnerCount > this.partners.last) this.partners.fill();
    this._flushChats();
  }

  _flushChats() {
    this.chat.flush();
    this.partners?.flush();
  }

  /** @param {RoomState} state of any version: an older one than what is shown changes nothing */
  _show(state) {
    if (this.state && state.version < this.state.version) return;
    const before = this.state;
    this.state = state;
    this._main.dataset.mode = state.mode;
    if (before) this._sayChanges(before.seats, state);
    this.people.show(state.seats, state.you);
    const knocking = state.you.canAdmit ? state.seats.filter(isKnocking).length : 0;
    this.panels.count("knocking", knocking, pageText("waitingCount", { count: knocking }));
    this.waitingRoom.update(state);
    if (this.phase === "lobby" && this._wantsIn && state.you.admitted && state.you.entered) {
      this._goIn();
    }
    if (this.phase === "room") this.draw(before);
    this.recording.show(state.recording, this.phase === "room");
  }

  /**
   * @param {Seat[]} before
   * @param {RoomState} state
   */
  _sayChanges(before, { seats, you }) {
    for (const { seat, words } of changeWords(before, seats)) {
      const sentence = pageText(words, seat);
      announce(sentence);
      const isForMe = seat.place === "waiting" && words !== "sharesScreen" && you.canAdmit;
      if (isForMe && this.phase === "room") this.flash(sentence);
    }
  }

  // ------------------------------------------------------------ going in, and coming out

  /** The click that enters: it also lets the page play sound. */
  async enter() {
    this._wantsIn = true;
    await this.mixer.resume();
    try {
      await this._takePlace();
    } catch (thrown) {
      const error = asError(thrown);
      if (error.status) this.refuse(error);
    }
  }

  async _takePlace() {
    const { micOn, camera } = this.devices;
    const { state, chat, partners } = await this.signalling.request("seat.enter", {
      mic: micOn,
      camera: Boolean(camera),
    });
    this._show(state);
    this.chat.receive(chat, { quiet: true });
    this.partners?.receive(partners, { quiet: true });
    if (state.you.place === "in") this.teachback.load();
    if (this.phase === "room") this.bar.tellDevices({ always: true });
  }

  _goIn() {
    this.setPhase("room");
    this.waitingRoom.hide();
    elementById("outside").hidden = true;
    elementById("room").hidden = false;
    announce(pageText("letIn"), { now: true });
    this.teachback.load();
    this.draw();
    this.call.start(this.devices);
    this._main.focus({ preventScroll: true });
  }

  _sentBack() {
    this.call.close();
    this._wantsIn = false;
    this.setPhase("lobby");
    elementById("room").hidden = true;
    this.waitingRoom.show();
    this.waitingRoom.say(pageText("sentBack"));
    announce(pageText("sentBack"), { now: true });
  }

  _ended() {
    this._closeAll();
    window.location.assign(pageFacts.after);
  }

  async leave() {
    await this.signalling.request("seat.leave").catch(() => {});
    this.showOutside("left");
  }

  /** @param {Error & { status?: number }} error */
  refuse(error) {
    if (error.status === CONFLICT && this.state?.over) this._ended();
    else this.showOutside("refused", error.message);
  }

  /**
   * @param {"taken" | "removed" | "left" | "refused"} reason
   * @param {string} [text] instead of the page's own sentence
   */
  showOutside(reason, text) {
    this._closeAll();
    elementById("outside").hidden = false;
    elementById("outside-title").textContent = pageText(`${reason}Title`);
    elementById("outside-text").textContent = text || pageText(`${reason}Text`);
    const button = findElement(this._main, '[data-do="return"]');
    button.textContent = pageText(
      { taken: "takeBack", left: "comeBack", refused: "tryAgain", removed: "tryAgain" }[reason],
    );
    button.hidden = reason === "removed";
    elementById("outside-title").focus();
  }

  _closeAll() {
    this.call.close();
    this.signalling.close();
    this.devices.close();
    this.setPhase("outside");
    this.waitingRoom.hide();
    elementById("room").hidden = true;
  }

  /** @param {RoomState | null} [before] */
  draw(before) {
    if (!this.state) return;
    this.call.show(this.state.seats);
    this.listening.show(this.state, before);
    this.interpreterConsole?.show(this.state, before);
    this._showClock(this.state);
  }

  /** @param {RoomState} state */
  _showClock(state) {
    const count = consultMinutes(state, Date.now());
    if (count === null) return;
    const words = pageText(state.pausedAt ? "clockPaused" : "minutes", { count });
    elementById("clock").textContent = words;
  }

  /**
   * Asks the server for what a button stands for, and says what it answers when it refuses.
   * @param {HTMLButtonElement | HTMLInputElement | HTMLSelectElement | null} control waits
   *   meanwhile
   * @param {string} event
   * @param {object} [message]
   * @returns {Promise<unknown>} the answer; null when the server refused
   */
  async act(control, event, message = {}) {
    if (control) control.disabled = true;
    try {
      return await this.signalling.request(event, message);
    } catch (error) {
      this.flash(asError(error).message);
      return null;
    } finally {
      if (control) control.disabled = false;
    }
  }

  /** @param {string} sentence */
  flash(sentence, { announced = false, strong = false } = {}) {
    this.panels.flash(sentence, strong);
    if (announced) announce(sentence, { now: true });
  }
}

/** @param {Seat} seat */
function isKnocking({ place, admitted, mine }) {
  return place === "waiting" && !admitted && !mine;
}
