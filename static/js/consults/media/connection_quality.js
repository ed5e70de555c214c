// How good a connection is, in few words.

const WEAK_LOSS = 0.04;
const POOR_LOSS = 0.15;
const WEAK_RTT_MS = 400; // ITU-T G.114: beyond it, people talk over each other

/** @typedef {"good" | "weak" | "poor"} Quality */

/**
 * @param {Pick<import("../room_state.d.ts").ConnectionQuality, "loss_down" | "loss_up" | "rtt_ms" |
 *   "video_paused" | "paused">} measured
 * @returns {Quality}
 */
export function assessQuality({ loss_down, loss_up, rtt_ms, video_paused }) {
  const worstLoss = Math.max(loss_down, loss_up);
  if (video_paused || worstLoss > POOR_LOSS) return "poor";
  return worstLoss > WEAK_LOSS || rtt_ms > WEAK_RTT_MS ? "weak" : "good";
}

/**
 * @param {object} now
 * @param {import("./media_connection.js").ConnectionState} now.connection with the media node
 * @param {boolean} now.isSeated whether the web is reached
 * @param {boolean} now.isNarrow whether the node holds something back
 * @param {Quality | null} now.quality as measured last
 * @returns {{ quality: Quality | "connecting" | "lost", words: string }} `words` names the page's
 *   sentence
 */
export function connectionWords({ connection, isSeated, isNarrow, quality }) {
  if (connection === "lost") return { quality: "lost", words: "lineLost" };
  if (!isSeated) {
    return { quality: "lost", words: connection === "connected" ? "webLost" : "lineLost" };
  }
  if (connection !== "connected") return { quality: "connecting", words: "lineConnecting" };
  // What a narrow connection costs is said beside it.
  if (isNarrow) return { quality: "poor", words: "lineSlow" };
  const words = { good: "lineGood", weak: "lineWeak", poor: "linePoor" };
  return { quality: quality ?? "good", words: words[quality ?? "good"] };
}
