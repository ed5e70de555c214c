// What the browser remembers so that an upload can go on after its tab was closed: an address, and
// no file's name. A family shares its computer, and a name may say as much as the file.
import { digestOfText } from "../shared/sha256.js";

/**
 * The same for the same content from the same place on the disk, sent to the same case, and not
 * readable backwards. Two scans of one name, size and time differ, for their content is in it.
 * @param {Pick<File, "name" | "size">} file
 * @param {{ endpoint?: string | null, metadata?: Record<string, string> }} options as for
 *   tus-js-client; the metadata has `folder` and `sha256`
 * @returns {Promise<string>}
 */
export async function sealedFingerprint(file, { endpoint, metadata = {} }) {
  const { folder = "", sha256 = "", again = "" } = metadata;
  const identity = ["consilium", endpoint, folder, file.name, file.size, sha256, again];
  return `record-${digestOfText(identity.join("\n"))}`;
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
