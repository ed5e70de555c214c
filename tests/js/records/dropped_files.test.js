// The files of a drop, with those in dropped folders.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesOfDrop } from "../../../static/js/records/dropped_files.js";

const file = (name) => ({ isFile: true, file: (resolve) => resolve(name) });

/** Gives at most a hundred entries at a time, as browsers do. */
function folder(...entries) {
  return {
    isFile: false,
    createReader: () => {
      const rest = [...entries];
      return { readEntries: (resolve) => resolve(rest.splice(0, 100)) };
    },
  };
}

function drop(entries, files = []) {
  return { files, items: entries.map((entry) => ({ webkitGetAsEntry: () => entry })) };
}

test("files and folders within folders are all found, in order", async () => {
  const dropped = drop([file("a"), folder(file("b"), folder(file("c")), folder()), file("d")]);
  assert.deepEqual(await filesOfDrop(dropped), ["a", "b", "c", "d"]);
});

test("a folder of more than a hundred files is read to its end", async () => {
  const names = Array.from({ length: 250 }, (_, n) => `slice ${n}`);
  assert.deepEqual(await filesOfDrop(drop([folder(...names.map(file))])), names);
});

test("a browser that knows no entries gives its plain list of files", async () => {
  const plain = { items: [{}], files: ["a", "b"] };
  assert.deepEqual(await filesOfDrop(plain), ["a", "b"]);
});

test("what is not a file, such as dropped text, is left out", async () => {
  assert.deepEqual(await filesOfDrop(drop([null, file("a")])), ["a"]);
});

test("a folder that cannot be read fails the drop instead of losing files silently", async () => {
  const broken = {
    isFile: false,
    createReader: () => ({ readEntries: (_, reject) => reject(new Error("unreadable")) }),
  };
  await assert.rejects(filesOfDrop(drop([broken])), /unreadable/);
});
