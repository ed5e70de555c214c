/**
 * The clinical clock: it stands still while interpretation is paused.
 * @param {Pick<import("../room_state.d.ts").RoomState, "startedAt" | "pausedAt" | "pausedSeconds">}
 *   state
 * @param {number} now
 * @returns {number | null} whole minutes of the consult, without the pauses; null before it has
 *   started
 */
export function consultMinutes({ startedAt, pausedAt, pausedSeconds }, now) {
  if (!startedAt) return null;
  const until = pausedAt ? Date.parse(pausedAt) : now;
  const seconds = (until - Date.parse(startedAt)) / 1000 - pausedSeconds;
  return Math.max(0, Math.floor(seconds / 60));
}
