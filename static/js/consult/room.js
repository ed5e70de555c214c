// The consult page: waiting room, room, and what is outside of both. One page, so that nobody loads anything in between.
//
// For tests. `main[data-testid=consult]` has data-phase: loading | lobby | room | outside. Controls by data-testid:
//   lobby: enter, lobby-mic, lobby-camera, pick-camera, pick-microphone, pick-speaker, tone, lobby-status, lobby-people
//   door:  admit-ROLE, send-back-ROLE, remove-ROLE (in `people` or `lobby-people`); people-toggle
//   bar:   mic, camera, screen, listen, chat-toggle, people-toggle, settings-toggle, more (phone), leave
//   chat:  chat-input, chat-send, chat-lines (li[data-number]), chat-error; unread
//   end:   leave-dialog, end, leave-now, stay; outside, return
//   tiles: tile-own, tile-ROLE, tile-stage; classes is-large, is-speaking, no-picture, is-away
//   words: line-state (data-quality: connecting | good | weak | poor | lost), banner, clock, tap-to-hear
//
// Languages: see languages.js.
//
// window.consilium = { link, mixer, devices, state, heard(), stats() }
// heard() => { NAME: { hertz, loudness, gain } } of each other person: the tone that comes in, and how loud it is played
// stats() => {
//   state, uplink, stage: { frames }, seats: { ROLE: { seat, slot, frames, energy, level, audioPackets, width, height, gain } } }
import { Chat } from "./chat.js";
import { Devices } from "./devices.js";
import { Languages } from "./languages.js";
import { Line } from "./line.js";
import { MediaLink } from "./link.js";
import { Lobby } from "./lobby.js";
import { Mixer } from "./mixer.js";
import { Panels } from "./panels.js";
import { People } from "./people.js";
import { Teaching } from "./teaching.js";
import { Tiles } from "./tiles.js";
import { announce, facts, say } from "./words.js";

const main = document.getElementById("main");
const on = (name, act) => main.querySelectorAll(`[data-do="${name}"]`).forEach((one) => one.addEventListener("click", act));
const byId = (id) => document.getElementById(id);

class Room {
  constructor() {
    this.state = null;
    this.phase = "loading";
    this.wantsIn = false;
    this.devices = new Devices();
    this.line = new Line({ ticket: facts.ticket, chatAfter: () => this.chat.last });
    this.ownSeat = facts.seat;
    this.chat = new Chat(this.line, facts.seat, byId("panel-chat"));
    this.partners = byId("panel-partners") && new Chat(this.line, facts.seat, byId("panel-partners"), "interpreters");
    this.panels = new Panels(main);
    this.own = { stream: new MediaStream(), camera: null, micOn: true };
    this._newLink();
    this.people = new People(main.querySelectorAll("[data-people]"), (event, seat, button) => this.act(button, event, { seat: seat.id }));
    this.lobby = new Lobby(this);
    this.languages = new Languages(this);
    this.teaching = new Teaching(this);
    this._listen();
    this._bar();
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
    hear("chat.line", (line) => (line.channel === "everyone" ? this.chat : this.partners)?.receive([line]));
    hear("here", (here) => {
      if (here.version > this.state.version) this.line.take();
      else if (this.phase === "room") {
        if (here.chatCount > this.chat.last) this.chat.fill();
        if (this.partners && here.partnerCount > this.partners.last) this.partners.fill();
      }
    });
    hear("lost", () => {
      this._sayLine();
      this.link.check();
    });
    hear("refused", ({ error }) => this.refuse(error));
    hear("seat.taken", () => this.outside("taken"));
    hear("seat.removed", () => this.outside("removed"));
    hear("seat.sent_back", () => this._sentBack());
    hear("ended", () => this._ended());
    hear("media.moved", () => this.phase === "room" && this.link.rejoin("moved"));
    hear("teach", ({ points }) => this.teaching.show(points));
    hear("caption", (line) => this.teaching.caption(line));
    hear("signal", (detail) => this.phase === "room" && this.languages.asked(detail));
    hear("speaking", (detail) => this.tiles.spoke(detail));
    hear("quality", (detail) => detail.seat === facts.seat && this._quality(detail));
  }

