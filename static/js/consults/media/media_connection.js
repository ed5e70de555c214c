/**
 * MediaConnection: one browser's line to the media node. No user interface, no words.
 *
 *   const link = new MediaConnection({
 *     signal,             // (offerSdp, lines, connection) => Promise<answerSdp>; a rejection is retried with back-off,
 *                         // unless the error has `final = true` (removed from the room, room closed)
 *     slots: 7,           // how many other seats can be received at once
 *     iceServers: [],     // as for RTCPeerConnection
 *     relayOnly: false,   // true: nothing but a TURN server is used
 *     prefers: null,      // () => "small" on a phone: the node then sends the small layer of each camera
 *   });
 *   await link.start({ mic, camera, screen });   // MediaStreamTracks or null; resolves when first connected
 *
 *   link.slots[n].stream  // MediaStream with one audio and one video track; the object never changes, so set
 *   link.stage.stream     //   `video.srcObject` once. Its tracks are renewed at every (re)connection: rebuild
 *                         //   MediaStreamAudioSourceNodes on the 'tracks' event.
 *   await link.replace("mic" | "camera" | "screen", trackOrNull);   // never renegotiates
 *   await link.stats();   // see the end of this comment; measured since the previous call where it says "now"
 *   link.check();         // something looks wrong (socket gone, tab back): find out within a second
 *   link.hurry();         // the way to the web is open again: a lost line is made anew now, not after its back-off
 *   link.rejoin(reason);  // drop the connection and make a new one into the same seat
 *   link.close();         // for good; twice is harmless. The tracks given to it stay yours to stop.
 *
 * Events (`link.addEventListener(name, event => event.detail)`):
 *   state   { state: "connecting" | "connected" | "lost" | "closed", reason }
 *   tracks  {}            the tracks in the slots and on the stage are new
 *   lost    { reason }    before each rejoin: "no-packets" | "failed" | "online" | "signal" | the given reason
 *   final   { error }     signal() refused for good; the link is closed
 *
 * lines, as the web passes them on to the node: { mic, camera, screen: mid, slots: [{ audio, video: mid }], stage: mid,
 * prefers: "small" | null }. The camera is sent in two layers, "s" and "l"; the node gives each listener the one that fits.
 *
 * stats() => {
 *   state, rttMs, availableOutgoing (bit/s, or null),
 *   slots: [Incoming], stage: Incoming.video alone as { video },
 *   uplink: { mic, camera, screen: { packets, bitrate, frames, width, height, limitedBy } | null }
 * }
 * Incoming = {
 *   audio: { packets, lost, jitterMs, energy, level, concealed },           // energy: RFC totalAudioEnergy, total
 *   video: { packets, lost, frames, fps, width, height, freezes, freezeSeconds, bitrate }   // frames: decoded, total
 * }
 */

const STALL_MS = 2500; // of silence on a line that bears little more than the node's report each second
const BUSY_STALL_MS = 1500; // on one that bore sound or picture without a pause until then
const BUSY_WATCHES = 6;
const CHECK_MS = 1000; // of silence that are enough once something looks wrong
const WATCH_MS = 250;
const ASLEEP_MS = 3000; // a watch that comes so late has slept
const CONNECT_MS = 8000;
const RETRY_MS = [100, 400, 1000, 2000];
const PATIENCE = 15;
const SLOW_RETRY_MS = 5000;
const SMALL_BITRATE = 150_000;
const LARGE_BITRATE = 1_700_000;

export class MediaConnection extends EventTarget {
  constructor({ signal, slots = 7, iceServers = [], relayOnly = false, prefers = null }) {
    super();
    this.slots = Array.from({ length: slots }, () => ({ stream: new MediaStream() }));
    this.stage = { stream: new MediaStream() };
    this.state = "new";
    this._signal = signal;
    this._iceServers = iceServers;
    this._prefers = typeof prefers === "function" ? prefers : () => prefers;
    this._policy = relayOnly ? "relay" : "all";
    this._tracks = { mic: null, camera: null, screen: null };
    this._attempt = null;
    this._failures = 0;
    this._before = new Map();
    this._onOnline = () => this.rejoin("online");
    this._onDoubt = () => document.visibilityState === "visible" && this.check();
    this._signs = [
      [window, "online", this._onOnline],
      [window, "offline", this._onDoubt],
      [document, "visibilitychange", this._onDoubt],
      [document, "resume", this._onDoubt],
      [window, "pageshow", this._onDoubt],
      [navigator.connection, "change", this._onDoubt],
    ];
  }

