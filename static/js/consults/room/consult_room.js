// The consult page: waiting room, room, and what is outside of both. One page, so that nobody loads anything in between.
//
// For tests. `main[data-testid=consult]` has data-phase: loading | lobby | room | outside. Controls by data-testid:
//   lobby: enter, lobby-mic, lobby-camera, pick-camera, pick-microphone, pick-speaker, tone, lobby-status, lobby-people
//   door:  admit-ROLE, send-back-ROLE, remove-ROLE (in `people` or `lobby-people`); people-toggle
//   bar:   mic, camera, screen, listen, chat-toggle, people-toggle, settings-toggle, more (phone), leave
//   chat:  chat-input, chat-send, chat-lines (li[data-number]), chat-error; unread
//   end:   leave-dialog, end, leave-now, stay; outside, return
//   tiles: tile-own, tile-ROLE, tile-stage; classes is-large, is-speaking, no-picture, is-away
//   words: line-state (data-quality: connecting | good | weak | poor | lost), narrow, banner, clock, tap-to-hear
//
// Languages: see languages.js. What a page can be asked: see probe.js.

import { Languages } from "../interpreting/languages.js";
import { LocalDevices } from "../media/local_devices.js";
import { announce, pageFacts, pageText } from "../page_text.js";
import { RecordingControls } from "../recording/recording_controls.js";
import { TeachbackPanel } from "../teachback/teachback_panel.js";
import { ChatPanel } from "./chat_panel.js";
import { ControlBar } from "./control_bar.js";
import { MediaCall } from "./media_call.js";
import { PeopleList } from "./people_list.js";
import { SidePanels } from "./side_panels.js";
import { SignallingChannel } from "./signalling_channel.js";
import { WaitingRoom } from "./waiting_room.js";

const main = document.getElementById("main");
const byId = (id) => document.getElementById(id);

export class ConsultRoom {
  constructor() {
    this.state = null;
    this.phase = "loading";
    this.wantsIn = false;
    this.devices = new LocalDevices();
    this.line = new SignallingChannel({
      ticket: pageFacts.ticket,
      chatAfter: () => this.chat.last,
    });
    this.ownSeat = pageFacts.seat;
    this.chat = new ChatPanel(this.line, pageFacts.seat, byId("panel-chat"));
    this.partners =
      byId("panel-partners") &&
      new ChatPanel(this.line, pageFacts.seat, byId("panel-partners"), "interpreters");
    this.panels = new SidePanels(main);
    this.call = new MediaCall(this);
    this.people = new PeopleList(main.querySelectorAll("[data-people]"), (event, seat, button) =>
      this.act(button, event, { seat: seat.id }),
    );
    this.lobby = new WaitingRoom(this);
    this.languages = new Languages(this);
    this.teaching = new TeachbackPanel(this);
    this.recording = new RecordingControls(this);
    this.bar = new ControlBar(this, main);
    this._listen();
    setInterval(() => this.phase === "room" && this.state && this.draw(), 15000);
  }

  get mixer() {
    return this.call.mixer;
  }

  get tiles() {
    return this.call.tiles;
  }

  async start() {
    await this.devices.open();
    this.lobby.show();
    this.line.open();
  }

  // ------------------------------------------------------------ what the server says

  _listen() {
    const hear = (name, act) => this.line.addEventListener(name, ({ detail }) => act(detail));
    hear("seated", (detail) => this._seated(detail));
    hear("state", (state) => this._show(state));
    hear("chat.line", (line) =>
      (line.channel === "everyone" ? this.chat : this.partners)?.receive([line]),
    );
    hear("here", (here) => {
      if (here.version > this.state.version) this.line.take();
      else if (this.phase === "room") {
        if (here.chatCount > this.chat.last) this.chat.fill();
        if (this.partners && here.partnerCount > this.partners.last) this.partners.fill();
        this.chat.flush(); // what nobody answered in time goes out again under its own name
        this.partners?.flush();
      }
    });
    hear("lost", () => {
      this.call.sayLine();
      this.call.link.check();
    });
    hear("refused", ({ error }) => this.refuse(error));
    hear("seat.taken", () => this.outside("taken"));
    hear("seat.removed", () => this.outside("removed"));
    hear("seat.sent_back", () => this._sentBack());
    hear("ended", () => this._ended());
    hear("media.moved", () => this.phase === "room" && this.call.link.rejoin("moved"));
    hear("teach", ({ points }) => this.teaching.show(points));
    hear("caption", (line) => this.teaching.caption(line));
    hear("signal", (detail) => this.phase === "room" && this.languages.asked(detail));
    hear("speaking", (detail) => this.tiles.spoke(detail));
    hear("quality", (detail) => detail.seat === pageFacts.seat && this.call.quality(detail));
    hear("streams", (detail) => this.call.streams(detail));
  }

  async _seated({ state, chat, partners, again }) {
    this._show(state);
    this.chat.receive(chat, { quiet: !again });
    this.partners?.receive(partners, { quiet: !again });
    const comesBack = sessionStorage.getItem("consult-return");
    sessionStorage.removeItem("consult-return");
    // A reload, or a line found again: whoever was inside goes on inside, without a question.
    if (this.phase === "room") await this._enter().catch(() => {});
    else if (state.you.entered || (comesBack && state.you.admitted)) await this.enter();
    this.call.seated();
    this.chat.flush();
    this.partners?.flush();
  }

