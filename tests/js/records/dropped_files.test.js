// The files of a drop, with those in dropped folders.
import assert from "node:assert/strict";
import { test } from "node:test";
import { filesOfDrop, folderOf } from "../../../static/js/records/dropped_files.js";

const file = (name, fullPath = `/${name}`) => ({
  isFile: true,
  fullPath,
  file: (resolve) => resolve({ name }),
});
const names = (files) => files.map(({ name }) => name);

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
  assert.deepEqual(names(await filesOfDrop(dropped)), ["a", "b", "c", "d"]);
});

test("a folder of more than a hundred files is read to its end", async () => {
  const slices = Array.from({ length: 250 }, (_, n) => `slice ${n}`);
  const found = await filesOfDrop(drop([folder(...slices.map((name) => file(name)))]));
  assert.deepEqual(names(found), slices);
});

test("a browser that knows no entries gives its plain list of files", async () => {
  const plain = { items: [{}], files: ["a", "b"] };
  assert.deepEqual(await filesOfDrop(plain), ["a", "b"]);
});

test("what is not a file, such as dropped text, is left out", async () => {
  assert.deepEqual(names(await filesOfDrop(drop([null, file("a")]))), ["a"]);
});

test("a folder that cannot be read fails the drop instead of losing files silently", async () => {
  const broken = {
    isFile: false,
    createReader: () => ({ readEntries: (_, reject) => reject(new Error("unreadable")) }),
  };
  await assert.rejects(filesOfDrop(drop([broken])), /unreadable/);
});

test("each file keeps the folder that it lay in", async () => {
  const dropped = drop([folder(file("IM1", "/CD/ST1/IM1"), file("IM1", "/CD/ST2/IM1")), file("a")]);
  const found = await filesOfDrop(dropped);
  assert.deepEqual(found.map(folderOf), ["CD/ST1", "CD/ST2", ""]);
  assert.equal(folderOf({ webkitRelativePath: "CD/DICOM/IM1" }), "CD/DICOM");
  assert.equal(folderOf({ webkitRelativePath: "" }), "");
});
