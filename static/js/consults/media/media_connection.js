/**
 * MediaConnection: one browser's RTCPeerConnection with the media node, made again whenever it is
 * lost. It touches nothing on the page and says nothing to people.
 *
 *   const connection = new MediaConnection({ signal, slots: 7, iceServers: [] });
 *   await connection.start({ mic, camera, screen });   // resolves when first connected
 *
 *   connection.slots[n].stream  // MediaStream with one audio and one video track
 *   connection.stage.stream     // MediaStream with one video track: the shared screen
 *   await connection.replace("mic" | "camera" | "screen", trackOrNull);   // never renegotiates
 *   await connection.stats();          // see transport_stats.js
 *   connection.check();                // something looks wrong: find out within a second
 *   connection.reconnectNow();         // the web is reached again: do not wait for the back-off
 *   connection.rejoin(reason);         // drop the connection and make a new one for the same seat
 *   connection.close();                // for good; twice is harmless
 *
 * The streams never change, so `video.srcObject` is set once. Their tracks are renewed at every
 * (re)connection: rebuild MediaStreamAudioSourceNodes on the "tracks" event. The tracks that are
 * given to it stay the caller's to stop.
 *
 * Events: see ConnectionEvents. The camera is sent in two simulcast layers, "s" and "l"; the node
 * gives each listener the one that fits.
 */
import { asError } from "../../shared/requests.js";
import { TypedEvents } from "../../shared/typed_events.js";
import { SilenceWatch } from "./silence_watch.js";
import { selectedCandidatePair, TransportStats } from "./transport_stats.js";

/** @typedef {"new" | "connecting" | "connected" | "lost" | "closed"} ConnectionState */
/** @typedef {import("./transport_stats.js").TransceiverMids} TransceiverMids */
/**
 * @typedef {{ mic: MediaStreamTrack | null, camera: MediaStreamTrack | null, screen:
 *   MediaStreamTrack | null }} UplinkTracks
 */
/**
 * @typedef {"small" | null} PreferredLayer "small" on a phone: the node then sends the small layer
 *   of each camera
 */

/**
 * @typedef {object} ConnectionEvents
 * @property {{ state: ConnectionState, reason: string }} state
 * @property {object} tracks the tracks in the slots and on the stage are new
 * @property {{ reason: string }} lost before each rejoin: "no-packets" | "failed" | "online" |
 *   "signal" | a given reason
 * @property {{ error: Error }} final signal() refused for good; the connection is closed
 */

/**
 * @typedef {object} ConnectionOptions
 * @property {(offerSdp: string, mids: TransceiverMids & { prefers: PreferredLayer }, connectionId:
 *   string) => Promise<string>} signal
 *   sends the offer and resolves to the answer's SDP; a rejection is tried again with a back-off,
 *   unless the error has `final = true` (removed from the room, room closed)
 * @property {number} [slots] how many other seats can be received at once
 * @property {RTCIceServer[]} [iceServers]
 * @property {boolean} [relayOnly] use nothing but a TURN server
 * @property {PreferredLayer | (() => PreferredLayer)} [prefers]
 */

/**
 * One attempt at a connection.
 * @typedef {object} ConnectionAttempt
 * @property {RTCPeerConnection} peer
 * @property {string} id
 * @property {{ mic: RTCRtpTransceiver, camera: RTCRtpTransceiver, screen: RTCRtpTransceiver }}
 *   uplink
 * @property {{ slots: { audio: RTCRtpTransceiver, video: RTCRtpTransceiver }[], stage:
 *   RTCRtpTransceiver }} downlink
 * @property {TransceiverMids | null} mids once there is a local description
 * @property {SilenceWatch} silence
 * @property {number} startedAt
 * @property {number | undefined} timer
 */

const WATCH_MS = 250;
const CONNECT_LIMIT_MS = 8000;
const RETRY_DELAYS_MS = [100, 400, 1000, 2000];
const FAST_RETRIES = 15;
const SLOW_RETRY_DELAY_MS = 5000;
const SMALL_LAYER_BITRATE = 150_000;
const LARGE_LAYER_BITRATE = 1_700_000;

/**
 * How long to wait before the next attempt. Spread by ±30 %, so that a room whose node went does
 * not return all at once.
 * @param {number} failures in a row so far
 * @param {() => number} [random] 0 to 1
 */
export function retryDelayMs(failures, random = Math.random) {
  const step = Math.min(failures, RETRY_DELAYS_MS.length - 1);
  const base = failures < FAST_RETRIES ? RETRY_DELAYS_MS[step] : SLOW_RETRY_DELAY_MS;
  return base * (0.7 + 0.6 * random());
}

/** @extends {TypedEvents<ConnectionEvents>} */
export class MediaConnection extends TypedEvents {
  /** @type {UplinkTracks} */
  _tracks = { mic: null, camera: null, screen: null };
  /** @type {ConnectionAttempt | null} */
  _attempt = null;
  _failures = 0;
  _stats = new TransportStats();
  /** @type {number | undefined} */
  _retryTimer;