  _show(state) {
    if (this.state && state.version < this.state.version) return;
    const before = this.state;
    this.state = state;
    main.dataset.mode = state.mode;
    if (before) this._sayChanges(before.seats, state.seats);
    this.people.show(state.seats, state.you);
    const knocking = state.seats.filter(
      (seat) => seat.place === "waiting" && !seat.admitted && !seat.mine,
    ).length;
    this.panels.count(
      "knocking",
      state.you.canAdmit ? knocking : 0,
      pageText("waitingCount", { count: knocking }),
    );
    this.lobby.update(state);
    if (this.phase === "lobby" && this.wantsIn && state.you.admitted && state.you.entered)
      this._goIn();
    if (this.phase === "room") this.draw(before);
    this.recording.show(state, this.phase === "room");
  }

  _sayChanges(before, now) {
    for (const seat of now) {
      const was = before.find((one) => one.id === seat.id)?.place ?? "absent";
      const knocked = seat.knocking && !before.find((one) => one.id === seat.id)?.knocking;
      if (seat.mine || (was === seat.place && !knocked)) continue;
      const sentence = {
        in: "joined",
        away: "lost",
        waiting: knocked ? "knocks" : "arrived",
        absent: "left",
      }[seat.place];
      announce(pageText(sentence, seat));
      if (seat.place === "waiting" && this.phase === "room" && this.state.you.canAdmit)
        this.flash(pageText(sentence, seat));
    }
    const sharer = now.find(
      (seat) => seat.sharing && !seat.mine && !before.find((one) => one.id === seat.id)?.sharing,
    );
    if (sharer) announce(pageText("sharesScreen", sharer));
  }

  // ------------------------------------------------------------ going in, and coming out

  /** The click that enters: it also lets the page play sound. */
  async enter() {
    this.wantsIn = true;
    await this.mixer.resume();
    try {
      await this._enter();
    } catch (error) {
      if (error.status) this.refuse(error);
    }
  }

  async _enter() {
    const { micOn, camera } = this.devices;
    const { state, chat, partners } = await this.line.ask("seat.enter", {
      mic: micOn,
      camera: Boolean(camera),
    });
    this._show(state);
    this.chat.receive(chat, { quiet: true });
    this.partners?.receive(partners, { quiet: true });
    if (state.you.place === "in") this.teaching.load();
    if (this.phase === "room") this.bar.tell(true);
  }

  _goIn() {
    this.phase = main.dataset.phase = "room";
    this.lobby.hide();
    byId("outside").hidden = true;
    byId("room").hidden = false;
    announce(pageText("letIn"), { now: true });
    this.teaching.load();
    this.draw();
    this.call.start(this.devices);
    main.focus({ preventScroll: true });
  }

  _sentBack() {
    this.call.close();
    this.wantsIn = false;
    this.phase = main.dataset.phase = "lobby";
    byId("room").hidden = true;
    this.lobby.show();
    this.lobby.say(pageText("sentBack"));
    announce(pageText("sentBack"), { now: true });
  }

  _ended() {
    this.outside("removed", { quiet: true });
    window.location.assign(pageFacts.after);
  }

  async leave() {
    await this.line.ask("seat.leave").catch(() => {});
    this.outside("left");
  }

  refuse(error) {
    if (error.status === 409 && this.state?.over) return this._ended();
    this.outside("refused", { text: error.message });
  }

  outside(kind, { text, quiet } = {}) {
    this.call.close();
    this.line.close();
    this.devices.close();
    this.phase = main.dataset.phase = "outside";
    this.lobby.hide();
    byId("room").hidden = true;
    if (quiet) return;
    byId("outside").hidden = false;
    byId("outside-title").textContent = pageText(`${kind}Title`);
    byId("outside-text").textContent = text || pageText(`${kind}Text`);
    const button = main.querySelector('[data-do="return"]');
    button.textContent = pageText({ taken: "takeBack", left: "comeBack" }[kind] ?? "tryAgain");
    button.hidden = kind === "removed";
    byId("outside-title").focus();
  }

  draw(before) {
    this.call.show(this.state.seats);
    this.languages.show(this.state, before);
    this._clock();
  }

  /** The clinical clock: it stands still while interpretation is paused. */
  _clock() {
    const { startedAt, pausedAt, pausedSeconds } = this.state;
    if (!startedAt) return;
    const until = pausedAt ? Date.parse(pausedAt) : Date.now();
    const count = Math.max(
      0,
      Math.floor((until - Date.parse(startedAt) - pausedSeconds * 1000) / 60000),
    );
    byId("clock").textContent = pageText(pausedAt ? "clockPaused" : "minutes", { count });
  }

  /** Asks the server for something a button stands for, and says what it answers when it refuses. */
  async act(button, event, message = {}) {
    if (button) button.disabled = true;
    try {
      return await this.line.ask(event, message);
    } catch (error) {
      this.flash(error.message);
      return null;
    } finally {
      if (button) button.disabled = false;
    }
  }

  flash(sentence, { announced = false, strong = false } = {}) {
    this.panels.flash(sentence, strong);
    if (announced) announce(sentence, { now: true });
  }
}
