// The call: the line to the media node, what is heard and seen of it, and how good it is, in words.

import { AudioMixer } from "../media/audio_mixer.js";
import { MediaConnection } from "../media/media_connection.js";
import { announce, pageFacts, pageText } from "../page_text.js";
import { BandwidthNotice } from "./bandwidth_notice.js";
import { VideoTiles } from "./video_tiles.js";

const SLOTS = 7;
const SETTLED_MS = 400; // the sizes of the pictures are told when they rest
const byId = (id) => document.getElementById(id);
const phone = window.matchMedia("(max-width: 30rem), (max-height: 30rem)");

export class MediaCall {
  constructor(room) {
    this._room = room;
    this.own = { stream: new MediaStream(), camera: null, micOn: true };
    this._renew();
    window.addEventListener("resize", () => this._prefer());
  }

  start({ mic, camera, screen }) {
    this.link.start({ mic, camera, screen }).catch(() => {});
    this.sayLine();
    this.saySound();
  }

  /** Ends this line for good; another stands ready. */
  close() {
    const { link, mixer } = this;
    link.close();
    this._renew();
    mixer.close();
  }

  show(seats) {
    this.ownTracks();
    this.tiles.show(seats, this.own);
    this._prefer();
  }

  /** The web is there again: what waited for it need not wait longer. */
  seated() {
    this.sayLine();
    this.link.hurry();
  }

  ownTracks() {
    const { camera, mic, micOn } = this._room.devices;
    this.own.micOn = micOn && Boolean(mic);
    this.own.camera = camera;
    const shown = this.own.stream.getVideoTracks()[0] ?? null;
    if (shown === camera) return;
    if (shown) this.own.stream.removeTrack(shown);
    if (camera) this.own.stream.addTrack(camera);
  }

  // ------------------------------------------------------------ how good the line is

  quality({ loss_down: down, loss_up: up, rtt_ms: rtt, video_paused: paused, step, paused: held }) {
    const worst = Math.max(down, up);
    this._quality = paused || worst > 0.15 ? "poor" : worst > 0.04 || rtt > 400 ? "weak" : "good";
    this.streams({ step, paused: held });
    this.sayLine();
  }

  /** What the node has given up, or taken back, so that the line bears the rest. */
  streams({ step, paused }) {
    if (this._room.phase !== "room") return;
    this._narrow.show(step, { isInterpreter: Boolean(this._room.state.you.pair) });
    this.tiles.hold(paused);
  }

  sayLine() {
    const { line } = this._room;
    const link = this.link.state;
    const quality =
      link === "lost" || !line.isSeated
        ? "lost"
        : link !== "connected"
          ? "connecting"
          : this._narrow.isNarrow
            ? "poor"
            : (this._quality ?? "good");
    // What a narrow line costs stands beside it in words of its own.
    const words = {
      connecting: "lineConnecting",
      good: "lineGood",
      weak: "lineWeak",
      poor: this._narrow.isNarrow ? "lineSlow" : "linePoor",
      lost: link === "connected" ? "webLost" : "lineLost",
    }[quality];
    const place = byId("line-state");
    place.dataset.quality = quality;
    if (place.textContent !== pageText(words)) place.textContent = pageText(words);
  }

  saySound() {
    this._room.panels.banner("hear", this._room.phase === "room" && this.mixer.isSilent);
  }

  // ------------------------------------------------------------ within

  _renew() {
    this.link = new MediaConnection({
      signal: (...offer) => this._signal(...offer),
      slots: SLOTS,
      iceServers: pageFacts.iceServers,
      prefers: () => (phone.matches ? "small" : null),
    });
    this.link.addEventListener("state", ({ detail }) => this._linkState(detail.state));
    this.link.addEventListener(
      "final",
      ({ detail }) => this._room.phase === "room" && this._room.refuse(detail.error),
    );
    this.mixer = new AudioMixer(this.link, this._room.devices.chosen.audiooutput);
    this.mixer.addEventListener("change", () => this.saySound());
    byId("tiles").replaceChildren();
    this.tiles = new VideoTiles(byId("tiles"), this.link);
    this.tiles.onArranged = () => this._prefer();
    this._narrow = new BandwidthNotice();
    this._quality = null;
  }

  async _signal(sdp, lines, connection) {
    if (!this._room.state.you.entered) throw new Error("not in the room again yet"); // tried again once the seat is taken
    const { sdp: answer } = await this._room.line.ask("media.offer", { sdp, lines, connection });
    return answer;
  }

  _linkState(state) {
    if (this._room.phase !== "room") return;
    const before = this._linkWas;
    this._linkWas = state;
    if (state === "connected") {
      this._preferred = null; // the node forgets it with the connection
      this._prefer();
      if (before === "lost" || this._wasLost) announce(pageText("lineBack"));
    }
    if (state === "lost" && !this._wasLost) announce(pageText("lineLost"), { now: true });
    if (state === "lost") {
      this._narrow.forget();
      this.tiles.hold([]);
      this._room.line.check();
    }
    this._wasLost = state === "lost" || (state === "connecting" && this._wasLost);
    this.sayLine();
  }

  /** Tells the node whose pictures are larger here than a thumbnail: only they need to come large. */
  _prefer() {
    clearTimeout(this._later);
    this._later = setTimeout(() => {
      if (this._room.phase !== "room" || this.link.state !== "connected" || phone.matches) return;
      const large = this.tiles.shownLarge();
      if (JSON.stringify(large) === this._preferred) return;
      this._preferred = JSON.stringify(large);
      this._room.line.ask("media.prefer", { large }).catch(() => (this._preferred = null));
    }, SETTLED_MS);
  }
}
