// Puts facts into a sentence that the template rendered in the reader's language: fill("{count} left", {count: 3}).
export function fill(sentence, facts) {
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => (name in facts ? facts[name] : whole));
}

// The page's language, for Intl.
export function language() {
  return document.documentElement.lang || "en";
}

export function number(value) {
  return new Intl.NumberFormat(language()).format(value);
}

// Names in a row, joined as their reader writes them.
export function list(names) {
  return new Intl.ListFormat(language(), { type: "conjunction" }).format(names);
}