  start(tracks = {}) {
    Object.assign(this._tracks, tracks);
    for (const [place, name, act] of this._signs) place?.addEventListener?.(name, act);
    const connected = new Promise((resolve, reject) => {
      this.addEventListener("state", ({ detail }) => {
        if (detail.state === "connected") resolve();
        if (detail.state === "closed") reject(new Error(detail.reason || "closed"));
      });
    });
    this._connect();
    return connected;
  }

  async replace(name, track) {
    this._tracks[name] = track;
    const sender = this._attempt?.senders[name];
    if (sender) await sender.replaceTrack(track);
  }

  check() {
    if (this._attempt && this.state === "connected")
      this._attempt.heardAt = Math.min(
        this._attempt.heardAt,
        performance.now() - this._patience(this._attempt) + CHECK_MS,
      );
  }

  hurry() {
    if (this.state !== "lost") return;
    clearTimeout(this._retry);
    this._failures = 0;
    this._connect();
  }

  rejoin(reason) {
    if (this.state === "closed" || this.state === "new") return;
    this._failures = 0; // whoever asks for it knows that it is worth while
    this._lose(this._attempt, reason);
  }

  close(reason = "") {
    if (this.state === "closed") return;
    for (const [place, name, act] of this._signs) place?.removeEventListener?.(name, act);
    clearTimeout(this._retry);
    this._end(this._attempt);
    this._attempt = null;
    this._become("closed", reason);
  }

  async stats() {
    const empty = {
      state: this.state,
      rttMs: null,
      availableOutgoing: null,
      slots: [],
      stage: {},
      uplink: {},
    };
    const attempt = this._attempt;
    if (!attempt?.lines) return empty;
    const report = await attempt.pc.getStats();
    const pair = selectedPair(report);
    const byMid = new Map();
    for (const entry of report.values()) {
      if (entry.type === "inbound-rtp") byMid.set(entry.mid, entry);
      if (entry.type === "outbound-rtp")
        byMid.set(entry.mid, [...(byMid.get(entry.mid) ?? []), entry]);
    }
    const of = (mid) => byMid.get(mid);
    const { lines } = attempt;
    return {
      state: this.state,
      rttMs: pair?.currentRoundTripTime == null ? null : pair.currentRoundTripTime * 1000,
      availableOutgoing: pair?.availableOutgoingBitrate ?? null,
      slots: lines.slots.map((slot) => ({
        audio: incomingAudio(of(slot.audio)),
        video: this._incomingVideo(of(slot.video)),
      })),
      stage: { video: this._incomingVideo(of(lines.stage)) },
      uplink: {
        mic: this._outgoing(of(lines.mic)),
        camera: this._outgoing(of(lines.camera)),
        screen: this._outgoing(of(lines.screen)),
      },
    };
  }

  // ------------------------------------------------------------ one attempt at a connection

  async _connect() {
    const attempt = this._open();
    this._attempt = attempt;
    this._before.clear();
    this._become("connecting");
    try {
      // Gathering is not awaited: the node learns the browser's address from its first connectivity check.
      const offer = await attempt.pc.createOffer();
      await attempt.pc.setLocalDescription(offer);
      attempt.lines = { ...linesOf(attempt), prefers: this._prefers() };
      const answer = await this._signal(
        attempt.pc.localDescription.sdp,
        attempt.lines,
        attempt.connection,
      );
      if (attempt !== this._attempt) return;
      await attempt.pc.setRemoteDescription({ type: "answer", sdp: answer });
    } catch (error) {
      if (attempt !== this._attempt) return;
      if (error?.final) {
        this.dispatchEvent(new CustomEvent("final", { detail: { error } }));
        this.close(error.message);
      } else {
        this._lose(attempt, "signal");
      }
      return;
    }
    attempt.timer = setInterval(() => this._watch(attempt), WATCH_MS);
  }

