// Camera, microphone and speaker of this person. A camera that is off is stopped, so that its light
// goes out.
import { TypedEvents } from "../../shared/typed_events.js";

/** @typedef {"mic" | "camera" | "screen"} LocalTrackName */
/** @typedef {"audioinput" | "videoinput" | "audiooutput"} DeviceKind */
/**
 * @typedef {"noDevices" | "noCamera" | "noMicrophone"} DeviceTrouble names a sentence of the page
 */

const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const SCREEN_FRAME_RATE = 15;
const STORAGE_KEY = "consult-devices";

/**
 * Events: "change" when a track is another one now, or gone; "list" when devices were plugged in or
 * out.
 * @extends {TypedEvents<{ change: { kind: LocalTrackName | "speaker" | "all" }, list: object }>}
 */
export class LocalDevices extends TypedEvents {
  /** @type {MediaStreamTrack | null} */
  mic = null;
  /** @type {MediaStreamTrack | null} */
  camera = null;
  /** @type {MediaStreamTrack | null} */
  screen = null;
  micOn = true;
  noiseSuppression = true;
  /** @type {DeviceTrouble | null} */
  trouble = null;

  constructor() {
    super();
    /** @type {Partial<Record<DeviceKind, string>>} device ids */
    this.chosen = JSON.parse(localStorage.getItem(STORAGE_KEY) || "{}");
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.emit("list", {}));
  }

  /**
   * Asks for microphone and camera together, and for each alone when that fails. Never rejects; see
   * `trouble`.
   */
  async open() {
    try {
      const stream = await this._ask({ audio: AUDIO, video: VIDEO });
      this._take("mic", stream.getAudioTracks()[0]);
      this._take("camera", stream.getVideoTracks()[0]);
      this.trouble = null;
    } catch {
      await this._openMic().catch(() => null);
      await this._openCamera().catch(() => null);
      this.trouble = troubleOf(this);
    }
    this.micOn = Boolean(this.mic);
    this.emit("change", { kind: "all" });
  }

  async list() {
    return (await navigator.mediaDevices?.enumerateDevices()) ?? [];
  }

  /**
   * @param {DeviceKind} kind
   * @param {string} id
   */
  async choose(kind, id) {
    this.chosen[kind] = id;
    localStorage.setItem(STORAGE_KEY, JSON.stringify(this.chosen));
    if (kind === "audioinput" && this.mic) await this._renew("mic");
    if (kind === "videoinput" && this.camera) await this._renew("camera");
    if (kind === "audiooutput") this.emit("change", { kind: "speaker" });
  }

  /** @param {boolean} isOn */
  async setMic(isOn) {
    if (isOn && !this.mic) await this._openMic();
    this.micOn = isOn;
    if (this.mic) this.mic.enabled = isOn;
    this.emit("change", { kind: "mic" });
  }

  /** @param {boolean} isOn */
  async setCamera(isOn) {
    if (isOn) await this._openCamera();
    else this._stop("camera");
    this.emit("change", { kind: "camera" });
  }

  /** @param {boolean} isOn */
  async setScreen(isOn) {
    if (isOn) {
      const video = { frameRate: { max: SCREEN_FRAME_RATE } };
      const stream = await navigator.mediaDevices.getDisplayMedia({ video, audio: false });
      const [track] = stream.getVideoTracks();
      track.contentHint = "detail";
      track.addEventListener("ended", () => this.setScreen(false));
      this.screen = track;
    } else {
      this._stop("screen");
    }
    this.emit("change", { kind: "screen" });
  }

  /** @param {boolean} isOn */
  async setNoiseSuppression(isOn) {
    this.noiseSuppression = isOn;
    if (this.mic) await this._renew("mic");
  }

  close() {
    this._stop("mic");
    this._stop("camera");
    this._stop("screen");
  }

  async _openMic() {
    const stream = await this._ask({ audio: AUDIO });
    this._take("mic", stream.getAudioTracks()[0]);
  }

  async _openCamera() {
    const stream = await this._ask({ video: VIDEO });
    this._take("camera", stream.getVideoTracks()[0]);
  }

  /** @param {"mic" | "camera"} name */
  async _renew(name) {
    this._stop(name);
    await (name === "mic" ? this._openMic() : this._openCamera());
    if (name === "mic" && this.mic) this.mic.enabled = this.micOn;
    this.emit("change", { kind: name });
  }

  /**
   * @param {"mic" | "camera"} name
   * @param {MediaStreamTrack} track
   */
  _take(name, track) {
    this._stop(name);
    this[name] = track;
    track.addEventListener("ended", () => {
      if (this[name] !== track) return;
      this[name] = null; // unplugged
      if (name === "mic") this.micOn = false;
      this.emit("change", { kind: name });
    });
  }

  /** @param {LocalTrackName} name */
  _stop(name) {
    const track = this[name];
    this[name] = null;
    track?.stop();
  }

  /**
   * From the chosen devices, or from others when those are gone. A mere wish for a device (`ideal`)
   * is outweighed by the size of another one's picture.
   * @param {{ audio?: MediaTrackConstraints, video?: MediaTrackConstraints }} wanted
   */
  async _ask({ audio, video }) {
    const { audioinput, videoinput } = this.chosen;
    /**
     * @param {MediaTrackConstraints | undefined} constraints
     * @param {string | undefined} id
     */
    const from = (constraints, id) => constraints && { ...constraints, ...exactDevice(id) };
    const audioWanted = audio && { ...audio, noiseSuppression: this.noiseSuppression };
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: from(audioWanted, audioinput),
        video: from(video, videoinput),
      });
    } catch (error) {
      const { name } = /** @type {{ name: string }} */ (error);
      const isGone = name === "OverconstrainedError" || name === "NotFoundError";
      if (!isGone) throw error;
      return navigator.mediaDevices.getUserMedia({ audio: audioWanted, video });
    }
  }
}

/** @param {string | undefined} id */
function exactDevice(id) {
  return id ? { deviceId: { exact: id } } : {};
}

/**
 * @param {Pick<LocalDevices, "mic" | "camera">} devices
 * @returns {DeviceTrouble | null}
 */
function troubleOf({ mic, camera }) {
  if (!mic && !camera) return "noDevices";
  if (!camera) return "noCamera";
  return mic ? null : "noMicrophone";
}
