// What the browser remembers so that an upload can go on after its tab was closed: an address, and no file's name.
// A family shares its computer, and a name may say as much as the file.

export async function sealedFingerprint(file, options) {
  const facts = [
    "consilium",
    options.endpoint,
    file.name,
    file.type,
    file.size,
    file.lastModified,
  ].join("\n");
  // Without a secure context there is no digest; then nothing is remembered.
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(facts));
  return (
    "record-" +
    [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("")
  );
}

export function storageWithoutNames(storage) {
  return {
    findAllUploads: () => storage.findAllUploads(),
    findUploadsByFingerprint: (fingerprint) => storage.findUploadsByFingerprint(fingerprint),
    removeUpload: (key) => storage.removeUpload(key),
    addUpload: (fingerprint, { metadata, ...upload }) =>
      storage.addUpload(fingerprint, { ...upload, metadata: {} }),
  };
}
