import { controllerOf } from "../shared/stimulus.js";
import { fillIn } from "../shared/text.js";

// A PDF, page under page; a page is drawn shortly before it comes into view.
export default class extends controllerOf({
  targets: { pages: HTMLElement, status: HTMLElement },
  values: { url: String, worker: String, base: String, pageWords: String },
}) {
  /** @type {import("pdfjs-dist").PDFDocumentLoadingTask | undefined} */
  loading;
  /** @type {import("pdfjs-dist").PDFDocumentProxy | undefined} */
  document;
  /** @type {IntersectionObserver | undefined} */
  observer;

  async connect() {
    try {
      const pdfjs = await import("pdfjs-dist");
      pdfjs.GlobalWorkerOptions.workerSrc = this.workerValue;
      this.loading = pdfjs.getDocument({
        url: this.urlValue,
        cMapUrl: `${this.baseValue}cmaps/`,
        cMapPacked: true,
        standardFontDataUrl: `${this.baseValue}standard_fonts/`,
        wasmUrl: `${this.baseValue}wasm/`,
        iccUrl: `${this.baseValue}iccs/`,
        // Each range that is fetched is an opening on the record: ask for few and large ones.
        rangeChunkSize: 1 << 20,
        disableAutoFetch: true,
      });
      this.document = await this.loading.promise;
      await this.layOut(this.document);
      this.statusTarget.hidden = true;
    } catch {
      this.statusTarget.textContent = this.statusTarget.dataset.failed ?? "";
    }
  }

  disconnect() {
    this.observer?.disconnect();
    this.loading?.destroy();
  }

  /**
   * Empty pages of the first one's shape, so that the scroll bar is right before anything is drawn.
   * @param {import("pdfjs-dist").PDFDocumentProxy} pdf
   */
  async layOut(pdf) {
    const observer = new IntersectionObserver(
      (entries) => {
        for (const { isIntersecting, target } of entries) {
          if (isIntersecting && target instanceof HTMLElement) this.draw(pdf, target);
        }
      },
      { root: this.pagesTarget, rootMargin: "600px" },
    );
    this.observer = observer;
    const { width, height } = (await pdf.getPage(1)).getViewport({ scale: 1 });
    for (let number = 1; number <= pdf.numPages; number += 1) {
      const page = document.createElement("div");
      page.className = "viewer-page";
      page.dataset.number = String(number);
      page.style.aspectRatio = `${width} / ${height}`;
      page.setAttribute("role", "img");
      const label = fillIn(this.pageWordsValue, { page: number, pages: pdf.numPages });
      page.setAttribute("aria-label", label);
      this.pagesTarget.append(page);
      observer.observe(page);
    }
  }

  /**
   * @param {import("pdfjs-dist").PDFDocumentProxy} pdf
   * @param {HTMLElement} place
   */
  async draw(pdf, place) {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "true";
    const page = await pdf.getPage(Number(place.dataset.number));
    const natural = page.getViewport({ scale: 1 });
    const scale = (place.clientWidth / natural.width) * Math.min(devicePixelRatio || 1, 2);
    const viewport = page.getViewport({ scale });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [viewport.width, viewport.height];
    place.style.aspectRatio = `${natural.width} / ${natural.height}`;
    place.replaceChildren(canvas);
    await page.render({ canvas, viewport }).promise;
    // A canvas says nothing to a screen reader; the page's words do.
    const { items } = await page.getTextContent();
    const words = items
      .map((item) => ("str" in item ? item.str : ""))
      .join(" ")
      .trim();
    if (!words) return;
    const text = document.createElement("p");
    text.className = "visually-hidden";
    text.dir = "auto";
    text.textContent = words;
    place.removeAttribute("role");
    place.append(text);
  }
}
