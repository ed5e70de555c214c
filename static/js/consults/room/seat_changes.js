// What changed among the other people, for those who do not see it.

/** @typedef {import("../room_state.d.ts").Seat} Seat */
/**
 * @typedef {"joined" | "lost" | "knocks" | "arrived" | "left" | "sharesScreen"} ChangeWords names a
 *   sentence
 */

/**
 * @param {Seat[]} before
 * @param {Seat[]} now
 * @returns {{ seat: Seat, words: ChangeWords }[]} in the order in which to say them
 */
export function changeWords(before, now) {
  const earlier = new Map(before.map((seat) => [seat.id, seat]));
  const others = now.filter((seat) => !seat.mine);
  /** @type {{ seat: Seat, words: ChangeWords }[]} */
  const changes = [];
  for (const seat of others) {
    const was = earlier.get(seat.id);
    const hasKnocked = seat.knocking && !was?.knocking;
    if ((was?.place ?? "absent") === seat.place && !hasKnocked) continue;
    changes.push({ seat, words: placeWords(seat, hasKnocked) });
  }
  const sharer = others.find(({ id, sharing }) => sharing && !earlier.get(id)?.sharing);
  if (sharer) changes.push({ seat: sharer, words: "sharesScreen" });
  return changes;
}

/**
 * @param {Seat} seat
 * @param {boolean} hasKnocked
 * @returns {ChangeWords}
 */
function placeWords({ place }, hasKnocked) {
  if (place === "in") return "joined";
  if (place === "away") return "lost";
  if (place === "absent") return "left";
  return hasKnocked ? "knocks" : "arrived";
}
