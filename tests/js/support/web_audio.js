// AudioContext and <audio>, as far as the mixer uses them. Gains follow the ramps that are
// scheduled on them.

// Node's own, whatever page a test opens.
const { EventTarget } = globalThis;

export class FakeParam {
  constructor(context, value = 1) {
    this._context = context;
    this._from = { value, at: 0 };
    this._target = null;
  }

  /** The value now: an exponential approach, as the Web Audio API defines setTargetAtTime. */
  get value() {
    if (!this._target) return this._from.value;
    const { value, at, timeConstant } = this._target;
    const passed = this._context.currentTime - at;
    if (passed <= 0) return this._from.value;
    return value + (this._from.value - value) * Math.exp(-passed / timeConstant);
  }

  set value(value) {
    this._target = null;
    this._from = { value, at: this._context.currentTime };
  }

  setValueAtTime(value) {
    this.value = value;
  }

  cancelScheduledValues() {
    this.value = this.value;
  }

  setTargetAtTime(value, at, timeConstant) {
    this.value = this.value;
    this._target = { value, at, timeConstant };
  }
}

class FakeNode {
  constructor(context) {
    this.context = context;
    this.outputs = new Set();
  }

  connect(node) {
    this.outputs.add(node);
    return node;
  }

  disconnect() {
    this.outputs.clear();
  }
}

export class FakeAudioContext extends EventTarget {
  static made = [];
  static mayStart = true;

  constructor() {
    super();
    this.state = "suspended";
    this.destination = new FakeNode(this);
    this.sampleRate = 48000;
    this.sources = [];
    this.sinkId = "";
    FakeAudioContext.made.push(this);
  }

  /** Seconds on the clock of the test. */
  get currentTime() {
    return performance.now() / 1000;
  }

  resume() {
    if (!FakeAudioContext.mayStart) return new Promise(() => {});
    this.state = "running";
    return Promise.resolve();
  }

  close() {
    this.state = "closed";
  }

  async setSinkId(id) {
    this.sinkId = id;
  }

  createMediaStreamSource(stream) {
    const source = Object.assign(new FakeNode(this), { stream });
    this.sources.push(source);
    return source;
  }

  createGain() {
    return Object.assign(new FakeNode(this), { gain: new FakeParam(this) });
  }
}

export class FakeAudio {
  static refusesToPlay = false;

  constructor() {
    this.muted = false;
    this.paused = true;
    this.srcObject = null;
    this.sinkId = "";
  }

  async play() {
    if (FakeAudio.refusesToPlay) {
      throw Object.assign(new Error("a gesture is needed"), { name: "NotAllowedError" });
    }
    this.paused = false;
  }

  pause() {
    this.paused = true;
  }

  async setSinkId(id) {
    this.sinkId = id;
  }
}

export function installWebAudio() {
  FakeAudioContext.made = [];
  FakeAudioContext.mayStart = true;
  FakeAudio.refusesToPlay = false;
  globalThis.AudioContext = FakeAudioContext;
  globalThis.Audio = FakeAudio;
}
