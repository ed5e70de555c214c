// RTCPeerConnection and what belongs to it, as far as our code uses them. Tests decide what the
// network does.

// Node's own, whatever page a test opens.
const { Event, EventTarget } = globalThis;

export class FakeTrack {
  constructor(kind, settings = {}) {
    this.kind = kind;
    this.enabled = true;
    this.stopped = false;
    this._settings = settings;
  }

  getSettings() {
    return this._settings;
  }

  stop() {
    this.stopped = true;
  }
}

export class FakeStream {
  constructor(tracks = []) {
    this._tracks = [...tracks];
  }

  getTracks() {
    return [...this._tracks];
  }

  getAudioTracks() {
    return this._tracks.filter(({ kind }) => kind === "audio");
  }

  getVideoTracks() {
    return this._tracks.filter(({ kind }) => kind === "video");
  }

  addTrack(track) {
    this._tracks.push(track);
  }

  removeTrack(track) {
    this._tracks = this._tracks.filter((other) => other !== track);
  }
}

export class FakePeerConnection extends EventTarget {
  /** All that were made, the newest last. */
  static made = [];

  constructor(configuration) {
    super();
    this.configuration = configuration;
    this.connectionState = "new";
    this.transceivers = [];
    this.localDescription = null;
    this.remoteDescription = null;
    this.bytesReceived = 0;
    FakePeerConnection.made.push(this);
  }

  static get last() {
    return FakePeerConnection.made.at(-1);
  }

  addTransceiver(trackOrKind, init) {
    const kind = typeof trackOrKind === "string" ? trackOrKind : trackOrKind.kind;
    const transceiver = {
      kind,
      init,
      mid: null,
      codecs: null,
      sender: {
        track: typeof trackOrKind === "string" ? null : trackOrKind,
        async replaceTrack(track) {
          this.track = track;
        },
      },
      receiver: { track: new FakeTrack(kind) },
      setCodecPreferences(codecs) {
        this.codecs = codecs;
      },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }

  async createOffer() {
    return { type: "offer", sdp: `offer ${FakePeerConnection.made.indexOf(this)}` };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.transceivers.forEach((transceiver, n) => {
      transceiver.mid = String(n);
    });
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
  }

  async getStats() {
    const pair = { id: "P", type: "candidate-pair", bytesReceived: this.bytesReceived };
    const transport = { id: "T", type: "transport", selectedCandidatePairId: "P" };
    return new Map([
      ["T", transport],
      ["P", pair],
    ]);
  }

  close() {
    this.connectionState = "closed";
  }

  /** The network: ICE and DTLS come to this. */
  become(state) {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

export function installWebRtc() {
  FakePeerConnection.made = [];
  globalThis.MediaStream = FakeStream;
  globalThis.RTCPeerConnection = FakePeerConnection;
  globalThis.RTCRtpReceiver = {
    getCapabilities: (kind) => ({
      codecs: ["opus", "PCMU", "VP8", "H264", "AV1", "rtx"].map((name) => ({
        mimeType: `${kind}/${name}`,
      })),
    }),
  };
}
