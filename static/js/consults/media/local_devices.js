// Camera, microphone and speaker of this person. A camera that is off is stopped, so that its light goes out.
//
//   await devices.open({ mic, camera })   asks for what it can get; what failed stands in devices.trouble
//   devices.mic, devices.camera, devices.screen: MediaStreamTrack or null
//   events: "change" { kind }   a track is another one now, or gone

const VIDEO = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } };
const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const KEPT = "consult-devices";

export class LocalDevices extends EventTarget {
  constructor() {
    super();
    this.mic = this.camera = this.screen = null;
    this.micOn = true;
    this.cameraOn = true;
    this.trouble = null; // "noDevices" | "noCamera" | "noMicrophone"
    this.chosen = JSON.parse(localStorage.getItem(KEPT) || "{}");
    this.noiseSuppression = true;
    navigator.mediaDevices?.addEventListener?.("devicechange", () =>
      this.dispatchEvent(new Event("list")),
    );
  }

  async open() {
    try {
      await this._both();
      this.trouble = null;
    } catch {
      await this._micTrack().catch(() => null);
      await this._cameraTrack().catch(() => null);
      this.trouble =
        !this.mic && !this.camera
          ? "noDevices"
          : !this.camera
            ? "noCamera"
            : !this.mic
              ? "noMicrophone"
              : null;
    }
    this.micOn = Boolean(this.mic);
    this.cameraOn = Boolean(this.camera);
    this._changed("all");
  }

  async list() {
    return navigator.mediaDevices?.enumerateDevices() ?? [];
  }

  async choose(kind, id) {
    this.chosen[kind] = id;
    localStorage.setItem(KEPT, JSON.stringify(this.chosen));
    if (kind === "audioinput" && this.mic) await this._renew("mic");
    if (kind === "videoinput" && this.camera) await this._renew("camera");
    if (kind === "audiooutput") this._changed("speaker");
  }

  async setMic(on) {
    if (on && !this.mic) await this._micTrack();
    this.micOn = on;
    if (this.mic) this.mic.enabled = on;
    this._changed("mic");
  }

  async setCamera(on) {
    if (on) await this._cameraTrack();
    else this._stop("camera");
    this.cameraOn = on;
    this._changed("camera");
  }

  async setScreen(on) {
    if (!on) {
      this._stop("screen");
    } else {
      const stream = await navigator.mediaDevices.getDisplayMedia({
        video: { frameRate: { max: 15 } },
        audio: false,
      });
      this.screen = stream.getVideoTracks()[0];
      this.screen.contentHint = "detail";
      this.screen.addEventListener("ended", () => this.setScreen(false));
    }
    this._changed("screen");
  }

  async setNoiseSuppression(on) {
    this.noiseSuppression = on;
    if (this.mic) await this._renew("mic");
  }

  close() {
    for (const name of ["mic", "camera", "screen"]) this._stop(name);
  }

  async _both() {
    const stream = await this._ask({ audio: AUDIO, video: VIDEO });
    this._take("mic", stream.getAudioTracks()[0]);
    this._take("camera", stream.getVideoTracks()[0]);
  }

  async _micTrack() {
    const stream = await this._ask({ audio: AUDIO });
    this._take("mic", stream.getAudioTracks()[0]);
  }

  async _cameraTrack() {
    const stream = await this._ask({ video: VIDEO });
    this._take("camera", stream.getVideoTracks()[0]);
  }

  async _renew(name) {
    this._stop(name);
    await (name === "mic" ? this._micTrack() : this._cameraTrack());
    if (name === "mic") this.mic.enabled = this.micOn;
    this._changed(name);
  }

  _take(name, track) {
    this._stop(name);
    this[name] = track;
    track.addEventListener("ended", () => {
      if (this[name] !== track) return;
      this[name] = null; // unplugged
      if (name === "mic") this.micOn = false;
      if (name === "camera") this.cameraOn = false;
      this._changed(name);
    });
  }

  _stop(name) {
    const track = this[name];
    this[name] = null;
    track?.stop();
  }

  /** From the chosen devices; from others where those are not there any more. A mere wish for a device (`ideal`) is
   * outweighed by the size of another one's picture. */
  async _ask(wanted) {
    const { audioinput, videoinput } = this.chosen;
    const ask = ({ exact }) =>
      navigator.mediaDevices.getUserMedia({
        ...(wanted.audio && {
          audio: {
            ...wanted.audio,
            noiseSuppression: this.noiseSuppression,
            ...(exact && audioinput && { deviceId: { exact: audioinput } }),
          },
        }),
        ...(wanted.video && {
          video: {
            ...wanted.video,
            ...(exact && videoinput && { deviceId: { exact: videoinput } }),
          },
        }),
      });
    try {
      return await ask({ exact: true });
    } catch (error) {
      if (!["OverconstrainedError", "NotFoundError"].includes(error.name)) throw error;
      return ask({ exact: false });
    }
  }

  _changed(kind) {
    this.dispatchEvent(new CustomEvent("change", { detail: { kind } }));
  }
}