  /** @param {ConnectionOptions} options */
  constructor({ signal, slots = 7, iceServers = [], relayOnly = false, prefers = null }) {
    super();
    this.slots = Array.from({ length: slots }, () => ({ stream: new MediaStream() }));
    this.stage = { stream: new MediaStream() };
    /** @type {ConnectionState} */
    this.state = "new";
    this._signal = signal;
    this._iceServers = iceServers;
    this._prefers = typeof prefers === "function" ? prefers : () => prefers;
    /** @type {RTCIceTransportPolicy} */
    this._icePolicy = relayOnly ? "relay" : "all";
    const { connection: network } =
      /** @type {{ connection?: EventTarget }} Chromium's Network Information API */ (navigator);
    /** @type {[EventTarget | undefined, string, () => void][]} */
    this._signs = [
      [window, "online", this._online],
      [window, "offline", this._doubt],
      [document, "visibilitychange", this._doubt],
      [document, "resume", this._doubt],
      [window, "pageshow", this._doubt],
      [network, "change", this._doubt],
    ];
  }

  /** The node knows each connection by an id of its own; "" while there is none. */
  get connectionId() {
    return this._attempt?.id ?? "";
  }

  /**
   * @param {Partial<UplinkTracks>} tracks
   * @returns {Promise<void>}
   */
  start(tracks = {}) {
    Object.assign(this._tracks, tracks);
    for (const [target, name, listener] of this._signs) target?.addEventListener?.(name, listener);
    /** @type {Promise<void>} */
    const connected = new Promise((resolve, reject) => {
      this.on("state", ({ state, reason }) => {
        if (state === "connected") resolve();
        if (state === "closed") reject(new Error(reason || "closed"));
      });
    });
    this._connect();
    return connected;
  }

  /**
   * @param {keyof UplinkTracks} name
   * @param {MediaStreamTrack | null} track
   */
  async replace(name, track) {
    this._tracks[name] = track;
    await this._attempt?.uplink[name].sender.replaceTrack(track);
  }

  check() {
    if (this.state === "connected") this._attempt?.silence.doubt(performance.now());
  }

  reconnectNow() {
    if (this.state !== "lost") return;
    clearTimeout(this._retryTimer);
    this._failures = 0;
    this._connect();
  }

  /** @param {string} reason */
  rejoin(reason) {
    if (this.state === "closed" || this.state === "new") return;
    this._failures = 0; // who asks for it knows that it is worth trying
    this._lose(reason);
  }

  close(reason = "") {
    if (this.state === "closed") return;
    for (const [target, name, listener] of this._signs) {
      target?.removeEventListener?.(name, listener);
    }
    clearTimeout(this._retryTimer);
    endAttempt(this._attempt);
    this._attempt = null;
    this._become("closed", reason);
  }

  async stats() {
    const attempt = this._attempt;
    if (!attempt?.mids) {
      const none = { rttMs: null, availableOutgoing: null, slots: [], stage: {}, uplink: {} };
      return { state: this.state, ...none };
    }
    const report = await attempt.peer.getStats();
    return { state: this.state, ...this._stats.read(report, attempt.mids) };
  }

  // ------------------------------------------------------------ one attempt at a connection

  _online = () => this.rejoin("online");

  _doubt = () => {
    if (document.visibilityState === "visible") this.check();
  };

  async _connect() {
    const attempt = this._open();
    this._attempt = attempt;
    this._stats = new TransportStats();
    this._become("connecting");
    try {
      // Gathering is not awaited: the node learns the browser's address from its first connectivity
      // check.
      const offer = await attempt.peer.createOffer();
      await attempt.peer.setLocalDescription(offer);
      attempt.mids = midsOf(attempt);
      const answer = await this._signal(
        attempt.peer.localDescription?.sdp ?? "",
        { ...attempt.mids, prefers: this._prefers() },
        attempt.id,
      );
      if (attempt !== this._attempt) return;
      await attempt.peer.setRemoteDescription({ type: "answer", sdp: answer });
    } catch (thrown) {
      if (attempt !== this._attempt) return;
      const error = asError(thrown);
      if (error.final) {
        this.emit("final", { error });
        this.close(error.message);
      } else {
        this._lose("signal");
      }
      return;
    }
    attempt.timer = setInterval(() => this._watch(attempt), WATCH_MS);
  }

