// What this person hears: one loudness per slot, ramped, never stepped.
//
// A voice at full loudness plays in an <audio> element of its own: the browser's echo cancellation and its statistics
// know it there. Any other loudness goes through a GainNode while the element is muted (iOS ignores element.volume, and
// Chromium gives silence to a source node whose stream plays in no element at all).

const RAMP = 0.05; // seconds: time constant of an ordinary change
const SLOW_RAMP = 0.6; // of a deliberate one: the original coming back

export class AudioMixer extends EventTarget {
  constructor(link, speaker) {
    super();
    this._link = link;
    this._speaker = speaker;
    this._slots = link.slots.map(() => ({
      gain: 0,
      sink: null,
      node: null,
      source: null,
      settle: null,
    }));
    this._volume = 1;
    this._context = null;
    this._isBlocked = false;
    link.addEventListener("tracks", () => this._rebuild());
  }

  /** Call it from a click: sound may only begin with a gesture. */
  async resume() {
    if (!this._context) {
      this._context = new AudioContext({ latencyHint: "interactive" });
      this._context.addEventListener("statechange", () => this._tell());
      if (this._speaker) this._context.setSinkId?.(this._speaker).catch(() => {});
      this._rebuild();
    }
    // resume() of a context that nobody may start yet neither resolves nor rejects.
    await Promise.race([this._context.resume(), new Promise((done) => setTimeout(done, 300))]);
    this._isBlocked = false;
    this._slots.forEach((one) => this._play(one));
    this._tell();
  }

  get isSilent() {
    return this._isBlocked || this._context?.state !== "running";
  }

  get context() {
    return this._context;
  }

  setVolume(volume) {
    this._volume = volume;
    this._slots.forEach((one) => this._apply(one, RAMP));
  }

  /** A `deliberate` change moves slowly, so that a voice that comes back does not startle. */
  setGain(slot, gain, { deliberate = false } = {}) {
    const one = this._slots[slot];
    if (!one || one.gain === gain) return;
    one.gain = gain;
    this._apply(one, deliberate ? SLOW_RAMP : RAMP);
  }

  gainOf(slot) {
    return (this._slots[slot]?.gain ?? 0) * this._volume;
  }

  async setSpeaker(id) {
    this._speaker = id;
    await Promise.allSettled([
      this._context?.setSinkId?.(id),
      ...this._slots.map((one) => one.sink?.setSinkId?.(id)),
    ]);
  }

  /** What is heard in each slot at this moment: the strongest tone, how loud it comes in, and the gain that stands. */
  heard() {
    return this._slots.map((one) => {
      if (!one.source) return { hertz: 0, loudness: 0, gain: 0 };
      if (!one.analyser) {
        one.analyser = this._context.createAnalyser();
        one.analyser.fftSize = 4096;
        one.analyser.smoothingTimeConstant = 0;
        one.source.connect(one.analyser);
      }
      const bins = new Float32Array(one.analyser.frequencyBinCount);
      one.analyser.getFloatFrequencyData(bins);
      let strongest = 0;
      bins.forEach((level, n) => level > bins[strongest] && (strongest = n));
      const isHeard = bins[strongest] > -70;
      return {
        hertz: isHeard
          ? Math.round((strongest * this._context.sampleRate) / one.analyser.fftSize)
          : 0,
        loudness: isHeard ? 10 ** (bins[strongest] / 20) : 0,
        gain: one.sink.muted ? one.node.gain.value : 1,
      };
    });
  }

  close() {
    for (const one of this._slots) {
      clearTimeout(one.settle);
      one.sink?.pause();
      if (one.sink) one.sink.srcObject = null;
    }
    this._context?.close();
  }

  _rebuild() {
    if (!this._context) return;
    this._slots.forEach((one, n) => {
      one.source?.disconnect();
      one.node?.disconnect();
      one.analyser = null;
      const track = this._link.slots[n].stream.getAudioTracks()[0];
      if (!track) return;
      const stream = new MediaStream([track]);
      if (!one.sink) {
        one.sink = Object.assign(new Audio(), { autoplay: true });
        if (this._speaker) one.sink.setSinkId?.(this._speaker).catch(() => {});
      }
      one.sink.srcObject = stream;
      one.source = this._context.createMediaStreamSource(stream);
      one.node = this._context.createGain();
      one.source.connect(one.node).connect(this._context.destination);
      const isDirect = this._isFull(one);
      one.sink.muted = !isDirect;
      one.node.gain.value = isDirect ? 0 : one.gain * this._volume;
      this._play(one);
    });
  }

  /** Ramps in the graph; a voice that has come to full loudness moves over to its element. */
  _apply(one, ramp) {
    clearTimeout(one.settle);
    if (!one.node) return;
    const now = this._context.currentTime;
    const param = one.node.gain;
    if (!one.sink.muted) {
      if (this._isFull(one)) return;
      param.cancelScheduledValues(now);
      param.setValueAtTime(1, now);
      one.sink.muted = true;
    }
    param.setTargetAtTime(one.gain * this._volume, now, ramp);
    if (!this._isFull(one)) return;
    one.settle = setTimeout(() => {
      one.sink.muted = false;
      param.cancelScheduledValues(this._context.currentTime);
      param.setTargetAtTime(0, this._context.currentTime, 0.01);
    }, ramp * 4000);
  }

  _isFull(one) {
    return one.gain === 1 && this._volume === 1;
  }

  _play(one) {
    one.sink?.play().catch((error) => {
      if (error.name !== "NotAllowedError") return;
      this._isBlocked = true;
      this._tell();
    });
  }

  _tell() {
    this.dispatchEvent(new Event("change"));
  }
}

/** How loud a track is, 0 to 1, about ten times a second. Returns a function that ends it. */
export function watchSoundLevel(context, track, onLevel) {
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
export async function playTestTone(context) {
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
