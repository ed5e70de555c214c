// Wall times as calendars have them: a Date whose local fields are what the clock shows, and what forms say of it.
export function isoDate(at) {
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

export function clockTime(at) {
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function minutesAsClockTime(minutes) {
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}

export function addToWallTime(at, { days = 0, minutes = 0 }) {
  return new Date(
    at.getFullYear(),
    at.getMonth(),
    at.getDate() + days,
    at.getHours(),
    at.getMinutes() + minutes,
  );
}

export function mondayOf(at) {
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() - ((at.getDay() + 6) % 7));
}

// 0 is Monday, as everywhere in the house.
export function weekdayFromMonday(at) {
  return (at.getDay() + 6) % 7;
}

function two(number) {
  return String(number).padStart(2, "0");
}