  /** @returns {ConnectionAttempt} */
  _open() {
    const peer = new RTCPeerConnection({
      iceServers: this._iceServers,
      iceTransportPolicy: this._icePolicy,
      bundlePolicy: "max-bundle",
    });
    /**
     * @param {"audio" | "video"} kind
     * @param {MediaStreamTrack | null} track
     * @param {RTCRtpEncodingParameters[]} [layers]
     */
    const sending = (kind, track, layers) =>
      peer.addTransceiver(track || kind, {
        direction: "sendonly",
        ...(layers && { sendEncodings: layers }),
      });
    /** @param {"audio" | "video"} kind */
    const receiving = (kind) =>
      limitCodecs(peer.addTransceiver(kind, { direction: "recvonly" }), kind);
    const { mic, camera, screen } = this._tracks;
    const uplink = {
      mic: sending("audio", mic),
      camera: sending("video", camera, simulcastLayers(camera)),
      screen: sending("video", screen),
    };
    const slots = this.slots.map(() => ({ audio: receiving("audio"), video: receiving("video") }));
    const stage = receiving("video");
    this.slots.forEach(({ stream }, n) => {
      replaceTracks(stream, [slots[n].audio.receiver.track, slots[n].video.receiver.track]);
    });
    replaceTracks(this.stage.stream, [stage.receiver.track]);
    this.emit("tracks", {});
    const now = performance.now();
    /** @type {ConnectionAttempt} */
    const attempt = {
      peer,
      id: newConnectionId(),
      uplink,
      downlink: { slots, stage },
      mids: null,
      silence: new SilenceWatch(now),
      startedAt: now,
      timer: undefined,
    };
    peer.addEventListener("connectionstatechange", () => {
      if (attempt !== this._attempt) return;
      if (peer.connectionState === "connected") this._connected(attempt);
      if (peer.connectionState === "failed" || peer.connectionState === "closed") {
        this._lose("failed");
      }
    });
    return attempt;
  }

  /** @param {ConnectionAttempt} attempt */
  _connected(attempt) {
    attempt.silence.restart(performance.now());
    this._failures = 0;
    this._become("connected");
  }

  /** @param {ConnectionAttempt} attempt */
  async _watch(attempt) {
    if (attempt !== this._attempt) return;
    if (this.state !== "connected") {
      const waited = performance.now() - attempt.startedAt;
      if (waited > CONNECT_LIMIT_MS) this._lose("failed");
      return;
    }
    const bytes = selectedCandidatePair(await attempt.peer.getStats())?.bytesReceived ?? -1;
    if (attempt !== this._attempt) return;
    if (attempt.silence.observe(bytes, performance.now())) this._lose("no-packets");
  }

  /** @param {string} reason */
  _lose(reason) {
    endAttempt(this._attempt);
    this._attempt = null;
    this._become("lost", reason);
    this.emit("lost", { reason });
    clearTimeout(this._retryTimer);
    this._retryTimer = setTimeout(() => {
      if (this.state === "lost") this._connect();
    }, retryDelayMs(this._failures));
    this._failures += 1;
  }

  /** @param {ConnectionState} state */
  _become(state, reason = "") {
    if (this.state === state) return;
    this.state = state;
    this.emit("state", { state, reason });
  }
}

/** @param {ConnectionAttempt | null} attempt */
function endAttempt(attempt) {
  if (!attempt) return;
  clearInterval(attempt.timer);
  attempt.peer.close();
}

/**
 * @param {ConnectionAttempt} attempt
 * @returns {TransceiverMids}
 */
function midsOf({ uplink, downlink }) {
  return {
    mic: uplink.mic.mid,
    camera: uplink.camera.mid,
    screen: uplink.screen.mid,
    slots: downlink.slots.map(({ audio, video }) => ({ audio: audio.mid, video: video.mid })),
    stage: downlink.stage.mid,
  };
}

/**
 * A layer for thumbnails and one of the whole size. Browsers take the layers from small to large.
 * @param {MediaStreamTrack | null} camera
 * @returns {RTCRtpEncodingParameters[]}
 */
function simulcastLayers(camera) {
  const { height = 0 } = camera?.getSettings?.() ?? {};
  return [
    { rid: "s", scaleResolutionDownBy: height > 480 ? 4 : 2, maxBitrate: SMALL_LAYER_BITRATE },
    { rid: "l", scaleResolutionDownBy: 1, maxBitrate: LARGE_LAYER_BITRATE },
  ];
}

/**
 * Offers in each slot only what the node forwards: many slots with every codec would make a long
 * offer.
 * @param {RTCRtpTransceiver} transceiver
 * @param {"audio" | "video"} kind
 */
function limitCodecs(transceiver, kind) {
  const wanted = kind === "audio" ? ["audio/opus"] : ["video/VP8", "video/H264", "video/rtx"];
  const offered = RTCRtpReceiver.getCapabilities?.(kind)?.codecs ?? [];
  const codecs = offered.filter(({ mimeType }) => wanted.includes(mimeType));
  if (codecs.length) transceiver.setCodecPreferences?.(codecs);
  return transceiver;
}

/**
 * @param {MediaStream} stream
 * @param {MediaStreamTrack[]} tracks
 */
function replaceTracks(stream, tracks) {
  for (const track of stream.getTracks()) stream.removeTrack(track);
  for (const track of tracks) stream.addTrack(track);
}

function newConnectionId() {
  const bytes = [...crypto.getRandomValues(new Uint8Array(16))];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
