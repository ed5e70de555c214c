// What ten seconds through a media node say about a connection.

/** @typedef {import("../media/transport_stats.js").DownlinkAudio} DownlinkAudio */
/** @typedef {import("../media/transport_stats.js").DownlinkVideo} DownlinkVideo */
/** @typedef {{ audio: DownlinkAudio, video: DownlinkVideo }} Downlink */

/**
 * @param {number[]} values
 * @returns {number | null} the upper one of two in the middle; null for none
 */
export function median(values) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted.length ? sorted[Math.floor(sorted.length / 2)] : null;
}

/**
 * @param {number[]} bitrates
 * @returns {number} what the connection gave in its better half: in the first seconds the rate is
 *   still rising
 */
export function sustainedBitrate(bitrates) {
  const sorted = [...bitrates].sort((one, other) => other - one);
  return median(sorted.slice(0, Math.ceil(sorted.length / 2))) ?? 0;
}

/**
 * @param {Downlink} before
 * @param {Downlink} after
 * @returns {number} the share of packets that were lost in between; 1 when nothing came
 */
export function lossBetween(before, after) {
  const packets = packetsOf(after) - packetsOf(before);
  const lost = Math.max(0, lostOf(after) - lostOf(before));
  return packets + lost ? lost / (packets + lost) : 1;
}

/**
 * @param {object} measured
 * @param {number[]} measured.upBitrates the browser's estimates of what it may send
 * @param {number[]} measured.downBitrates what came back
 * @param {boolean} hasCamera
 * @returns {{ rate_up: number, rate_down: number }} bits a second
 */
export function bitratesOf({ upBitrates, downBitrates }, hasCamera) {
  const up = sustainedBitrate(upBitrates);
  const down = sustainedBitrate(downBitrates);
  // Without a camera no picture comes back: the estimate for the uplink is all there is.
  const rateDown = hasCamera ? Math.max(down, Math.min(up, down * 1.5)) : up;
  return { rate_up: Math.round(up), rate_down: Math.round(rateDown) };
}

/** @param {Downlink} downlink */
function packetsOf({ audio, video }) {
  return audio.packets + video.packets;
}

/** @param {Downlink} downlink */
function lostOf({ audio, video }) {
  return audio.lost + video.lost;
}
