// The call: the connection with the media node, what is heard and seen of it, and how good it is,
// in words.
import { elementById } from "../../shared/dom.js";
import { AudioMixer } from "../media/audio_mixer.js";
import { assessQuality, connectionWords } from "../media/connection_quality.js";
import { MediaConnection } from "../media/media_connection.js";
import { announce, pageFacts, pageText } from "../page_text.js";
import { BandwidthNotice } from "./bandwidth_notice.js";
import { VideoTiles } from "./video_tiles.js";

const SLOTS = 7;
const TILES_SETTLED_MS = 400; // the sizes of the pictures are told when they rest
const PHONE = window.matchMedia("(max-width: 30rem), (max-height: 30rem)");

/** @typedef {import("../room_state.d.ts").ConnectionQuality} ConnectionQuality */

export class MediaCall {
  /** @type {import("../media/connection_quality.js").Quality | null} */
  _quality = null;
  /** @type {import("../media/media_connection.js").ConnectionState | undefined} */
  _previousState;
  _wasLost = false;
  /** @type {string | null} the seats that the node was told last, as JSON */
  _preferred = null;
  /** @type {number | undefined} */
  _preferTimer;

  /** @param {import("./consult_room.js").ConsultRoom} room */
  constructor(room) {
    this._room = room;
    /** @type {import("./video_tiles.js").OwnMedia} */
    this.own = { stream: new MediaStream(), camera: null, micOn: true };
    this.connection = this._createConnection();
    this.mixer = this._createMixer();
    this.tiles = this._createTiles();
    this._bandwidthNotice = new BandwidthNotice();
    window.addEventListener("resize", () => this._preferLarge());
  }

  /**
   * @param {Pick<import("../media/local_devices.js").LocalDevices, "mic" | "camera" | "screen">}
   *   tracks
   */
  start({ mic, camera, screen }) {
    this.connection.start({ mic, camera, screen }).catch(() => {});
    this.sayConnection();
    this.saySound();
  }

  /** Ends this connection for good; another stands ready. */
  close() {
    const { connection, mixer } = this;
    connection.close();
    this._renew();
    mixer.close();
  }

  /** @param {import("../room_state.d.ts").Seat[]} seats */
  show(seats) {
    this.takeOwnTracks();
    this.tiles.show(seats, this.own);
    this._preferLarge();
  }

  /** The web is reached again: what waited for it need not wait longer. */
  seated() {
    this.sayConnection();
    this.connection.reconnectNow();
  }

  takeOwnTracks() {
    const { camera, mic, micOn } = this._room.devices;
    this.own.micOn = micOn && Boolean(mic);
    this.own.camera = camera;
    const shown = this.own.stream.getVideoTracks()[0] ?? null;
    if (shown === camera) return;
    if (shown) this.own.stream.removeTrack(shown);
    if (camera) this.own.stream.addTrack(camera);
  }

  // ------------------------------------------------------------ how good the connection is

  /** @param {ConnectionQuality} measured */
  showQuality(measured) {
    this._quality = assessQuality(measured);
    this.showStreams(measured);
    this.sayConnection();
  }

  /**
   * What the node has given up, or taken back, so that the connection carries the rest.
   * @param {Pick<ConnectionQuality, "step" | "paused">} streams
   */
  showStreams({ step, paused }) {
    const { phase, state } = this._room;
    if (phase !== "room") return;
    this._bandwidthNotice.show(step, { isInterpreter: Boolean(state?.you.pair) });
    this.tiles.hold(paused);
  }

  sayConnection() {
    const { quality, words } = connectionWords({
      connection: this.connection.state,
      isSeated: this._room.signalling.isSeated,
      isNarrow: this._bandwidthNotice.isNarrow,
      quality: this._quality,
    });
    const place = elementById("line-state");
    const sentence = pageText(words);
    place.dataset.quality = quality;
    if (place.textContent !== sentence) place.textContent = sentence;
  }

  saySound() {
    const isSilent = this._room.phase === "room" && this.mixer.isSilent;
    this._room.panels.showBannerButton("hear", isSilent);
  }

  // ------------------------------------------------------------ within

  _renew() {
    this.connection = this._createConnection();
    this.mixer = this._createMixer();
    this.tiles = this._createTiles();
    this._bandwidthNotice = new BandwidthNotice();
    this._quality = null;
  }

  _createConnection() {
    const connection = new MediaConnection({
      signal: (sdp, mids, id) => this._signal(sdp, mids, id),
      slots: SLOTS,
      iceServers: pageFacts.iceServers,
      prefers: () => (PHONE.matches ? "small" : null),
    });
    connection.on("state", ({ state }) => this._connectionBecame(state));
    connection.on("final", ({ error }) => {
      if (this._room.phase === "room") this._room.refuse(error);
    });
    return connection;
  }

  _createMixer() {
    const mixer = new AudioMixer(this.connection, this._room.devices.chosen.audiooutput);
    mixer.on("change", () => this.saySound());
    return mixer;
  }

  _createTiles() {
    const box = elementById("tiles");
    box.replaceChildren();
    const tiles = new VideoTiles(box, this.connection);
    tiles.onArranged = () => this._preferLarge();
    return tiles;
  }

  /**
   * @param {string} sdp
   * @param {import("../media/media_connection.js").TransceiverMids} mids
   * @param {string} connectionId
   */
  async _signal(sdp, mids, connectionId) {
    // An ordinary error: it is tried again once the seat is taken.
    if (!this._room.state?.you.entered) throw new Error("not in the room again yet");
    const offer = { sdp, lines: mids, connection: connectionId };
    return (await this._room.signalling.request("media.offer", offer)).sdp;
  }

  /** @param {import("../media/media_connection.js").ConnectionState} state */
  _connectionBecame(state) {
    if (this._room.phase !== "room") return;
    const before = this._previousState;
    this._previousState = state;
    if (state === "connected") {
      this._preferred = null; // the node forgets it with the connection
      this._preferLarge();
      if (before === "lost" || this._wasLost) announce(pageText("lineBack"));
    }
    if (state === "lost") {
      if (!this._wasLost) announce(pageText("lineLost"), { now: true });
      this._bandwidthNotice.forget();
      this.tiles.hold([]);
      this._room.signalling.check();
    }
    this._wasLost = state === "lost" || (state === "connecting" && this._wasLost);
    this.sayConnection();
  }

  /**
   * Tells the node whose pictures are larger here than a thumbnail: only they need the large layer.
   */
  _preferLarge() {
    clearTimeout(this._preferTimer);
    this._preferTimer = setTimeout(() => {
      const isIdle = this._room.phase !== "room" || this.connection.state !== "connected";
      if (isIdle || PHONE.matches) return;
      const large = this.tiles.largeSeats();
      const preferred = JSON.stringify(large);
      if (preferred === this._preferred) return;
      this._preferred = preferred;
      this._room.signalling.request("media.prefer", { large }).catch(() => {
        this._preferred = null;
      });
    }, TILES_SETTLED_MS);
  }
}
