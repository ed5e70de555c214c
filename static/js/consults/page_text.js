// The sentences and facts that the page was rendered with.
import { fillIn } from "../shared/text.js";

const read = (id) => JSON.parse(document.getElementById(id)?.textContent || "{}");

export const pageFacts = read("consult-facts");
const sentences = read("consult-words");

export function pageText(name, values = {}) {
  return fillIn(sentences[name] ?? name, values);
}

const names = new Intl.DisplayNames([document.documentElement.lang || "en"], {
  type: "language",
  fallback: "code",
});

export function languageName(tag) {
  try {
    return names.of(tag) ?? tag;
  } catch {
    return tag;
  }
}

export function formatTime(at) {
  return new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(
    new Date(at),
  );
}

/** «in 12 minutes», «in 3 hours»: how far away an instant lies. */
export function formatTimeUntil(at) {
  const minutes = Math.round((new Date(at) - Date.now()) / 60000);
  const format = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "auto" });
  if (Math.abs(minutes) < 90) return format.format(minutes, "minute");
  if (Math.abs(minutes) < 36 * 60) return format.format(Math.round(minutes / 60), "hour");
  return format.format(Math.round(minutes / 1440), "day");
}

/** Says something to people who listen to the page rather than look at it. */
export function announce(sentence, { now = false } = {}) {
  const place = document.getElementById(now ? "said-now" : "said");
  place.textContent = "";
  requestAnimationFrame(() => (place.textContent = sentence));
}
