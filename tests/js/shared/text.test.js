// Sentences with values, numbers and sizes in the page's language.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import {
  fillIn,
  fillInCount,
  formatByteSize,
  formatList,
  formatNumber,
} from "../../../static/js/shared/text.js";
import { openPage } from "../support/page.js";

beforeEach(() => openPage("", { language: "en" }));

describe("a sentence", () => {
  test("gets its values wherever they are named, and as often", () => {
    assert.equal(fillIn("{a} and {b}, {a}", { a: 1, b: "two" }), "1 and two, 1");
  });

  test("keeps a name without a value, and what a value says is not read again", () => {
    assert.equal(fillIn("{a} {c}", { a: "{b}", b: "no" }), "{b} {c}");
  });

  test("takes nothing that every object has for a value", () => {
    assert.equal(fillIn("{toString} {constructor}", {}), "{toString} {constructor}");
  });

  test("takes a value with a dollar sign as it is", () => {
    assert.equal(fillIn("Pay {sum}", { sum: "$& $1" }), "Pay $& $1");
  });
});

describe("a sentence with a count", () => {
  const english = { one: "{count} second left", other: "{count} seconds left" };

  test("has the wording of its number", () => {
    assert.equal(fillInCount(english, { count: 1 }), "1 second left");
    assert.equal(fillInCount(english, { count: 0 }), "0 seconds left");
    assert.equal(fillInCount(english, { count: 1200 }), "1,200 seconds left");
  });

  test("has six wordings in Arabic, one in Chinese", () => {
    const forms = { zero: "0", one: "1", two: "2", few: "few", many: "many", other: "other" };
    openPage("", { language: "ar" });
    const said = [0, 1, 2, 3, 11, 100].map((count) => fillInCount(forms, { count }));
    assert.deepEqual(said, Object.values(forms));
    openPage("", { language: "zh-Hans" });
    assert.equal(fillInCount({ other: "{count} 秒" }, { count: 1 }), "1 秒");
  });

  test("falls back to the common wording, and keeps its other values", () => {
    openPage("", { language: "es" });
    assert.equal(fillInCount({ other: "{count} de {all}" }, { count: 1, all: "dos" }), "1 de dos");
    assert.equal(fillInCount("{count} min", { count: 5 }), "5 min");
  });
});

test("numbers and lists are written as the page's language writes them", () => {
  assert.equal(formatNumber(1234.5), "1,234.5");
  assert.equal(formatList(["A", "B", "C"]), "A, B, and C");
  openPage("", { language: "de" });
  assert.equal(formatNumber(1234.5), "1.234,5");
  assert.equal(formatList(["A", "B", "C"]), "A, B und C");
});

test("a size is in the largest unit that keeps it at one or above", () => {
  const sizes = [0, 999, 1000, 999_999, 1_500_000, 2_340_000_000, 5e15].map((bytes) =>
    formatByteSize(bytes),
  );
  assert.deepEqual(sizes, [
    "0 byte",
    "999 byte",
    "1 kB",
    "1,000 kB",
    "1.5 MB",
    "2.3 GB",
    "5,000 TB",
  ]);
});
