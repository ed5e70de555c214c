// What this person hears: one gain per slot, ramped, never stepped. iOS ignores element.volume, so gains are GainNodes.

const RAMP = 0.05; // seconds: time constant of an ordinary change
const SLOW_RAMP = 0.6; // of a deliberate one: the original coming back

export class Mixer extends EventTarget {
  constructor(link) {
    super();
    this._link = link;
    this._slots = link.slots.map(() => ({ gain: 0, node: null, source: null, sink: null }));
    this._volume = 1;
    this._context = null;
    link.addEventListener("tracks", () => this._rebuild());
  }

  /** Call it from a click: an AudioContext starts suspended until a gesture. */
  async resume() {
    if (!this._context) {
      this._context = new AudioContext({ latencyHint: "interactive" });
      this._master = this._context.createGain();
      this._master.gain.value = this._volume;
      this._master.connect(this._context.destination);
      this._context.addEventListener("statechange", () => this._tell());
      this._rebuild();
    }
    // resume() of a context that nobody may start yet neither resolves nor rejects.
    await Promise.race([this._context.resume(), new Promise((done) => setTimeout(done, 300))]);
    this._tell();
  }

  get isSilent() {
    return !this._context || this._context.state !== "running";
  }

  get context() {
    return this._context;
  }

  setVolume(volume) {
    this._volume = volume;
    this._master?.gain.setTargetAtTime(volume, this._context.currentTime, RAMP);
  }

  /** `deliberate` gains move slowly, so that a voice that comes back does not startle. */
  setGain(slot, gain, { deliberate = false } = {}) {
    const one = this._slots[slot];
    if (!one || one.gain === gain) return;
    one.gain = gain;
    one.node?.gain.setTargetAtTime(gain, this._context.currentTime, deliberate ? SLOW_RAMP : RAMP);
  }

  gainOf(slot) {
    return this._slots[slot]?.gain ?? 0;
  }

  async setSpeaker(id) {
    if (id && this._context?.setSinkId) await this._context.setSinkId(id).catch(() => {});
  }

  close() {
    this._context?.close();
    for (const one of this._slots) one.sink?.pause();
  }

  _rebuild() {
    if (!this._context) return;
    this._slots.forEach((one, n) => {
      one.source?.disconnect();
      one.node?.disconnect();
      const track = this._link.slots[n].stream.getAudioTracks()[0];
      if (!track) return;
      const stream = new MediaStream([track]);
      // Chromium gives silence to a source node unless the stream also plays in an element (muted is enough).
      one.sink ??= Object.assign(new Audio(), { muted: true, autoplay: true });
      one.sink.srcObject = stream;
      one.sink.play().catch(() => {});
      one.source = this._context.createMediaStreamSource(stream);
      one.node = this._context.createGain();
      one.node.gain.value = one.gain;
      one.source.connect(one.node).connect(this._master);
    });
  }

  _tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** How loud a track is, 0 to 1, about ten times a second. Returns a function that ends it. */
export function watchLevel(context, track, onLevel) {
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 1024;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  const timer = setInterval(() => {
    analyser.getFloatTimeDomainData(samples);
    const power = samples.reduce((sum, value) => sum + value * value, 0) / samples.length;
    onLevel(Math.min(1, Math.sqrt(power) * 5));
  }, 100);
  return () => {
    clearInterval(timer);
    source.disconnect();
  };
}

/** Two soft notes, to hear whether the speaker works. */
export async function playTone(context) {
  await context.resume();
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0, context.currentTime);
  [523.25, 659.25].forEach((frequency, n) => {
    const from = context.currentTime + n * 0.45;
    const oscillator = context.createOscillator();
    oscillator.frequency.value = frequency;
    oscillator.connect(gain);
    gain.gain.setTargetAtTime(0.2, from, 0.03);
    gain.gain.setTargetAtTime(0, from + 0.35, 0.05);
    oscillator.start(from);
    oscillator.stop(from + 0.6);
  });
}
