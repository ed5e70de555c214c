// A series: its frames in the order in which they are read, and those that are in memory.
import { readSamples } from "./pixel_values.js";

/** Decoded frames that are kept. */
export const CACHE_BYTES = 256 << 20;
const AHEAD = 12;
const BEHIND = 4;
const FETCHES_AT_ONCE = 4;

/**
 * @typedef {object} Frame
 * @property {string} instance the SOP instance UID
 * @property {number} number of the frame within its instance, from 1
 * @property {string} url
 * @property {import("./pixel_values.js").FrameFormat} format
 * @property {import("./pixel_values.js").ToneWindow | null} window the file's own
 * @property {import("./measuring.js").Spacing} spacing
 */
/** @typedef {Record<string, { vr: string, Value?: any[] }>} DicomJson any: of every kind */

export class ImageSeries {
  /** @type {Map<number, import("./pixel_values.js").Samples>} in the order of their last use */
  _kept = new Map();
  /** @type {Map<number, { done: Promise<import("./pixel_values.js").Samples>, stop: AbortController }>} */
  _coming = new Map();
  _bytes = 0;
  /** @type {number[]} */
  _queue = [];

  /**
   * @param {string} address of the series under DICOMweb
   * @param {Frame[]} frames
   */
  constructor(address, frames) {
    this.address = address;
    this.frames = frames;
  }

  /** @param {string} address */
  static async open(address) {
    const answer = await fetch(`${address}/metadata`, {
      headers: { Accept: "application/dicom+json" },
    });
    if (!answer.ok) throw new Error(`metadata: ${answer.status}`);
    /** @type {DicomJson[]} */
    const instances = await answer.json();
    return new ImageSeries(
      address,
      instances.flatMap((one) => framesOf(one, address)),
    );
  }

  /** @param {number} index */
  get(index) {
    const samples = this._kept.get(index);
    if (samples) {
      this._kept.delete(index);
      this._kept.set(index, samples);
    }
    return samples;
  }

  /**
   * @param {number} index
   * @returns {Promise<import("./pixel_values.js").Samples>}
   */
  load(index) {
    const kept = this.get(index);
    if (kept) return Promise.resolve(kept);
    const coming = this._coming.get(index);
    if (coming) return coming.done;
    const stop = new AbortController();
    const done = this._fetch(index, stop.signal).finally(() => {
      this._coming.delete(index);
      this._startNext();
    });
    this._coming.set(index, { done, stop });
    return done;
  }

  /**
   * Fetches what the reader will probably see next, and gives up what they have left behind.
   * @param {number} index
   * @param {number} direction 1 or -1
   */
  prefetch(index, direction) {
    const wanted = [];
    for (let step = 1; step <= AHEAD; step += 1) {
      wanted.push(index + step * direction);
      if (step <= BEHIND) wanted.push(index - step * direction);
    }
    for (const [far, { stop, done }] of this._coming) {
      if (Math.abs(far - index) <= AHEAD) continue;
      done.catch(() => {});
      stop.abort();
    }
    this._queue = wanted.filter((one) => one >= 0 && one < this.frames.length);
    this._startNext();
  }

  close() {
    this._queue = [];
    for (const { stop, done } of this._coming.values()) {
      done.catch(() => {});
      stop.abort();
    }
    this._kept.clear();
    this._bytes = 0;
  }

  _startNext() {
    while (this._coming.size < FETCHES_AT_ONCE) {
      const next = this._queue.shift();
      if (next === undefined) return;
      if (!this._kept.has(next) && !this._coming.has(next)) this.load(next).catch(() => {});
    }
  }

