// Which channel an interpreter speaks into, and what each person hears: the rules behind the
// controls.

/** @typedef {import("../room_state.d.ts").Seat} Seat */
/** @typedef {import("../room_state.d.ts").RoomState} RoomState */

/**
 * @param {string} tag BCP 47
 * @returns {string} the language without region or script: channels are kept per language
 */
export function baseLanguage(tag) {
  return tag.split("-")[0];
}

/**
 * @param {string[]} channels the languages of an interpreter
 * @param {string | null} liveOn the language that is spoken into now
 * @returns {string | undefined} the channel of that language
 */
export function liveChannel(channels, liveOn) {
  if (!liveOn) return undefined;
  return channels.find((channel) => baseLanguage(channel) === baseLanguage(liveOn));
}

/**
 * The switch flipped: from one channel to the other; from none to the first.
 * @param {string[]} channels
 * @param {string | null} liveOn
 */
export function otherChannel(channels, liveOn) {
  const live = liveChannel(channels, liveOn);
  return channels.find((channel) => channel !== live) ?? channels[0];
}

/**
 * The channel that lies in the direction of an arrow key.
 * @param {string[]} channels as they are shown, from the start of the line to its end
 * @param {"ArrowLeft" | "ArrowRight"} key
 * @param {boolean} isRtl
 */
export function channelTowards(channels, key, isRtl) {
  const isTowardsEnd = (key === "ArrowRight") !== isRtl;
  return channels[isTowardsEnd ? 1 : 0];
}

/**
 * @param {RoomState} state
 * @param {Seat} mine
 * @returns {string[]} the languages to choose from, each once; one's own is among them
 */
export function offeredLanguages({ languages }, mine) {
  return [...new Set([...languages, baseLanguage(mine.listens)])];
}

/**
 * How loud a seat is to be heard.
 * @param {Seat} seat
 * @param {number | null} draggedGain of originals beneath an interpreter, while the slider moves
 * @returns {number} 0 to 1; nothing from those who are not in the room
 */
export function gainOf({ place, sound, gain }, draggedGain) {
  if (place !== "in" && place !== "away") return 0;
  return sound === "ducked" && draggedGain !== null ? draggedGain : gain;
}

/**
 * @param {RoomState} state
 * @returns {"hearEveryone" | "originalSoft" | "noInterpreterForYou"} names the page's sentence
 */
export function listeningWords({ mode, seats }) {
  if (mode === "consecutive") return "hearEveryone";
  const isInterpreted = seats.some(({ sound }) => sound === "ducked" || sound === "interpreter");
  return isInterpreted ? "originalSoft" : "noInterpreterForYou";
}

/**
 * @param {Seat[]} seats
 * @param {Seat} mine an interpreter's
 * @returns {Seat | undefined} the partner who offers to hand over a channel that is one of mine
 */
export function handoverGiver(seats, mine) {
  return seats.find(
    ({ mine: isMine, handingOver, liveOn }) =>
      !isMine && handingOver && liveChannel(mine.pair ?? [], liveOn) !== undefined,
  );
}
