// Sentences with values, numbers and sizes in the page's language.
import assert from "node:assert/strict";
import { beforeEach, describe, test } from "node:test";
import {
  fillIn,
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
