// Puts facts into a sentence that the template rendered in the reader's language: fillIn("{count} left", {count: 3}).
export function fillIn(sentence, facts) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? facts[name] : whole));
}

// The page's language, for Intl.
export function pageLanguage() {
  return document.documentElement.lang || "en";
}

export function formatNumber(value) {
  return new Intl.NumberFormat(pageLanguage()).format(value);
}

// Names in a row, joined as their reader writes them.
export function formatList(names) {
  return new Intl.ListFormat(pageLanguage(), { type: "conjunction" }).format(names);
}