  /**
   * @param {number} index
   * @param {AbortSignal} signal
   */
  async _fetch(index, signal) {
    const frame = this.frames[index];
    const headers = { Accept: "application/octet-stream" };
    const answer = await fetch(frame.url, { headers, signal });
    if (!answer.ok) throw new Error(`frame: ${answer.status}`);
    const samples = readSamples(await answer.arrayBuffer(), frame.format);
    this._kept.set(index, samples);
    this._bytes += samples.byteLength;
    for (const [oldest, old] of this._kept) {
      if (this._bytes <= CACHE_BYTES || oldest === index) break;
      this._kept.delete(oldest);
      this._bytes -= old.byteLength;
    }
    return samples;
  }
}

/**
 * @param {DicomJson} header
 * @param {string} address
 * @returns {Frame[]}
 */
export function framesOf(header, address) {
  const instance = String(first(header, "00080018"));
  const rows = Number(first(header, "00280010") ?? 0);
  const columns = Number(first(header, "00280011") ?? 0);
  if (!rows || !columns) return [];
  const photometric = String(first(header, "00280004") ?? "MONOCHROME2");
  const isGrey = photometric.startsWith("MONOCHROME");
  const shared = groupsOf(header, "52009229", 0);
  const count = Number(first(header, "00280008") ?? 1);
  return Array.from({ length: count }, (_, at) => {
    const places = [header, ...groupsOf(header, "52009230", at), ...shared];
    return {
      instance,
      number: at + 1,
      url: `${address}/instances/${instance}/frames/${at + 1}`,
      format: {
        rows,
        columns,
        samples: isGrey ? 1 : 3,
        bits: isGrey ? Math.max(Number(first(header, "00280100") ?? 8), 8) : 8,
        signed: isGrey && Number(first(header, "00280103") ?? 0) === 1,
        slope: Number(firstOf(places, "00281053") ?? 1) || 1,
        intercept: Number(firstOf(places, "00281052") ?? 0),
        isInverted: photometric === "MONOCHROME1",
      },
      window: windowOf(places),
      spacing: spacingOf(header, places),
    };
  });
}

/**
 * @param {DicomJson} header
 * @param {string} tag
 */
function first(header, tag) {
  return header[tag]?.Value?.[0];
}

/**
 * @param {DicomJson[]} places
 * @param {string} tag
 */
function firstOf(places, tag) {
  return places.map((place) => first(place, tag)).find((value) => value !== undefined);
}

/**
 * The functional groups of a frame of an enhanced image (PS3.3, C.7.6.16).
 * @param {DicomJson} header
 * @param {string} tag
 * @param {number} at
 * @returns {DicomJson[]}
 */
function groupsOf(header, tag, at) {
  /** @type {DicomJson} */
  const item = header[tag]?.Value?.[at] ?? {};
  return Object.values(item).flatMap((group) =>
    group.vr === "SQ" ? /** @type {DicomJson[]} */ (group.Value ?? []) : [],
  );
}

/** @param {DicomJson[]} places */
function windowOf(places) {
  const [centre, width] = [firstOf(places, "00281050"), firstOf(places, "00281051")].map(Number);
  return Number.isFinite(centre) && width > 0 ? { centre, width } : null;
}

/**
 * @param {DicomJson} header
 * @param {DicomJson[]} places
 * @returns {import("./measuring.js").Spacing}
 */
function spacingOf(header, places) {
  const found = places.find((place) => place["00280030"]?.Value?.length === 2);
  const pair = found?.["00280030"].Value ?? header["00181164"]?.Value;
  if (pair?.length === 2) return checkedSpacing(Number(pair[0]), Number(pair[1]));
  /** @type {DicomJson | undefined} a region of an ultrasound image whose units are centimetres */
  const region = header["00186011"]?.Value?.find(
    (/** @type {DicomJson} */ one) => Number(first(one, "00186024")) === 3,
  );
  if (!region) return null;
  return checkedSpacing(
    Math.abs(Number(first(region, "0018602E"))) * 10,
    Math.abs(Number(first(region, "0018602C"))) * 10,
  );
}

/**
 * @param {number} row
 * @param {number} column
 */
function checkedSpacing(row, column) {
  return row > 0 && column > 0 ? { row, column } : null;
}
