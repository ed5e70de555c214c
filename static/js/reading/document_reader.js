// PDF files and pictures in the place where images are read: one page at a time.
import { findElement, findElements } from "../shared/dom.js";
import { fillIn } from "../shared/text.js";

const MAX_ZOOM = 6;

/** @typedef {{ record: string, page: number, region: [number, number, number, number] }} PagePlace */

export class DocumentReader {
  page = 1;
  pages = 1;
  zoom = 1;
  turns = 0;
  /** @type {[number, number, number, number] | null} the marked region: left, top, width, height,
   *  as shares of the page */
  region = null;
  record = "";
  /** @type {import("pdfjs-dist").PDFDocumentLoadingTask | null} */
  _loading = null;
  /** @type {import("pdfjs-dist").PDFDocumentProxy | null} */
  _pdf = null;
  /** @type {HTMLImageElement | null} */
  _picture = null;
  _drawing = 0;
  /** @type {import("./measuring.js").Point | null} */
  _from = null;

  /**
   * @param {HTMLElement} root
   * @param {Record<string, string>} words
   */
  constructor(root, words) {
    this.root = root;
    this.words = words;
    this.status = findElement(root, "[data-part='page-status']");
    this.scroller = findElement(root, "[data-part='page-scroller']");
    this.sheet = findElement(root, "[data-part='sheet']");
    this.mark = findElement(root, "[data-part='mark']");
    this.canvas = findElement(root, "[data-part='page']", HTMLCanvasElement);
    for (const button of findElements(root, "[data-page-act]")) {
      button.addEventListener("click", () => this.act(button.dataset.pageAct ?? ""));
    }
    this.scroller.addEventListener("keydown", (event) => this._key(event));
    this.sheet.addEventListener("pointerdown", (event) => this._startMark(event));
    this.sheet.addEventListener("pointermove", (event) => this._drawMark(event));
    this.sheet.addEventListener("pointerup", () => {
      this._from = null;
    });
  }

  /**
   * @param {{ record: string, kind: string, url: string }} wanted
   * @param {PagePlace | null} [place]
   */
  async open({ record, kind, url }, place = null) {
    this.close();
    this.record = record;
    this.page = place?.page ?? 1;
    this.region = place?.region ?? null;
    this.status.textContent = this.words.opening;
    try {
      if (kind === "pdf") await this._openPdf(url);
      else await this._openPicture(url);
      if (this.record === record) await this.draw();
    } catch {
      if (this.record === record) this.status.textContent = this.words.failed;
    }
  }

  close() {
    this._loading?.destroy();
    this._loading = null;
    this._pdf = null;
    this._picture = null;
    this.record = "";
    this.zoom = 1;
    this.turns = 0;
    this.pages = 1;
    this.region = null;
  }

  /** @returns {PagePlace | null} */
  place() {
    if (!this.record) return null;
    return { record: this.record, page: this.page, region: this.region ?? [0, 0, 1, 1] };
  }

  /** @param {string} url */
  async _openPdf(url) {
    const pdfjs = await import("pdfjs-dist");
    pdfjs.GlobalWorkerOptions.workerSrc = this.root.dataset.worker ?? "";
    const base = this.root.dataset.pdfBase ?? "";
    this._loading = pdfjs.getDocument({
      url,
      cMapUrl: `${base}cmaps/`,
      cMapPacked: true,
      standardFontDataUrl: `${base}standard_fonts/`,
      wasmUrl: `${base}wasm/`,
      iccUrl: `${base}iccs/`,
      // Each range that is fetched is an opening on the record: ask for few and large ones.
      rangeChunkSize: 1 << 20,
      disableAutoFetch: true,
    });
    this._pdf = await this._loading.promise;
    this.pages = this._pdf.numPages;
  }

  /** @param {string} url */
  async _openPicture(url) {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    this._picture = picture;
  }

