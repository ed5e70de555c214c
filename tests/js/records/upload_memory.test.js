// What the browser remembers of an upload: enough to go on, and no file's name.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  sealedFingerprint,
  storageWithoutNames,
} from "../../../static/js/records/upload_memory.js";

const FILE = { name: "HIV test Ana.pdf", size: 3 };
const OPTIONS = { endpoint: "/cases/1/uploads", metadata: { folder: "CD", sha256: "a" } };

test("the same file for the same case has the same fingerprint", async () => {
  const fingerprint = await sealedFingerprint(FILE, OPTIONS);
  assert.match(fingerprint, /^record-[0-9a-f]{64}$/);
  assert.equal(await sealedFingerprint({ ...FILE }, { ...OPTIONS }), fingerprint);
});

test("another content, folder, name, size or case has another one", async () => {
  const { metadata } = OPTIONS;
  const fingerprints = await Promise.all([
    sealedFingerprint(FILE, OPTIONS),
    sealedFingerprint(FILE, { ...OPTIONS, metadata: { ...metadata, sha256: "b" } }),
    sealedFingerprint(FILE, { ...OPTIONS, metadata: { ...metadata, folder: "CD2" } }),
    sealedFingerprint({ ...FILE, name: "b.pdf" }, OPTIONS),
    sealedFingerprint({ ...FILE, size: 4 }, OPTIONS),
    sealedFingerprint(FILE, { ...OPTIONS, endpoint: "/cases/2/uploads" }),
  ]);
  assert.equal(new Set(fingerprints).size, fingerprints.length);
});

test("it is known without a secure context too", async (t) => {
  const fingerprint = await sealedFingerprint(FILE, OPTIONS);
  t.mock.getter(globalThis, "crypto", () => ({}));
  assert.equal(await sealedFingerprint(FILE, OPTIONS), fingerprint);
});

test("the storage keeps address and size, and none of the metadata", async () => {
  const kept = [];
  const storage = storageWithoutNames({
    addUpload: async (fingerprint, upload) => {
      kept.push({ fingerprint, ...upload });
      return "key";
    },
    findAllUploads: async () => ["all"],
    findUploadsByFingerprint: async (fingerprint) => [fingerprint],
    removeUpload: async (key) => kept.push(`removed ${key}`),
  });
  const upload = {
    uploadUrl: "/u/1",
    size: 3,
    metadata: { filename: FILE.name },
    creationTime: "",
  };
  assert.equal(await storage.addUpload("record-1", upload), "key");
  assert.ok(!JSON.stringify(kept).includes("HIV"));
  assert.deepEqual(kept[0].metadata, {});
  assert.deepEqual([kept[0].uploadUrl, kept[0].size], ["/u/1", 3]);
  assert.equal(upload.metadata.filename, FILE.name, "the upload itself keeps its name");
  assert.deepEqual(await storage.findUploadsByFingerprint("record-1"), ["record-1"]);
  assert.deepEqual(await storage.findAllUploads(), ["all"]);
  await storage.removeUpload("key");
  assert.equal(kept.at(-1), "removed key");
});
