// The reader of a series: scrolling, windows, tools and measurements.
import { findElement, findElements } from "../shared/dom.js";
import { fillIn } from "../shared/text.js";
import { ImageView } from "./image_view.js";
import { measureShape, POINTS_NEEDED } from "./measuring.js";
import { presetsOf } from "./window_presets.js";

const CINE_MS = 1000 / 15;
const DRAG_PER_IMAGE = 12;
/** @typedef {"scroll" | "window" | "zoom" | "pan" | import("./measuring.js").ShapeKind} Tool */

/**
 * What a pointer keeps of an image.
 * @typedef {object} ImagePlace
 * @property {string} series
 * @property {string} instance
 * @property {number} frame
 * @property {number} centre
 * @property {number} width
 * @property {boolean} inverted
 * @property {import("./measuring.js").Shape[]} shapes
 */

export class ImageReader {
  /** @type {import("./image_series.js").ImageSeries | null} */
  series = null;
  index = 0;
  /** @type {Tool} */
  tool = "scroll";
  /** @type {Map<string, import("./measuring.js").Shape[]>} by instance and frame */
  shapes = new Map();
  /** @type {import("./measuring.js").Shape | null} that is being drawn */
  _open = null;
  /** @type {Map<number, import("./measuring.js").Point>} fingers and mouse that are down */
  _down = new Map();
  _dragged = 0;
  /** The shape was begun by the press that is under way. */
  _isNew = false;
  /** @type {number | undefined} */
  _cine;
  _direction = 1;

  /**
   * @param {HTMLElement} root
   * @param {Record<string, string>} words
   */
  constructor(root, words) {
    this.root = root;
    this.words = words;
    this.canvas = findElement(root, "[data-part='canvas']", HTMLCanvasElement);
    this.status = findElement(root, "[data-part='status']");
    this.results = findElement(root, "[data-part='results']");
    this.presets = findElement(root, "[data-part='presets']", HTMLSelectElement);
    this.slider = findElement(root, "[data-part='slider']", HTMLInputElement);
    this.view = new ImageView(this.canvas);
    for (const button of findElements(root, "[data-tool]")) {
      button.addEventListener("click", () =>
        this.choose(/** @type {Tool} */ (button.dataset.tool)),
      );
    }
    for (const button of findElements(root, "[data-act]")) {
      button.addEventListener("click", () => this.act(button.dataset.act ?? ""));
    }
    this.presets.addEventListener("change", () => this._usePreset());
    this.slider.addEventListener("input", () => this.show(Number(this.slider.value) - 1));
    this.canvas.addEventListener("wheel", (event) => this._wheel(event), { passive: false });
    this.canvas.addEventListener("pointerdown", (event) => this._press(event));
    this.canvas.addEventListener("pointermove", (event) => this._move(event));
    for (const end of ["pointerup", "pointercancel"]) {
      this.canvas.addEventListener(end, (event) =>
        this._release(/** @type {PointerEvent} */ (event)),
      );
    }
    this.canvas.addEventListener("contextmenu", (event) => event.preventDefault());
    this.canvas.addEventListener("keydown", (event) => this._key(event));
    new ResizeObserver(() => this._fitCanvas()).observe(this.canvas);
  }

  /**
   * @param {import("./image_series.js").ImageSeries} series
   * @param {string} modality
   * @param {ImagePlace | null} [place]
   */
  async open(series, modality, place = null) {
    this.close();
    this.series = series;
    this.modality = modality;
    this.slider.max = String(series.frames.length);
    this.view.window = null;
    this.view.reset();
    this._listPresets();
    this._fitCanvas();
    const at = place
      ? series.frames.findIndex(
          (one) => one.instance === place.instance && one.number === place.frame,
        )
      : Math.floor((series.frames.length - 1) / 2);
    if (place && at >= 0) {
      this.view.window = { centre: place.centre, width: place.width };
      this.view.isInverted = place.inverted;
      this.shapes.set(keyOf(series.frames[at]), structuredClone(place.shapes));
    }
    await this.show(Math.max(at, 0));
  }