  _open() {
    const pc = new RTCPeerConnection({
      iceServers: this._iceServers,
      iceTransportPolicy: this._policy,
      bundlePolicy: "max-bundle",
    });
    const sending = (kind, track, sendEncodings) =>
      pc.addTransceiver(track || kind, {
        direction: "sendonly",
        ...(sendEncodings && { sendEncodings }),
      });
    const receiving = (kind) =>
      preferring(pc.addTransceiver(kind, { direction: "recvonly" }), kind);
    const up = {
      mic: sending("audio", this._tracks.mic),
      camera: sending("video", this._tracks.camera, layersOf(this._tracks.camera)),
      screen: sending("video", this._tracks.screen),
    };
    const slots = this.slots.map(() => ({ audio: receiving("audio"), video: receiving("video") }));
    const stage = receiving("video");
    this.slots.forEach(({ stream }, n) =>
      renew(stream, [slots[n].audio.receiver.track, slots[n].video.receiver.track]),
    );
    renew(this.stage.stream, [stage.receiver.track]);
    this.dispatchEvent(new CustomEvent("tracks", { detail: {} }));
    const attempt = {
      pc,
      up,
      down: { slots, stage },
      lines: null,
      timer: null,
      heard: -1,
      connection: newConnectionId(),
      startedAt: performance.now(),
      heardAt: performance.now(),
      watchedAt: performance.now(),
      watchesWithout: 0,
      isQuiet: true, // watches in a row without a quiet one, until the last word that was heard
      senders: { mic: up.mic.sender, camera: up.camera.sender, screen: up.screen.sender },
    };
    pc.addEventListener("connectionstatechange", () => {
      if (attempt !== this._attempt) return;
      if (pc.connectionState === "connected") this._arrive(attempt);
      if (pc.connectionState === "failed" || pc.connectionState === "closed")
        this._lose(attempt, "failed");
    });
    return attempt;
  }

  _arrive(attempt) {
    attempt.heardAt = performance.now();
    this._failures = 0;
    this._become("connected");
  }

  _patience(attempt) {
    return attempt.watchesWithout >= BUSY_WATCHES ? BUSY_STALL_MS : STALL_MS;
  }

  /** The node sends a receiver report each second whatever else it sends: silence is a lost line. */
  async _watch(attempt) {
    if (attempt !== this._attempt) return;
    const now = performance.now();
    if (now - attempt.watchedAt > ASLEEP_MS) this.check();
    attempt.watchedAt = now;
    if (this.state !== "connected") {
      if (now - attempt.startedAt > CONNECT_MS) this._lose(attempt, "failed");
      return;
    }
    const heard = selectedPair(await attempt.pc.getStats())?.bytesReceived ?? -1;
    if (attempt !== this._attempt) return;
    if (heard !== attempt.heard) {
      attempt.watchesWithout = attempt.isQuiet ? 0 : attempt.watchesWithout + 1;
      attempt.heard = heard;
      attempt.heardAt = performance.now();
      attempt.isQuiet = false;
    } else {
      attempt.isQuiet = true;
      if (performance.now() - attempt.heardAt > this._patience(attempt))
        this._lose(attempt, "no-packets");
    }
  }

  _lose(attempt, reason) {
    if (attempt !== this._attempt || this.state === "closed") return;
    this._end(attempt);
    this._attempt = null;
    this._become("lost", reason);
    this.dispatchEvent(new CustomEvent("lost", { detail: { reason } }));
    clearTimeout(this._retry);
    this._retry = setTimeout(
      () => this.state === "lost" && this._connect(),
      retryDelay(this._failures++),
    );
  }

  _end(attempt) {
    if (!attempt) return;
    clearInterval(attempt.timer);
    attempt.pc.close();
  }

  _become(state, reason = "") {
    if (this.state === state) return;
    this.state = state;
    this.dispatchEvent(new CustomEvent("state", { detail: { state, reason } }));
  }

  // ------------------------------------------------------------ reading getStats