  async _seated({ state, chat, partners, again }) {
    this._show(state);
    this.chat.receive(chat, { quiet: !again });
    this.partners?.receive(partners, { quiet: !again });
    this._sayLine();
    const comesBack = sessionStorage.getItem("consult-return");
    sessionStorage.removeItem("consult-return");
    // A reload, or a line found again: whoever was inside goes on inside, without a question.
    if (this.phase === "room") await this._enter().catch(() => {});
    else if (state.you.entered || (comesBack && state.you.admitted)) await this.enter();
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
    const knocking = state.seats.filter((seat) => seat.place === "waiting" && !seat.admitted && !seat.mine).length;
    this.panels.count("knocking", state.you.canAdmit ? knocking : 0, say("waitingCount", { count: knocking }));
    this.lobby.update(state);
    if (this.phase === "lobby" && this.wantsIn && state.you.admitted && state.you.entered) this._goIn();
    if (this.phase === "room") this._draw(before);
  }

  _sayChanges(before, now) {
    for (const seat of now) {
      const was = before.find((one) => one.id === seat.id)?.place ?? "absent";
      const knocked = seat.knocking && !before.find((one) => one.id === seat.id)?.knocking;
      if (seat.mine || (was === seat.place && !knocked)) continue;
      const sentence = { in: "joined", away: "lost", waiting: knocked ? "knocks" : "arrived", absent: "left" }[seat.place];
      announce(say(sentence, seat));
      if (seat.place === "waiting" && this.phase === "room" && this.state.you.canAdmit) this.flash(say(sentence, seat));
    }
    const sharer = now.find((seat) => seat.sharing && !seat.mine && !before.find((one) => one.id === seat.id)?.sharing);
    if (sharer) announce(say("sharesScreen", sharer));
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
    const { state, chat, partners } = await this.line.ask("seat.enter", { mic: micOn, camera: Boolean(camera) });
    this._show(state);
    this.chat.receive(chat, { quiet: true });
    this.partners?.receive(partners, { quiet: true });
    if (state.you.place === "in") this.teaching.load();
    if (this.phase === "room") this._tellDevices(true);
  }

  _goIn() {
    this.phase = main.dataset.phase = "room";
    this.lobby.hide();
    byId("outside").hidden = true;
    byId("room").hidden = false;
    announce(say("letIn"), { now: true });
    this.teaching.load();
    this._draw();
    this._sound();
    const { mic, camera, screen } = this.devices;
    this.link.start({ mic, camera, screen }).catch(() => {});
    this._sayLine();
    main.focus({ preventScroll: true });
  }

  _sentBack() {
    this._closeLink();
    this.wantsIn = false;
    this.phase = main.dataset.phase = "lobby";
    byId("room").hidden = true;
    this.lobby.show();
    this.lobby.say(say("sentBack"));
    announce(say("sentBack"), { now: true });
  }

  _ended() {
    this.outside("removed", { quiet: true });
    window.location.assign(facts.after);
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
    this._closeLink();
    this.line.close();
    this.devices.close();
    this.phase = main.dataset.phase = "outside";
    this.lobby.hide();
    byId("room").hidden = true;
    if (quiet) return;
    byId("outside").hidden = false;
    byId("outside-title").textContent = say(`${kind}Title`);
    byId("outside-text").textContent = text || say(`${kind}Text`);
    const button = main.querySelector('[data-do="return"]');
    button.textContent = say({ taken: "takeBack", left: "comeBack" }[kind] ?? "tryAgain");
    button.hidden = kind === "removed";
    byId("outside-title").focus();
  }

  // ------------------------------------------------------------ sound and picture

  _newLink() {
    this.link = new MediaLink({ signal: (...offer) => this._signal(...offer), slots: 7, iceServers: facts.iceServers });
    this.link.addEventListener("state", ({ detail }) => this._linkState(detail.state));
    this.link.addEventListener("final", ({ detail }) => this.phase === "room" && this.refuse(detail.error));
    this.mixer = new Mixer(this.link);
    this.mixer.addEventListener("change", () => this._sound());
    byId("tiles").replaceChildren();
    this.tiles = new Tiles(byId("tiles"), this.link);
  }

  _closeLink() {
    this.link.close();
    const context = this.mixer;
    this._newLink();
    context.close();
  }

