// SHA-256 (FIPS 180-4) over pieces. The browser's own takes only a whole buffer, and nobody has a
// CD of 2 GB in memory.

/** Bytes that are read and hashed between two breaths of the page. */
const PIECE_BYTES = 512 * 1024;
/** Up to here the browser's own digest, in another thread, is quicker. */
const WHOLE_BYTES = 16 * 1024 * 1024;

const PRIMES = firstPrimes(64);
const ROUND_CONSTANTS = Int32Array.from(PRIMES, (prime) => fractionBits(Math.cbrt(prime)));
const INITIAL_STATE = PRIMES.slice(0, 8).map((prime) => fractionBits(Math.sqrt(prime)));

/** A digest that grows with `update` and is read once, with `hex`. */
export class Sha256 {
  _state = Int32Array.from(INITIAL_STATE);
  _words = new Int32Array(64);
  _block = new Uint8Array(64);
  _view = new DataView(this._block.buffer);
  _filled = 0;
  _length = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this._length += bytes.length;
    let at = 0;
    if (this._filled) {
      at = Math.min(64 - this._filled, bytes.length);
      this._block.set(bytes.subarray(0, at), this._filled);
      this._filled += at;
      if (this._filled < 64) return this;
      this._mix(this._view, 0);
      this._filled = 0;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; at + 64 <= bytes.length; at += 64) this._mix(view, at);
    this._block.set(bytes.subarray(at));
    this._filled = bytes.length - at;
    return this;
  }

  /** @returns {string} 64 digits */
  hex() {
    const length = this._length;
    const padding = new Uint8Array((this._filled < 56 ? 64 : 128) - this._filled);
    padding[0] = 0x80;
    const end = new DataView(padding.buffer);
    end.setUint32(padding.length - 8, Math.floor(length / 0x20000000));
    end.setUint32(padding.length - 4, (length << 3) >>> 0);
    this.update(padding);
    return [...this._state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /**
   * @param {DataView} view
   * @param {number} at where a block of 64 bytes begins
   */
  _mix(view, at) {
    const words = this._words;
    const state = this._state;
    for (let t = 0; t < 16; t += 1) words[t] = view.getInt32(at + t * 4);
    for (let t = 16; t < 64; t += 1) {
      const x = words[t - 15];
      const y = words[t - 2];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      words[t] = (words[t - 16] + s0 + words[t - 7] + s1) | 0;
    }
    // Not by destructuring: that asks an iterator, and takes longer than the rounds.
    let a = state[0];
    let b = state[1];
    let c = state[2];
    let d = state[3];
    let e = state[4];
    let f = state[5];
    let g = state[6];
    let h = state[7];
    for (let t = 0; t < 64; t += 1) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const chosen = (e & f) ^ (~e & g);
      const first = (h + s1 + chosen + ROUND_CONSTANTS[t] + words[t]) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const majority = (a & b) ^ (a & c) ^ (b & c);
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + s0 + majority) | 0;
    }
    state[0] += a;
    state[1] += b;
    state[2] += c;
    state[3] += d;
    state[4] += e;
    state[5] += f;
    state[6] += g;
    state[7] += h;
  }
}

/**
 * The digest of a whole file, read in pieces where it is large.
 * @param {Blob} file
 * @param {(read: number) => boolean | void} [onProgress] called with the bytes read so far; false
 *   stops the reading
 * @returns {Promise<string | null>} null where it was stopped
 * @throws {DOMException} where the file cannot be read
 */
export async function digestOfFile(file, onProgress = () => {}) {
  if (file.size <= WHOLE_BYTES && globalThis.crypto?.subtle) {
    const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  }
  const digest = new Sha256();
  for (let at = 0; at < file.size; at += PIECE_BYTES) {
    digest.update(new Uint8Array(await file.slice(at, at + PIECE_BYTES).arrayBuffer()));
    if (onProgress(Math.min(at + PIECE_BYTES, file.size)) === false) return null;
  }
  return digest.hex();
}

/** @param {string} text */
export function digestOfText(text) {
  return new Sha256().update(new TextEncoder().encode(text)).hex();
}

/** @param {number} count */
function firstPrimes(count) {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < count; n += 1) {
    if (primes.every((prime) => n % prime)) primes.push(n);
  }
  return primes;
}

/**
 * The first 32 bits behind the point.
 * @param {number} value
 */
function fractionBits(value) {
  return ((value - Math.floor(value)) * 0x100000000) | 0;
}
