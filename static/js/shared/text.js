/**
 * Puts values into a sentence that the template rendered in the reader's language:
 * `fillIn("{count} left", { count: 3 })`. A name without a value stays as it is.
 * @param {string} sentence
 * @param {object} values
 */
export function fillIn(sentence, values) {
  const byName = new Map(Object.entries(values));
  return sentence.replace(/\{(\w+)\}/g, (whole, name) =>
    byName.has(name) ? String(byName.get(name)) : whole,
  );
}

/**
 * A sentence in the wording for `values.count`: Arabic has six. A sentence with one wording only is
 * filled in like any other.
 * @param {string | Record<string, string>} words the sentence, or its wordings by the categories of
 *   Intl.PluralRules
 * @param {object} values
 */
export function fillInCount(words, values) {
  if (typeof words === "string") return fillIn(words, values);
  const count = Number(/** @type {{ count?: unknown }} */ (values).count);
  const category = new Intl.PluralRules(pageLanguage()).select(count);
  return fillIn(words[category] ?? words.other, { ...values, count: formatNumber(count) });
}

/** The page's language, for Intl. */
export function pageLanguage() {
  return document.documentElement.lang || "en";
}

/** @param {number} value */
export function formatNumber(value) {
  return new Intl.NumberFormat(pageLanguage()).format(value);
}

/** @param {number} share of 1 */
export function formatPercent(share) {
  return new Intl.NumberFormat(pageLanguage(), { style: "percent" }).format(share);
}

/**
 * A rough time in one unit: "40 seconds", "12 minutes", "3 hours".
 * @param {number} seconds
 */
export function formatDuration(seconds) {
  const [unit, length] =
    seconds < 90 ? ["second", 1] : seconds < 5400 ? ["minute", 60] : ["hour", 3600];
  const format = { style: "unit", unit, unitDisplay: "long", maximumFractionDigits: 0 };
  return new Intl.NumberFormat(
    pageLanguage(),
    /** @type {Intl.NumberFormatOptions} */ (format),
  ).format(Math.max(1, Math.round(seconds / Number(length))));
}

/**
 * Names in a row, joined as the reader's language joins them: "A, B and C".
 * @param {string[]} names
 */
export function formatList(names) {
  return new Intl.ListFormat(pageLanguage(), { type: "conjunction" }).format(names);
}

/**
 * @param {number} bytes
 * @param {string} [language]
 * @returns {string} in the largest unit that keeps the number at 1 or above: "1.5 MB"
 */
export function formatByteSize(bytes, language = pageLanguage()) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"];
  let value = bytes;
  let step = 0;
  while (value >= 1000 && step < units.length - 1) {
    value /= 1000;
    step += 1;
  }
  const format = { style: "unit", unit: units[step], maximumFractionDigits: step > 1 ? 1 : 0 };
  return new Intl.NumberFormat(language, /** @type {Intl.NumberFormatOptions} */ (format)).format(
    value,
  );
}