  async _signal(sdp, lines, connection) {
    const { sdp: answer } = await this.line.ask("media.offer", { sdp, lines, connection });
    return answer;
  }

  _linkState(state) {
    if (this.phase !== "room") return;
    const before = this.linkWas;
    this.linkWas = state;
    if (state === "connected" && before === "lost") announce(say("lineBack"));
    if (state === "lost") announce(say("lineLost"), { now: true });
    this._sayLine();
  }

  _quality({ loss_down: down, loss_up: up, rtt_ms: rtt, video_paused: paused }) {
    const worst = Math.max(down, up);
    this.quality = paused || worst > 0.15 ? "poor" : worst > 0.04 || rtt > 400 ? "weak" : "good";
    this._sayLine();
  }

  _sayLine() {
    const link = this.link.state;
    const quality = link === "lost" || !this.line.isSeated ? "lost" : link !== "connected" ? "connecting" : this.quality ?? "good";
    const words = { connecting: "lineConnecting", good: "lineGood", weak: "lineWeak", poor: "linePoor",
      lost: link === "connected" ? "webLost" : "lineLost" }[quality];
    const place = byId("line-state");
    place.dataset.quality = quality;
    if (place.textContent !== say(words)) place.textContent = say(words);
  }

  _sound() {
    const silent = this.phase === "room" && this.mixer.isSilent;
    this.panels.banner("hear", silent);
  }

  _draw(before) {
    this._ownTracks();
    this.tiles.show(this.state.seats, this.own);
    this.languages.show(this.state, before);
    this._clock();
  }

  /** The clinical clock: it stands still while interpretation is paused. */
  _clock() {
    const { startedAt, pausedAt, pausedSeconds } = this.state;
    if (!startedAt) return;
    const until = pausedAt ? Date.parse(pausedAt) : Date.now();
    const count = Math.max(0, Math.floor((until - Date.parse(startedAt) - pausedSeconds * 1000) / 60000));
    byId("clock").textContent = say(pausedAt ? "clockPaused" : "minutes", { count });
  }

  _ownTracks() {
    const { camera } = this.devices;
    this.own.micOn = this.devices.micOn && Boolean(this.devices.mic);
    this.own.camera = camera;
    const shown = this.own.stream.getVideoTracks()[0] ?? null;
    if (shown === camera) return;
    if (shown) this.own.stream.removeTrack(shown);
    if (camera) this.own.stream.addTrack(camera);
  }

  // ------------------------------------------------------------ the bar

  _bar() {
    on("enter", () => this.enter());
    on("hear", () => this.mixer.resume());
    on("mic", (event) => this._toggle(event, async () => {
      await this.devices.setMic(!(this.devices.micOn && this.devices.mic));
      announce(say(this.devices.micOn ? "saidMicOn" : "saidMicOff"));
    }, "noMicrophone"));
    on("camera", (event) => this._toggle(event, async () => {
      await this.devices.setCamera(!this.devices.camera);
      announce(say(this.devices.camera ? "saidCameraOn" : "saidCameraOff"));
    }, "noCamera"));
    on("screen", (event) => this._toggle(event, async () => {
      await this.devices.setScreen(!this.devices.screen);
      announce(say(this.devices.screen ? "saidSharing" : "saidStoppedSharing"));
    }, "noScreen"));
    on("leave", () => byId("leave-dialog").showModal());
    on("leave-now", () => (byId("leave-dialog").close(), this.leave()));
    on("end", (event) => this.act(event.currentTarget, "consult.end"));
    on("return", () => {
      sessionStorage.setItem("consult-return", "yes");
      window.location.reload();
    });
    main.querySelectorAll('[data-do="view"]').forEach((one) => one.addEventListener("change", () => this.tiles.setView(one.value)));
    main.querySelector('[data-do="volume"]').addEventListener("input", (event) => this.mixer.setVolume(Number(event.target.value)));
    main.querySelector('[data-do="noise"]').addEventListener("change", (event) => this.devices.setNoiseSuppression(event.target.checked).catch(() => this.flash(say("noMicrophone"))));
    const pip = main.querySelector('[data-do="pip"]');
    pip.hidden = !document.pictureInPictureEnabled;
    pip.addEventListener("click", () => this._pictureInPicture());
    this.chat.isOpen = () => this.panels.isOpen("chat");
    this.chat.onUnread = (count) => this.panels.count("unread", count, say("unread", { count }));
    if (this.partners) {
      this.partners.isOpen = () => this.panels.isOpen("partners");
      this.partners.onUnread = (count) => this.panels.count("unread-partners", count, say("unread", { count }));
    }
    this.panels.onOpen = (name) => ({ chat: this.chat, partners: this.partners })[name]?.read();
    this.devices.addEventListener("change", ({ detail }) => this._devicesChanged(detail.kind));
    setInterval(() => this.phase === "room" && this.state && this._draw(), 15000);
    document.addEventListener("keydown", (event) => this._key(event));
  }

