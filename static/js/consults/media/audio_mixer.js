// What this person hears: one gain per slot, always ramped.
//
// A voice at full gain plays in an <audio> element of its own: the browser's echo cancellation and
// its statistics know it there. Any other gain goes through a GainNode while the element is muted
// (iOS ignores element.volume, and Chromium gives silence to a source node whose stream plays in no
// element at all).
import { TypedEvents } from "../../shared/typed_events.js";

const RAMP_SECONDS = 0.05; // time constant of an ordinary change
const SLOW_RAMP_SECONDS = 0.6; // of a deliberate one: the original voice coming back
const RAMP_SETTLED = 4; // time constants after which a ramp has arrived, to 2 %
const HANDOVER_RAMP_SECONDS = 0.01;
const RESUME_LIMIT_MS = 300;
const HEARD_DECIBELS = -70;

/**
 * @typedef {object} MixerSlot
 * @property {number} gain
 * @property {MediaStreamAudioSourceNode | null} source null until there is a track to hear
 * @property {GainNode | null} gainNode
 * @property {HTMLAudioElement | null} element
 * @property {AnalyserNode | null} analyser
 * @property {number | undefined} settleTimer
 */

/** @typedef {HTMLAudioElement | AudioContext} SpeakerChooser */

/** @extends {TypedEvents<{ change: object }>} */
export class AudioMixer extends TypedEvents {
  /** @type {AudioContext | null} */
  _context = null;
  _volume = 1;
  _isBlocked = false;

  /**
   * @param {Pick<import("./media_connection.js").MediaConnection, "slots" | "on">} connection
   * @param {string} [speaker] a device id
   */
  constructor(connection, speaker) {
    super();
    this._connection = connection;
    this._speaker = speaker;
    /** @type {MixerSlot[]} */
    this._slots = connection.slots.map(() => ({
      gain: 0,
      source: null,
      gainNode: null,
      element: null,
      analyser: null,
      settleTimer: undefined,
    }));
    connection.on("tracks", () => this._rebuild());
  }

  /** Call it from a click: sound may only begin with a gesture. */
  async resume() {
    const context = this._context ?? this._createContext();
    // resume() of a context that may not start yet neither resolves nor rejects.
    const limit = new Promise((resolve) => setTimeout(resolve, RESUME_LIMIT_MS));
    await Promise.race([context.resume(), limit]);
    this._isBlocked = false;
    for (const slot of this._slots) this._play(slot);
    this.emit("change", {});
  }

  _createContext() {
    const context = new AudioContext({ latencyHint: "interactive" });
    this._context = context;
    context.addEventListener("statechange", () => this.emit("change", {}));
    if (this._speaker) chooseSpeaker(context, this._speaker);
    this._rebuild();
    return context;
  }

  get isSilent() {
    return this._isBlocked || this._context?.state !== "running";
  }

  get context() {
    return this._context;
  }

  /** @param {number} volume a factor on all gains, 0 to 1.5 */
  setVolume(volume) {
    this._volume = volume;
    for (const slot of this._slots) this._apply(slot, RAMP_SECONDS);
  }

  /**
   * A deliberate change moves slowly, so that a voice that comes back does not startle.
   * @param {number} number of the slot
   * @param {number} gain 0 to 1
   */
  setGain(number, gain, { deliberate = false } = {}) {
    const slot = this._slots[number];
    if (!slot || slot.gain === gain) return;
    slot.gain = gain;
    this._apply(slot, deliberate ? SLOW_RAMP_SECONDS : RAMP_SECONDS);
  }

  /** @param {number} number of the slot */
  gainOf(number) {
    return (this._slots[number]?.gain ?? 0) * this._volume;
  }

  /** @param {string} id of a device */
  async setSpeaker(id) {
    this._speaker = id;
    const players = [this._context, ...this._slots.map(({ element }) => element)];
    await Promise.all(players.map((player) => player && chooseSpeaker(player, id)));
  }

