// The sentences and facts that the page was rendered with.
import { elementById } from "../shared/dom.js";
import { fillInCount, pageLanguage } from "../shared/text.js";

/** @param {string} id of a script element with JSON */
function readJson(id) {
  return JSON.parse(document.getElementById(id)?.textContent || "{}");
}

/** @type {import("./room_state.d.ts").PageFacts} */
export const pageFacts = readJson("consult-facts");
/** @type {Record<string, string | Record<string, string>>} */
const sentences = readJson("consult-words");

/**
 * @param {string} name of a sentence in the page
 * @param {object} [values] for its placeholders; `count` chooses the wording
 */
export function pageText(name, values = {}) {
  return fillInCount(sentences[name] ?? name, values);
}

const languageNames = new Intl.DisplayNames([pageLanguage()], {
  type: "language",
  fallback: "code",
});

/**
 * @param {string} tag BCP 47
 * @returns {string} the language's name in the page's language; the tag itself if it has none
 */
export function languageName(tag) {
  try {
    return languageNames.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

/** @param {string} at ISO 8601 */
export function formatTime(at) {
  return new Intl.DateTimeFormat(pageLanguage(), { timeStyle: "short" }).format(new Date(at));
}

/**
 * @param {string} at ISO 8601
 * @param {number} [now]
 * @returns {string} such as "in 12 minutes" or "in 3 hours"
 */
export function formatTimeUntil(at, now = Date.now()) {
  const minutes = Math.round((Date.parse(at) - now) / 60000);
  const format = new Intl.RelativeTimeFormat(pageLanguage(), { numeric: "auto" });
  if (Math.abs(minutes) < 90) return format.format(minutes, "minute");
  if (Math.abs(minutes) < 36 * 60) return format.format(Math.round(minutes / 60), "hour");
  return format.format(Math.round(minutes / 1440), "day");
}

/**
 * Says something to people who listen to the page rather than look at it.
 * @param {string} sentence
 * @param {{ now?: boolean }} [options] `now` interrupts what a screen reader is saying
 */
export function announce(sentence, { now = false } = {}) {
  const place = elementById(now ? "said-now" : "said");
  place.textContent = "";
  requestAnimationFrame(() => {
    place.textContent = sentence;
  });
}