  _incomingVideo(entry) {
    if (!entry)
      return {
        packets: 0,
        lost: 0,
        frames: 0,
        fps: 0,
        width: 0,
        height: 0,
        freezes: 0,
        freezeSeconds: 0,
        bitrate: 0,
      };
    return {
      packets: entry.packetsReceived ?? 0,
      lost: entry.packetsLost ?? 0,
      frames: entry.framesDecoded ?? 0,
      fps: entry.framesPerSecond ?? 0,
      width: entry.frameWidth ?? 0,
      height: entry.frameHeight ?? 0,
      freezes: entry.freezeCount ?? 0,
      freezeSeconds: entry.totalFreezesDuration ?? 0,
      bitrate: this._rate(entry, entry.bytesReceived),
    };
  }

  /** One line's streams together: a camera in two layers is told by its larger one that flows. */
  _outgoing(entries) {
    if (!entries) return null;
    const largest = entries.reduce((one, other) =>
      (other.frameWidth ?? 0) > (one.frameWidth ?? 0) ? other : one,
    );
    return {
      packets: entries.reduce((sum, { packetsSent = 0 }) => sum + packetsSent, 0),
      bitrate: entries.reduce((sum, entry) => sum + this._rate(entry, entry.bytesSent), 0),
      frames: largest.framesEncoded ?? 0,
      width: largest.frameWidth ?? 0,
      height: largest.frameHeight ?? 0,
      limitedBy: largest.qualityLimitationReason ?? "none",
    };
  }

  /** Bits a second now: since the previous stats() call. */
  _rate(entry, bytes = 0) {
    const before = this._before.get(entry.id);
    this._before.set(entry.id, { bytes, at: entry.timestamp });
    if (!before || entry.timestamp <= before.at) return 0;
    return Math.round(((bytes - before.bytes) * 8000) / (entry.timestamp - before.at));
  }
}

function incomingAudio(entry) {
  return {
    packets: entry?.packetsReceived ?? 0,
    lost: entry?.packetsLost ?? 0,
    jitterMs: (entry?.jitter ?? 0) * 1000,
    energy: entry?.totalAudioEnergy ?? 0,
    level: entry?.audioLevel ?? 0,
    concealed: entry?.concealedSamples ?? 0,
  };
}

function selectedPair(report) {
  for (const entry of report.values()) {
    if (entry.type === "transport" && entry.selectedCandidatePairId)
      return report.get(entry.selectedCandidatePairId);
  }
  for (const entry of report.values()) {
    // Firefox has no transport entry.
    if (
      entry.type === "candidate-pair" &&
      (entry.selected || (entry.nominated && entry.state === "succeeded"))
    )
      return entry;
  }
  return null;
}

function linesOf({ up, down }) {
  return {
    mic: up.mic.mid,
    camera: up.camera.mid,
    screen: up.screen.mid,
    slots: down.slots.map(({ audio, video }) => ({ audio: audio.mid, video: video.mid })),
    stage: down.stage.mid,
  };
}

/** A thumbnail's worth of the picture, and the whole of it. Browsers take the layers from small to large. */
function layersOf(track) {
  const { height = 0 } = track?.getSettings?.() ?? {};
  return [
    { rid: "s", scaleResolutionDownBy: height > 480 ? 4 : 2, maxBitrate: SMALL_BITRATE },
    { rid: "l", scaleResolutionDownBy: 1, maxBitrate: LARGE_BITRATE },
  ];
}

/** Offers on each slot only what the node forwards: many slots with every codec would make a long offer. */
function preferring(transceiver, kind) {
  const wanted = kind === "audio" ? ["audio/opus"] : ["video/VP8", "video/H264", "video/rtx"];
  const codecs =
    RTCRtpReceiver.getCapabilities?.(kind)?.codecs.filter(({ mimeType }) =>
      wanted.includes(mimeType),
    ) ?? [];
  if (codecs.length && transceiver.setCodecPreferences) transceiver.setCodecPreferences(codecs);
  return transceiver;
}

function renew(stream, tracks) {
  for (const track of stream.getTracks()) stream.removeTrack(track);
  for (const track of tracks) stream.addTrack(track);
}

function retryDelay(failures) {
  const base =
    failures < PATIENCE ? RETRY_MS[Math.min(failures, RETRY_MS.length - 1)] : SLOW_RETRY_MS;
  return base * (0.7 + 0.6 * Math.random());
}

function newConnectionId() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