  /**
   * What is heard in each slot now: the strongest tone, how loud it comes in, and the gain in
   * effect.
   */
  heard() {
    return this._slots.map((slot) => {
      const { source, gainNode, element } = slot;
      const context = this._context;
      if (!context || !source || !gainNode || !element) return { hertz: 0, loudness: 0, gain: 0 };
      slot.analyser ??= createAnalyser(context, source);
      const bins = new Float32Array(slot.analyser.frequencyBinCount);
      slot.analyser.getFloatFrequencyData(bins);
      const strongest = bins.reduce((best, level, n) => (level > bins[best] ? n : best), 0);
      const isHeard = bins[strongest] > HEARD_DECIBELS;
      return {
        hertz: isHeard ? Math.round((strongest * context.sampleRate) / slot.analyser.fftSize) : 0,
        loudness: isHeard ? 10 ** (bins[strongest] / 20) : 0,
        gain: element.muted ? gainNode.gain.value : 1,
      };
    });
  }

  close() {
    for (const { element, settleTimer } of this._slots) {
      clearTimeout(settleTimer);
      if (!element) continue;
      element.pause();
      element.srcObject = null;
    }
    this._context?.close();
  }

  _rebuild() {
    const context = this._context;
    if (!context) return;
    this._slots.forEach((slot, number) => {
      slot.source?.disconnect();
      slot.gainNode?.disconnect();
      slot.analyser = null;
      const [track] = this._connection.slots[number].stream.getAudioTracks();
      if (!track) return;
      const stream = new MediaStream([track]);
      slot.element ??= this._createElement();
      slot.element.srcObject = stream;
      slot.source = context.createMediaStreamSource(stream);
      slot.gainNode = context.createGain();
      slot.source.connect(slot.gainNode).connect(context.destination);
      const isDirect = this._isFull(slot);
      slot.element.muted = !isDirect;
      slot.gainNode.gain.value = isDirect ? 0 : slot.gain * this._volume;
      this._play(slot);
    });
  }

  _createElement() {
    const element = new Audio();
    element.autoplay = true;
    if (this._speaker) chooseSpeaker(element, this._speaker);
    return element;
  }

  /**
   * Ramps in the graph; a voice that has come to full gain moves over to its element.
   * @param {MixerSlot} slot
   * @param {number} rampSeconds the time constant
   */
  _apply(slot, rampSeconds) {
    clearTimeout(slot.settleTimer);
    const { gainNode, element } = slot;
    const context = this._context;
    if (!context || !gainNode || !element) return;
    const { gain } = gainNode;
    const now = context.currentTime;
    if (!element.muted) {
      if (this._isFull(slot)) return;
      gain.cancelScheduledValues(now);
      gain.setValueAtTime(1, now);
      element.muted = true;
    }
    gain.setTargetAtTime(slot.gain * this._volume, now, rampSeconds);
    if (!this._isFull(slot)) return;
    slot.settleTimer = setTimeout(
      () => {
        element.muted = false;
        gain.cancelScheduledValues(context.currentTime);
        gain.setTargetAtTime(0, context.currentTime, HANDOVER_RAMP_SECONDS);
      },
      rampSeconds * RAMP_SETTLED * 1000,
    );
  }

  /** @param {MixerSlot} slot */
  _isFull(slot) {
    return slot.gain === 1 && this._volume === 1;
  }

  /** @param {MixerSlot} slot */
  _play({ element }) {
    element?.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this._isBlocked = true;
      this.emit("change", {});
    });
  }
}

/**
 * @param {AudioContext} context
 * @param {AudioNode} source
 */
function createAnalyser(context, source) {
  const analyser = context.createAnalyser();
  analyser.fftSize = 4096;
  analyser.smoothingTimeConstant = 0;
  source.connect(analyser);
  return analyser;
}

/**
 * Not every browser can choose, and a device may be gone: then the default speaker stays.
 * @param {SpeakerChooser} player
 * @param {string} id
 */
export async function chooseSpeaker(player, id) {
  const { setSinkId } = /** @type {{ setSinkId?: (id: string) => Promise<void> }} */ (player);
  await setSinkId?.call(player, id).catch(() => {});
}
