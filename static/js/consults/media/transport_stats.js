// What RTCPeerConnection.getStats() says (W3C webrtc-stats), gathered per seat and direction.

/**
 * The MIDs (RFC 8843) of one peer connection: where each stream stands in its SDP.
 * @typedef {object} TransceiverMids
 * @property {string | null} mic
 * @property {string | null} camera
 * @property {string | null} screen
 * @property {{ audio: string | null, video: string | null }[]} slots
 * @property {string | null} stage
 */

/**
 * One entry of a report. lib.dom has types for few of them, and browsers lack different fields.
 * @typedef {{ id: string, type: string, timestamp: number, mid?: string } & Record<string, any>}
 *   StatsEntry
 */

/** @typedef {ReturnType<typeof readDownlinkAudio>} DownlinkAudio */
/** @typedef {ReturnType<TransportStats["_downlinkVideo"]>} DownlinkVideo */

export class TransportStats {
  /** @type {Map<string, { bytes: number, at: number }>} */
  _before = new Map();

  /**
   * Bit rates are those since the previous call.
   * @param {RTCStatsReport} report
   * @param {TransceiverMids} mids
   */
  read(report, mids) {
    const pair = selectedCandidatePair(report);
    /** @type {Map<string, StatsEntry>} */
    const inbound = new Map();
    /** @type {Map<string, StatsEntry[]>} */
    const outbound = new Map();
    for (const entry of entriesOf(report)) {
      if (entry.mid === undefined) continue;
      if (entry.type === "inbound-rtp") inbound.set(entry.mid, entry);
      if (entry.type === "outbound-rtp") {
        outbound.set(entry.mid, [...(outbound.get(entry.mid) ?? []), entry]);
      }
    }
    /** @param {string | null} mid */
    const received = (mid) => inbound.get(mid ?? "");
    /** @param {string | null} mid */
    const sent = (mid) => this._uplink(outbound.get(mid ?? ""));
    return {
      rttMs: pair?.currentRoundTripTime == null ? null : pair.currentRoundTripTime * 1000,
      availableOutgoing: /** @type {number | null} */ (pair?.availableOutgoingBitrate ?? null),
      slots: mids.slots.map((slot) => ({
        audio: readDownlinkAudio(received(slot.audio)),
        video: this._downlinkVideo(received(slot.video)),
      })),
      stage: { video: this._downlinkVideo(received(mids.stage)) },
      uplink: { mic: sent(mids.mic), camera: sent(mids.camera), screen: sent(mids.screen) },
    };
  }

  /** @param {StatsEntry | undefined} entry */
  _downlinkVideo(entry) {
    return {
      packets: Number(entry?.packetsReceived ?? 0),
      lost: Number(entry?.packetsLost ?? 0),
      frames: Number(entry?.framesDecoded ?? 0),
      fps: Number(entry?.framesPerSecond ?? 0),
      width: Number(entry?.frameWidth ?? 0),
      height: Number(entry?.frameHeight ?? 0),
      freezes: Number(entry?.freezeCount ?? 0),
      freezeSeconds: Number(entry?.totalFreezesDuration ?? 0),
      bitrate: entry ? this._bitrate(entry, entry.bytesReceived) : 0,
    };
  }

  /**
   * The layers of one track together: a camera in two layers is described by the larger one that
   * flows.
   * @param {StatsEntry[] | undefined} layers
   */
  _uplink(layers) {
    if (!layers) return null;
    const largest = layers.reduce((one, other) =>
      (other.frameWidth ?? 0) > (one.frameWidth ?? 0) ? other : one,
    );
    return {
      packets: layers.reduce((sum, { packetsSent = 0 }) => sum + Number(packetsSent), 0),
      bitrate: layers.reduce((sum, layer) => sum + this._bitrate(layer, layer.bytesSent), 0),
      frames: Number(largest.framesEncoded ?? 0),
      width: Number(largest.frameWidth ?? 0),
      height: Number(largest.frameHeight ?? 0),
      limitedBy: String(largest.qualityLimitationReason ?? "none"),
    };
  }

  /**
   * @param {StatsEntry} entry
   * @param {number} bytes
   * @returns {number} bits a second since the previous call
   */
  _bitrate(entry, bytes = 0) {
    const before = this._before.get(entry.id);
    this._before.set(entry.id, { bytes, at: entry.timestamp });
    if (!before || entry.timestamp <= before.at) return 0;
    return Math.round(((bytes - before.bytes) * 8000) / (entry.timestamp - before.at));
  }
}

/**
 * @param {RTCStatsReport} report
 * @returns {StatsEntry | null} the candidate pair that carries the packets
 */
export function selectedCandidatePair(report) {
  const entries = entriesOf(report);
  for (const entry of entries) {
    if (entry.type === "transport" && entry.selectedCandidatePairId) {
      return entries.find(({ id }) => id === entry.selectedCandidatePairId) ?? null;
    }
  }
  // Firefox has no transport entry.
  const isSelected = (/** @type {StatsEntry} */ entry) =>
    entry.selected || (entry.nominated && entry.state === "succeeded");
  return entries.find((entry) => entry.type === "candidate-pair" && isSelected(entry)) ?? null;
}

/** @param {StatsEntry | undefined} entry */
function readDownlinkAudio(entry) {
  return {
    packets: Number(entry?.packetsReceived ?? 0),
    lost: Number(entry?.packetsLost ?? 0),
    jitterMs: Number(entry?.jitter ?? 0) * 1000,
    energy: Number(entry?.totalAudioEnergy ?? 0),
    level: Number(entry?.audioLevel ?? 0),
    concealed: Number(entry?.concealedSamples ?? 0),
  };
}

/** @param {RTCStatsReport} report */
function entriesOf(report) {
  /** @type {StatsEntry[]} */
  const entries = [];
  report.forEach((entry, id) => {
    entries.push(entry.id === undefined ? { ...entry, id } : entry);
  });
  return entries;
}