  close() {
    this.stopCine();
    this.series?.close();
    this.series = null;
    this.view.frame = null;
    this.view.samples = null;
    this.view.window = null;
    this._open = null;
  }

  /** @returns {ImagePlace | null} */
  place() {
    const { frame, window } = this.view;
    if (!this.series || !frame || !window) return null;
    return {
      series: this.series.address.split("/").pop() ?? "",
      instance: frame.instance,
      frame: frame.number,
      centre: window.centre,
      width: window.width,
      inverted: this.view.isInverted,
      shapes: this._shapesHere(),
    };
  }

  /** @param {number} index */
  async show(index) {
    const { series } = this;
    if (!series) return;
    const wanted = Math.min(Math.max(index, 0), series.frames.length - 1);
    this._direction = wanted < this.index ? -1 : 1;
    this.index = wanted;
    this.slider.value = String(wanted + 1);
    series.prefetch(wanted, this._direction);
    try {
      const samples = series.get(wanted) ?? (await series.load(wanted));
      if (this.series !== series || this.index !== wanted) return;
      this.view.show(series.frames[wanted], samples);
      this._open = null;
      this.draw();
    } catch (error) {
      if (this.series !== series || this.index !== wanted) return;
      if (error instanceof DOMException && error.name === "AbortError") return;
      this.status.textContent = this.words.failed;
    }
  }

  draw() {
    const { frame, window } = this.view;
    const shapes = this._shapesHere().map((shape) => ({ shape, words: this._wordsOf(shape) }));
    this.view.draw(this._open ? [...shapes, { shape: this._open, words: "" }] : shapes);
    if (!frame || !window || !this.series) return;
    this.canvas.dataset.shown = String(this.index + 1);
    this.status.textContent = fillIn(this.words.image, {
      image: this.index + 1,
      images: this.series.frames.length,
      centre: Math.round(window.centre),
      width: Math.round(window.width),
    });
    this.canvas.setAttribute("aria-label", this.status.textContent);
    this.results.replaceChildren(
      ...shapes.map(({ words }) => {
        const item = document.createElement("li");
        item.textContent = words;
        return item;
      }),
    );
  }

  /** @param {Tool} tool */
  choose(tool) {
    this.tool = tool;
    this._open = null;
    for (const button of findElements(this.root, "[data-tool]")) {
      button.setAttribute("aria-pressed", String(button.dataset.tool === tool));
    }
    this.canvas.focus();
  }

  /** @param {string} name */
  act(name) {
    const { view } = this;
    if (name === "previous") this.show(this.index - 1);
    if (name === "next") this.show(this.index + 1);
    if (name === "zoom_in") view.zoomBy(1.25);
    if (name === "zoom_out") view.zoomBy(0.8);
    if (name === "actual") view.showActualSize();
    if (name === "invert") view.isInverted = !view.isInverted;
    if (name === "rotate") view.turns = (view.turns + 1) % 4;
    if (name === "flip") view.isFlipped = !view.isFlipped;
    if (name === "clear") this.shapes.delete(this._frameKey());
    if (name === "reset") {
      view.reset();
      this.presets.value = "";
    }
    if (name === "cine") {
      if (this._cine) this.stopCine();
      else this._startCine();
    }
    if (name !== "previous" && name !== "next") this.draw();
  }

  stopCine() {
    clearInterval(this._cine);
    this._cine = undefined;
    findElement(this.root, "[data-act='cine']").setAttribute("aria-pressed", "false");
  }

  _startCine() {
    findElement(this.root, "[data-act='cine']").setAttribute("aria-pressed", "true");
    this._cine = setInterval(() => {
      const { series } = this;
      if (!series) return;
      const next = (this.index + 1) % series.frames.length;
      if (series.get(next)) this.show(next);
      else series.load(next).catch(() => this.stopCine());
    }, CINE_MS);
  }

