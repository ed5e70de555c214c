// What the browser remembers so that an upload can go on after its tab was closed: an address, and
// no file's name. A family shares its computer, and a name may say as much as the file.

/**
 * The same for the same file sent to the same case, and not readable backwards.
 * @param {Pick<File, "name" | "type" | "size" | "lastModified">} file
 * @param {{ endpoint?: string | null }} options
 * @returns {Promise<string | null>} null where the page has no secure context; then nothing is
 *   remembered
 */
export async function sealedFingerprint(file, options) {
  const { name, type, size, lastModified } = file;
  const identity = ["consilium", options.endpoint, name, type, size, lastModified].join("\n");
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(identity));
  const bytes = [...new Uint8Array(digest)];
  return `record-${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/**
 * The storage of tus-js-client without the metadata, which has the file's name.
 * @param {import("tus-js-client").UrlStorage} storage
 * @returns {import("tus-js-client").UrlStorage}
 */
export function storageWithoutNames(storage) {
  return {
    findAllUploads: () => storage.findAllUploads(),
    findUploadsByFingerprint: (fingerprint) => storage.findUploadsByFingerprint(fingerprint),
    removeUpload: (key) => storage.removeUpload(key),
    addUpload: (fingerprint, { metadata, ...upload }) =>
      storage.addUpload(fingerprint, { ...upload, metadata: {} }),
  };
}
