// The digest of a file that is too large for memory equals that of the browser's own.
import assert from "node:assert/strict";
import { createHash, webcrypto } from "node:crypto";
import { test } from "node:test";
import { digestOfFile, digestOfText, Sha256 } from "../../../static/js/shared/sha256.js";

globalThis.crypto ??= webcrypto;
const expected = (bytes) => createHash("sha256").update(bytes).digest("hex");
const noise = (size, seed = 1) => {
  let state = seed;
  return Uint8Array.from({ length: size }, () => {
    state = (state * 1103515245 + 12345) & 0x7fffffff;
    return state >> 16;
  });
};

test("every length around a block, in one piece", () => {
  for (let size = 0; size < 200; size += 1) {
    assert.equal(new Sha256().update(noise(size)).hex(), expected(noise(size)), String(size));
  }
});

test("the same, however it is cut", () => {
  const bytes = noise(1000);
  for (const step of [1, 3, 55, 56, 63, 64, 65, 127, 999]) {
    const digest = new Sha256();
    for (let at = 0; at < bytes.length; at += step) digest.update(bytes.subarray(at, at + step));
    assert.equal(digest.hex(), expected(bytes), String(step));
  }
});

test("text is taken as UTF-8", () => {
  assert.equal(digestOfText("تقرير"), expected(Buffer.from("تقرير")));
});

test("a file is read in pieces, says how far, and can be stopped", async () => {
  const bytes = noise(17 * 1024 * 1024 + 5);
  const file = new Blob([bytes]);
  const progress = [];
  assert.equal(await digestOfFile(file, (read) => void progress.push(read)), expected(bytes));
  assert.equal(progress.at(-1), bytes.length);
  assert.equal(await digestOfFile(file, () => false), null);
});

test("a small file, and one without a secure context", async (t) => {
  const bytes = noise(70_000);
  assert.equal(await digestOfFile(new Blob([bytes])), expected(bytes));
  t.mock.getter(globalThis, "crypto", () => ({}));
  assert.equal(await digestOfFile(new Blob([bytes])), expected(bytes));
});
