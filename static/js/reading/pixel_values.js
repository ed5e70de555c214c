// From stored samples to grey levels and measured values (DICOM PS3.3, C.7.6.3, C.11.1, C.11.2).

/**
 * What a frame's samples mean.
 * @typedef {object} FrameFormat
 * @property {number} rows
 * @property {number} columns
 * @property {number} samples 1 for grey, 3 for RGB
 * @property {number} bits allocated for a sample
 * @property {boolean} signed
 * @property {number} slope
 * @property {number} intercept
 * @property {boolean} isInverted MONOCHROME1: the lowest value is white
 */
/** @typedef {Uint8Array | Int8Array | Uint16Array | Int16Array | Uint32Array | Int32Array} Samples */
/** @typedef {{ centre: number, width: number }} ToneWindow */

/**
 * @param {ArrayBuffer} bytes little-endian
 * @param {FrameFormat} format
 * @returns {Samples}
 */
export function readSamples(bytes, { bits, signed }) {
  if (bits <= 8) return signed ? new Int8Array(bytes) : new Uint8Array(bytes);
  if (bits <= 16) return signed ? new Int16Array(bytes) : new Uint16Array(bytes);
  return signed ? new Int32Array(bytes) : new Uint32Array(bytes);
}

/**
 * The grey level of a value, 0 to 255, in a linear window (PS3.3, C.11.2.1.2.1).
 * @param {number} value after rescaling
 * @param {ToneWindow} window
 */
export function greyLevel(value, { centre, width }) {
  const share = (value - (centre - 0.5)) / Math.max(width - 1, 1e-6) + 0.5;
  return Math.round(Math.min(Math.max(share, 0), 1) * 255);
}

/**
 * Draws samples into the pixels of a canvas.
 * @param {Samples} samples
 * @param {FrameFormat} format
 * @param {ToneWindow} window
 * @param {boolean} invert
 * @param {Uint32Array} pixels RGBA, one number for each pixel
 */
export function paintSamples(samples, format, window, invert, pixels) {
  if (format.samples === 3) {
    for (let at = 0; at < pixels.length; at += 1) {
      const flip = invert ? 255 : 0;
      pixels[at] =
        (0xff000000 |
          ((samples[at * 3 + 2] ^ flip) << 16) |
          ((samples[at * 3 + 1] ^ flip) << 8) |
          (samples[at * 3] ^ flip)) >>>
        0;
    }
    return;
  }
  const flip = invert !== format.isInverted ? 255 : 0;
  /** @param {number} stored */
  const colour = (stored) => {
    const grey = greyLevel(stored * format.slope + format.intercept, window) ^ flip;
    return (0xff000000 | (grey << 16) | (grey << 8) | grey) >>> 0;
  };
  if (format.bits > 16) {
    for (let at = 0; at < pixels.length; at += 1) pixels[at] = colour(samples[at]);
    return;
  }
  // A table of every stored value: at most 65,536 grey levels instead of millions.
  const lowest = format.signed ? -(2 ** (format.bits - 1)) : 0;
  const table = new Uint32Array(2 ** format.bits);
  for (let step = 0; step < table.length; step += 1) table[step] = colour(lowest + step);
  for (let at = 0; at < pixels.length; at += 1) pixels[at] = table[samples[at] - lowest];
}

/**
 * The window that shows every value of a frame.
 * @param {Samples} samples
 * @param {FrameFormat} format
 * @returns {ToneWindow}
 */
export function fullWindow(samples, { slope, intercept }) {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const sample of samples) {
    if (sample < low) low = sample;
    if (sample > high) high = sample;
  }
  const [first, last] = [low * slope + intercept, high * slope + intercept].sort((a, b) => a - b);
  return { centre: (first + last + 1) / 2, width: last - first + 1 };
}
