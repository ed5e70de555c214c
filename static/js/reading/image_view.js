// How a frame lies on its canvas: window, zoom, place, turn. Draws it and the shapes on it.
import { POINTS_NEEDED } from "./measuring.js";
import { fullWindow, paintSamples } from "./pixel_values.js";

const MAX_ZOOM = 32;
const MIN_ZOOM = 0.1;
const LINE = "#ffd84d";

export class ImageView {
  zoom = 1;
  pan = { x: 0, y: 0 };
  /** Quarter turns, clockwise. */
  turns = 0;
  isFlipped = false;
  isInverted = false;
  /** @type {import("./pixel_values.js").ToneWindow | null} null until a frame is there */
  window = null;
  /** @type {import("./image_series.js").Frame | null} */
  frame = null;
  /** @type {import("./pixel_values.js").Samples | null} */
  samples = null;

  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this._image = document.createElement("canvas");
    this._painted = "";
  }

  reset() {
    this.zoom = 1;
    this.pan = { x: 0, y: 0 };
    this.turns = 0;
    this.isFlipped = false;
    this.isInverted = false;
    this.window = null;
    if (this.frame && this.samples) this.show(this.frame, this.samples);
  }

  /**
   * @param {import("./image_series.js").Frame} frame
   * @param {import("./pixel_values.js").Samples} samples
   */
  show(frame, samples) {
    this.frame = frame;
    this.samples = samples;
    this.window ??= frame.window ?? fullWindow(samples, frame.format);
    this._painted = "";
  }

  /** One pixel of the image is one pixel of the screen. */
  showActualSize() {
    this.zoom = 1 / this._fit();
    this.pan = { x: 0, y: 0 };
  }

  /**
   * @param {number} factor
   * @param {import("./measuring.js").Point} [around] a place on the canvas that stays where it is
   */
  zoomBy(factor, around) {
    const before = around && this.toImage(around);
    this.zoom = Math.min(Math.max(this.zoom * factor, MIN_ZOOM), MAX_ZOOM);
    if (!around || !before) return;
    const after = this.toCanvas(before);
    this.pan.x += around.x - after.x;
    this.pan.y += around.y - after.y;
  }

  /**
   * @param {import("./measuring.js").Point} place on the canvas, in its own pixels
   * @returns {import("./measuring.js").Point}
   */
  toImage({ x, y }) {
    return this._matrix().inverse().transformPoint({ x, y });
  }

  /**
   * @param {import("./measuring.js").Point} place in the image
   * @returns {import("./measuring.js").Point}
   */
  toCanvas({ x, y }) {
    return this._matrix().transformPoint({ x, y });
  }

  /**
   * The value of a pixel after rescaling.
   * @param {number} column
   * @param {number} row
   */
  valueAt(column, row) {
    if (!this.frame || !this.samples) return Number.NaN;
    const { columns, samples, slope, intercept } = this.frame.format;
    if (samples === 3) {
      const at = (row * columns + column) * 3;
      const [red, green, blue] = [0, 1, 2].map((more) => this.samples?.[at + more] ?? 0);
      return 0.299 * red + 0.587 * green + 0.114 * blue; // BT.601
    }
    return this.samples[row * columns + column] * slope + intercept;
  }

  /** @param {{ shape: import("./measuring.js").Shape, words: string }[]} shapes */
  draw(shapes) {
    const { context, canvas, frame } = this;
    context.resetTransform();
    context.fillStyle = "#000";
    context.fillRect(0, 0, canvas.width, canvas.height);
    if (!frame || !this.samples || !this.window) return;
    this._paint(frame, this.samples, this.window);
    const matrix = this._matrix();
    context.setTransform(matrix);
    context.imageSmoothingEnabled = Math.abs(matrix.a || matrix.b) < 1;
    context.drawImage(this._image, 0, 0);
    context.resetTransform();
    canvas.dataset.origin = `${matrix.e},${matrix.f}`;
    for (const { shape, words } of shapes) this._drawShape(shape, words);
  }

  /**
   * @param {import("./image_series.js").Frame} frame
   * @param {import("./pixel_values.js").Samples} samples
   * @param {import("./pixel_values.js").ToneWindow} window
   */
  _paint({ format }, samples, window) {
    const key = `${window.centre} ${window.width} ${this.isInverted}`;
    if (this._painted === key) return;
    this._painted = key;
    this._image.width = format.columns;
    this._image.height = format.rows;
    const context = /** @type {CanvasRenderingContext2D} */ (this._image.getContext("2d"));
    const image = context.createImageData(format.columns, format.rows);
    const pixels = new Uint32Array(image.data.buffer);
    paintSamples(samples, format, window, this.isInverted, pixels);
    context.putImageData(image, 0, 0);
  }

  /** Canvas pixels for one image column when the whole image fits. */
  _fit() {
    if (!this.frame) return 1;
    const { rows, columns } = this.frame.format;
    const tall = rows * this._aspect();
    const [across, down] = this.turns % 2 ? [tall, columns] : [columns, tall];
    return Math.min(this.canvas.width / across, this.canvas.height / down) || 1;
  }

  /** A pixel's height over its width. */
  _aspect() {
    const spacing = this.frame?.spacing;
    return spacing ? spacing.row / spacing.column : 1;
  }

  _matrix() {
    const { rows, columns } = this.frame?.format ?? { rows: 1, columns: 1 };
    const scale = this._fit() * this.zoom;
    const matrix = new DOMMatrix()
      .translate(this.canvas.width / 2 + this.pan.x, this.canvas.height / 2 + this.pan.y)
      .rotate(90 * this.turns)
      .scale(this.isFlipped ? -scale : scale, scale * this._aspect())
      .translate(-columns / 2, -rows / 2);
    // Whole pixels: at actual size nothing is blurred.
    matrix.e = Math.round(matrix.e);
    matrix.f = Math.round(matrix.f);
    return matrix;
  }

  /**
   * @param {import("./measuring.js").Shape} shape
   * @param {string} words
   */
  _drawShape({ kind, points }, words) {
    const { context } = this;
    const places = points.map((point) => this.toCanvas(point));
    const ratio = devicePixelRatio || 1;
    context.strokeStyle = LINE;
    context.lineWidth = 1.5 * ratio;
    context.beginPath();
    if (kind === "ellipse" && places.length === 2) {
      const [from, to] = places;
      context.ellipse(
        (from.x + to.x) / 2,
        (from.y + to.y) / 2,
        Math.abs(to.x - from.x) / 2,
        Math.abs(to.y - from.y) / 2,
        0,
        0,
        2 * Math.PI,
      );
    } else {
      places.forEach(({ x, y }, at) => {
        if (at) context.lineTo(x, y);
        else context.moveTo(x, y);
      });
    }
    context.stroke();
    for (const { x, y } of places) {
      context.beginPath();
      context.arc(x, y, 3 * ratio, 0, 2 * Math.PI);
      context.stroke();
    }
    if (points.length < POINTS_NEEDED[kind] || !words) return;
    const last = places[places.length - 1];
    context.font = `${14 * ratio}px sans-serif`;
    context.lineWidth = 3 * ratio;
    context.strokeStyle = "#000";
    context.fillStyle = LINE;
    context.strokeText(words, last.x + 8 * ratio, last.y - 8 * ratio);
    context.fillText(words, last.x + 8 * ratio, last.y - 8 * ratio);
  }
}