  _listPresets() {
    const options = presetsOf(this.modality ?? "").map(([key, { centre, width }]) => {
      const words = `${this.words[`window_${key}`] ?? key} (${centre}, ${width})`;
      return new Option(words, `${centre},${width}`);
    });
    this.presets.replaceChildren(new Option(this.words.window_file, ""), ...options);
  }

  _usePreset() {
    const [centre, width] = this.presets.value.split(",").map(Number);
    this.view.window = width ? { centre, width } : null;
    if (this.view.frame && this.view.samples) this.view.show(this.view.frame, this.view.samples);
    this.draw();
  }

  _fitCanvas() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.canvas;
    this.canvas.width = Math.max(Math.round(clientWidth * ratio), 1);
    this.canvas.height = Math.max(Math.round(clientHeight * ratio), 1);
    this.draw();
  }

  _frameKey() {
    return this.view.frame ? keyOf(this.view.frame) : "";
  }

  _shapesHere() {
    return this.shapes.get(this._frameKey()) ?? [];
  }

  /** @param {import("./measuring.js").Shape} shape */
  _wordsOf(shape) {
    const { frame } = this.view;
    if (!frame) return "";
    const { rows, columns } = frame.format;
    const valueAt = (/** @type {number} */ column, /** @type {number} */ row) =>
      this.view.valueAt(column, row);
    const { kind, value, deviation, area, isMillimetres } = measureShape(
      shape,
      { rows, columns, valueAt },
      frame.spacing,
    );
    const unit = isMillimetres ? this.words.millimetres : this.words.pixels;
    const squareUnit = isMillimetres ? this.words.square_millimetres : this.words.square_pixels;
    /** @param {number} number */
    const tidy = (number) =>
      number.toLocaleString(document.documentElement.lang, {
        maximumFractionDigits: 1,
        minimumFractionDigits: kind === "probe" ? 0 : 1,
      });
    if (kind === "length") return `${tidy(value)} ${unit}`;
    if (kind === "angle") return `${tidy(value)}°`;
    if (kind === "probe") return fillIn(this.words.value, { value: tidy(value) });
    return fillIn(this.words.ellipse, {
      mean: tidy(value),
      deviation: tidy(deviation ?? 0),
      area: `${tidy(area ?? 0)} ${squareUnit}`,
    });
  }

  /** @param {PointerEvent | WheelEvent} event */
  _at(event) {
    const box = this.canvas.getBoundingClientRect();
    const ratio = this.canvas.width / (box.width || 1);
    return { x: (event.clientX - box.left) * ratio, y: (event.clientY - box.top) * ratio };
  }

  /** @param {WheelEvent} event */
  _wheel(event) {
    event.preventDefault();
    if (event.ctrlKey) {
      this.view.zoomBy(event.deltaY < 0 ? 1.1 : 1 / 1.1, this._at(event));
      this.draw();
    } else if (event.deltaY) {
      this.show(this.index + Math.sign(event.deltaY));
    }
  }

  /** @param {PointerEvent} event */
  _press(event) {
    this.canvas.focus();
    this.canvas.setPointerCapture(event.pointerId);
    this._down.set(event.pointerId, this._at(event));
    this._dragged = 0;
    if (this._down.size > 1) this._open = null;
    else if (event.button === 0 && this.tool in POINTS_NEEDED) this._addPoint(event);
  }

  /** @param {PointerEvent} event */
  _addPoint(event) {
    const kind = /** @type {import("./measuring.js").ShapeKind} */ (this.tool);
    const point = this.view.toImage(this._at(event));
    const place = { x: point.x, y: point.y };
    this._isNew = !this._open;
    if (this._open) this._open.points[this._open.points.length - 1] = place;
    else this._open = { kind, points: POINTS_NEEDED[kind] > 1 ? [place, { ...place }] : [place] };
    if (POINTS_NEEDED[kind] === 1) this._finishShape();
    this.draw();
  }

  _finishShape() {
    if (!this._open) return;
    this.shapes.set(this._frameKey(), [...this._shapesHere(), this._open]);
    this._open = null;
  }

  /** @param {PointerEvent} event */
  _move(event) {
    const before = this._down.get(event.pointerId);
    const now = this._at(event);
    if (this._open && this._down.size < 2) {
      const point = this.view.toImage(now);
      this._open.points[this._open.points.length - 1] = { x: point.x, y: point.y };
      if (before) this._dragged += Math.hypot(now.x - before.x, now.y - before.y);
      this.draw();
    }
    if (!before) return;
    if (this._down.size === 2) {
      this._pinch(event.pointerId, before, now);
    } else if (!this._open) {
      this._drag(event.buttons, now.x - before.x, now.y - before.y);
    }
    this._down.set(event.pointerId, now);
    this.draw();
  }

  /**
   * @param {number} id
   * @param {import("./measuring.js").Point} before
   * @param {import("./measuring.js").Point} now
   */
  _pinch(id, before, now) {
    const other = [...this._down].find(([one]) => one !== id)?.[1];
    if (!other) return;
    const apart = Math.hypot(before.x - other.x, before.y - other.y);
    const factor = Math.hypot(now.x - other.x, now.y - other.y) / (apart || 1);
    this.view.zoomBy(factor, { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    this.view.pan.x += (now.x - before.x) / 2;
    this.view.pan.y += (now.y - before.y) / 2;
  }

  /**
   * @param {number} buttons of the mouse: the middle one pans, the right one changes the window
   * @param {number} x
   * @param {number} y
   */
  _drag(buttons, x, y) {
    const { view } = this;
    const tool = buttons & 4 ? "pan" : buttons & 2 ? "window" : this.tool;
    if (tool === "pan") {
      view.pan.x += x;
      view.pan.y += y;
    } else if (tool === "zoom") {
      view.zoomBy(1.01 ** -y);
    } else if (tool === "window" && view.window) {
      const step = Math.max(view.window.width, 50) / 300;
      view.window = {
        centre: view.window.centre + y * step,
        width: Math.max(view.window.width + x * step, 1),
      };
    } else if (tool === "scroll") {
      this._dragged += y;
      const images = Math.trunc(this._dragged / DRAG_PER_IMAGE);
      this._dragged -= images * DRAG_PER_IMAGE;
      if (images) this.show(this.index + images);
    }
  }

  /** @param {PointerEvent} event */
  _release(event) {
    this._down.delete(event.pointerId);
    const open = this._open;
    if (!open) return;
    // A line may be dragged, or its ends clicked one after the other.
    if (this._isNew && this._dragged < 4) return;
    if (open.points.length >= POINTS_NEEDED[open.kind]) this._finishShape();
    else open.points.push({ ...open.points[open.points.length - 1] });
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const images = this.series?.frames.length ?? 0;
    /** @type {Record<string, () => void>} */
    const keys = {
      ArrowUp: () => this.show(this.index - 1),
      ArrowDown: () => this.show(this.index + 1),
      PageUp: () => this.show(this.index - 10),
      PageDown: () => this.show(this.index + 10),
      Home: () => this.show(0),
      End: () => this.show(images - 1),
      "+": () => this.act("zoom_in"),
      "-": () => this.act("zoom_out"),
      1: () => this.act("actual"),
      0: () => this.act("reset"),
      i: () => this.act("invert"),
      r: () => this.act("rotate"),
      f: () => this.act("flip"),
      " ": () => this.act("cine"),
      s: () => this.choose("scroll"),
      w: () => this.choose("window"),
      z: () => this.choose("zoom"),
      p: () => this.choose("pan"),
      l: () => this.choose("length"),
      a: () => this.choose("angle"),
      e: () => this.choose("ellipse"),
      v: () => this.choose("probe"),
      Delete: () => this.act("clear"),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }
}

/** @param {import("./image_series.js").Frame} frame */
function keyOf(frame) {
  return `${frame.instance}/${frame.number}`;
}