  _key(event) {
    if (event.key === "Escape" && this.phase === "room") return this.panels.close();
    const typing = event.target.closest?.("input, textarea, select, [contenteditable]");
    if (typing || event.ctrlKey || event.metaKey || event.altKey || this.phase !== "room") return;
    const name = { m: "mic", v: "camera", c: "chat", p: "people", a: "ask" }[event.key.toLowerCase()];
    if (name) main.querySelector(`.bar [data-do="${name}"]`).click();
  }

  async _pictureInPicture() {
    try {
      if (document.pictureInPictureElement) await document.exitPictureInPicture();
      else await this.tiles.largest?.requestPictureInPicture();
    } catch {
      this.flash(say("noPicture"));
    }
  }

  async _toggle(event, act, trouble) {
    const button = event.currentTarget;
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      if (error.name !== "NotAllowedError" || trouble !== "noScreen") this.flash(say(trouble));
    } finally {
      button.disabled = false;
      button.focus();
    }
  }

  async _devicesChanged(kind) {
    const { devices } = this;
    if (kind === "speaker") return this.mixer.setSpeaker(devices.chosen.audiooutput);
    for (const name of ["mic", "camera", "screen"]) {
      if (kind === name || kind === "all") await this.link.replace(name, devices[name]).catch(() => {});
    }
    this._ownTracks();
    this.panels.pressed("mic", devices.micOn && devices.mic, say(devices.micOn && devices.mic ? "muteMic" : "unmuteMic"));
    this.panels.pressed("camera", devices.camera, say(devices.camera ? "stopCamera" : "startCamera"));
    this.panels.pressed("screen", devices.screen, say(devices.screen ? "stopSharing" : "shareScreen"));
    this.lobby.devicesChanged();
    if (this.phase === "room") this._draw();
    this._tellDevices();
  }

  async _tellDevices(always = false) {
    const { micOn, mic, camera, screen } = this.devices;
    const now = { mic: Boolean(micOn && mic), camera: Boolean(camera), sharing: Boolean(screen) };
    if (this.phase !== "room" || (!always && JSON.stringify(now) === this._told)) return;
    this._told = JSON.stringify(now);
    try {
      await this.line.ask("media.devices", now);
    } catch (error) {
      this._told = null;
      if (error.status === 409 && now.sharing) {
        await this.devices.setScreen(false);
        this.flash(error.message);
      }
    }
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

  heard() {
    const slots = this.mixer.heard();
    const others = (this.state?.seats ?? []).filter((seat) => seat.slot != null && seat.place === "in");
    return Object.fromEntries(others.map((seat) => [seat.name, slots[seat.slot]]));
  }

  async stats() {
    const stats = await this.link.stats();
    const seats = {};
    for (const seat of this.state?.seats ?? []) {
      const slot = seat.slot == null ? null : stats.slots[seat.slot];
      if (!slot) continue;
      seats[seat.role] = {
        seat: seat.id, slot: seat.slot, place: seat.place, frames: slot.video.frames, width: slot.video.width, height: slot.video.height,
        sound: seat.sound, energy: slot.audio.energy, level: slot.audio.level, audioPackets: slot.audio.packets, gain: this.mixer.gainOf(seat.slot),
      };
    }
    return { state: stats.state, uplink: stats.uplink, stage: { frames: stats.stage.video?.frames ?? 0 }, rttMs: stats.rttMs, seats };
  }
}

const room = new Room();
window.consilium = {
  get link() { return room.link; },
  get mixer() { return room.mixer; },
  get devices() { return room.devices; },
  get state() { return room.state; },
  heard: () => room.heard(),
  stats: () => room.stats(),
};
room.start();