  async draw() {
    const turn = ++this._drawing;
    const fit = Math.max(this.scroller.clientWidth - 24, 100);
    const ratio = Math.min(devicePixelRatio || 1, 2);
    const drawn = document.createElement("canvas");
    let words = "";
    if (this._pdf) {
      this.page = Math.min(Math.max(this.page, 1), this.pages);
      const page = await this._pdf.getPage(this.page);
      const rotation = (page.rotate + 90 * this.turns) % 360;
      const natural = page.getViewport({ scale: 1, rotation });
      const scale = (fit / natural.width) * this.zoom * ratio;
      const viewport = page.getViewport({ scale, rotation });
      [drawn.width, drawn.height] = [Math.round(viewport.width), Math.round(viewport.height)];
      await page.render({ canvas: drawn, viewport }).promise;
      const { items } = await page.getTextContent();
      words = items.map((item) => ("str" in item ? item.str : "")).join(" ");
    } else if (this._picture) {
      drawPicture(drawn, this._picture, this.turns, fit * this.zoom * ratio);
    }
    if (turn !== this._drawing) return;
    this.canvas.width = drawn.width;
    this.canvas.height = drawn.height;
    this.canvas.style.inlineSize = `${drawn.width / ratio}px`;
    this.canvas.style.blockSize = `${drawn.height / ratio}px`;
    if (drawn.width) this.canvas.getContext("2d")?.drawImage(drawn, 0, 0);
    this.canvas.dataset.shown = String(this.page);
    this.status.textContent = fillIn(this.words.page, { page: this.page, pages: this.pages });
    this.canvas.setAttribute("aria-label", this.status.textContent);
    findElement(this.root, "[data-part='page-text']").textContent = words;
    this._showMark();
  }

  /** @param {string} name */
  act(name) {
    if (name === "previous") this._turnTo(this.page - 1);
    else if (name === "next") this._turnTo(this.page + 1);
    else if (name === "unmark") {
      this.region = null;
      this._showMark();
    } else {
      if (name === "zoom_in") this.zoom = Math.min(this.zoom * 1.25, MAX_ZOOM);
      if (name === "zoom_out") this.zoom = Math.max(this.zoom * 0.8, 0.2);
      if (name === "rotate") {
        this.turns = (this.turns + 1) % 4;
        this.region = null;
      }
      if (name === "reset") [this.zoom, this.turns] = [1, 0];
      this.draw();
    }
  }

  /** @param {number} page */
  _turnTo(page) {
    const wanted = Math.min(Math.max(page, 1), this.pages);
    if (wanted === this.page) return;
    this.page = wanted;
    this.region = null;
    this.scroller.scrollTop = 0;
    this.draw();
  }

  /** @param {KeyboardEvent} event */
  _key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    /** @type {Record<string, () => void>} */
    const keys = {
      PageUp: () => this.act("previous"),
      PageDown: () => this.act("next"),
      Home: () => this._turnTo(1),
      End: () => this._turnTo(this.pages),
      "+": () => this.act("zoom_in"),
      "-": () => this.act("zoom_out"),
      0: () => this.act("reset"),
      r: () => this.act("rotate"),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** @param {PointerEvent} event */
  _at(event) {
    const box = this.canvas.getBoundingClientRect();
    const share = (/** @type {number} */ part) => Math.min(Math.max(part, 0), 1);
    return {
      x: share((event.clientX - box.left) / box.width),
      y: share((event.clientY - box.top) / box.height),
    };
  }

  /** @param {PointerEvent} event */
  _startMark(event) {
    // On a touch screen a drag scrolls.
    if (event.pointerType === "touch" || event.button !== 0) return;
    this.scroller.focus();
    this.sheet.setPointerCapture(event.pointerId);
    this._from = this._at(event);
  }

  /** @param {PointerEvent} event */
  _drawMark(event) {
    if (!this._from) return;
    const to = this._at(event);
    this.region = [
      Math.min(this._from.x, to.x),
      Math.min(this._from.y, to.y),
      Math.abs(to.x - this._from.x),
      Math.abs(to.y - this._from.y),
    ];
    this._showMark();
  }

  _showMark() {
    const whole = !this.region || this.region.join() === "0,0,1,1";
    this.mark.hidden = whole;
    if (!this.region || whole) return;
    const [left, top, width, height] = this.region.map((share) => `${share * 100}%`);
    Object.assign(this.mark.style, { left, top, width, height });
  }
}

/**
 * @param {HTMLCanvasElement} canvas
 * @param {HTMLImageElement} picture
 * @param {number} turns
 * @param {number} width of the canvas
 */
function drawPicture(canvas, picture, turns, width) {
  const [across, down] = [picture.naturalWidth, picture.naturalHeight];
  const [tall, wide] = turns % 2 ? [across, down] : [down, across];
  const scale = Math.min(width / wide, 16_000 / tall);
  [canvas.width, canvas.height] = [Math.round(wide * scale), Math.round(tall * scale)];
  const context = canvas.getContext("2d");
  if (!context) return;
  context.translate(canvas.width / 2, canvas.height / 2);
  context.rotate((Math.PI / 2) * turns);
  context.scale(scale, scale);
  context.drawImage(picture, -across / 2, -down / 2);
}
