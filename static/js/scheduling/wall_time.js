// Wall times as calendars have them: a Date whose local fields are what the clock shows, and the
// texts that forms send.

/**
 * @param {Date} at
 * @returns {string} such as 2026-03-09
 */
export function isoDate(at) {
  return `${at.getFullYear()}-${twoDigits(at.getMonth() + 1)}-${twoDigits(at.getDate())}`;
}

/**
 * @param {Date} at
 * @returns {string} such as 08:05
 */
export function clockTime(at) {
  return `${twoDigits(at.getHours())}:${twoDigits(at.getMinutes())}`;
}

/**
 * @param {number} minutes since midnight; 1440 is 00:00 of the next day
 * @returns {string} such as 08:05
 */
export function minutesAsClockTime(minutes) {
  return `${twoDigits(Math.floor(minutes / 60) % 24)}:${twoDigits(minutes % 60)}`;
}

/**
 * The wall time that much later (earlier when negative); seconds are dropped.
 * @param {Date} at
 * @param {{ days?: number, minutes?: number }} duration
 */
export function addToWallTime(at, { days = 0, minutes = 0 }) {
  return new Date(
    at.getFullYear(),
    at.getMonth(),
    at.getDate() + days,
    at.getHours(),
    at.getMinutes() + minutes,
  );
}

/**
 * @param {Date} at
 * @returns {Date} the start of the Monday of its week
 */
export function mondayOf(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - weekdayFromMonday(at));
}

/**
 * @param {Date} at
 * @returns {number} 0 for Monday, as everywhere in Consilium, to 6 for Sunday
 */
export function weekdayFromMonday(at) {
  return (at.getDay() + 6) % 7;
}

/** @param {number} number */
function twoDigits(number) {
  return String(number).padStart(2, "0");
}
