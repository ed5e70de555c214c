/** Where the files of a drop lay. @type {WeakMap<File, string>} */
const droppedFolders = new WeakMap();

/**
 * @param {File} file
 * @returns {string} the folder that it was chosen or dropped with, such as "CD/DICOM"; "" for none
 */
export function folderOf(file) {
  const path = file.webkitRelativePath ?? "";
  return droppedFolders.get(file) ?? path.slice(0, Math.max(path.lastIndexOf("/"), 0));
}

/**
 * The files of a drop, with those in dropped folders, however deep.
 * @param {DataTransfer} transfer
 * @returns {Promise<File[]>}
 */
export async function filesOfDrop(transfer) {
  /** @type {FileSystemEntry[]} */
  const entries = [];
  for (const item of transfer.items) {
    const entry = item.webkitGetAsEntry?.();
    if (entry) entries.push(entry);
  }
  if (!entries.length) return [...transfer.files];
  return (await Promise.all(entries.map(filesOfEntry))).flat();
}

/**
 * @param {FileSystemEntry} entry
 * @returns {Promise<File[]>}
 */
async function filesOfEntry(entry) {
  if (entry.isFile) {
    const { file } = /** @type {FileSystemFileEntry} */ (entry);
    /** @type {File} */
    const dropped = await new Promise((resolve, reject) => file.call(entry, resolve, reject));
    const steps = entry.fullPath.split("/").filter(Boolean);
    droppedFolders.set(dropped, steps.slice(0, -1).join("/"));
    return [dropped];
  }
  const reader = /** @type {FileSystemDirectoryEntry} */ (entry).createReader();
  /** @type {FileSystemEntry[]} */
  const inside = [];
  // A reader gives at most a hundred entries at a time; an empty answer is the end.
  for (;;) {
    /** @type {FileSystemEntry[]} */
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) break;
    inside.push(...some);
  }
  return (await Promise.all(inside.map(filesOfEntry))).flat();
}
