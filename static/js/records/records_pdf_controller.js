import { Controller } from "@hotwired/stimulus";

// A PDF, page under page; a page is drawn when it comes near the eye.
export default class extends Controller {
  static targets = ["pages", "status"];
  static values = { url: String, worker: String, base: String, pageWords: String };

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
        isEvalSupported: false,
      });
      this.document = await this.loading.promise;
      await this.layOut();
      this.statusTarget.hidden = true;
    } catch {
      this.statusTarget.textContent = this.statusTarget.dataset.failed;
    }
  }

  disconnect() {
    this.seen?.disconnect();
    this.loading?.destroy();
  }

  async layOut() {
    this.seen = new IntersectionObserver(
      (entries) => {
        for (const entry of entries) if (entry.isIntersecting) this.draw(entry.target);
      },
      { root: this.pagesTarget, rootMargin: "600px" },
    );
    const { width, height } = (await this.document.getPage(1)).getViewport({ scale: 1 });
    for (let number = 1; number <= this.document.numPages; number += 1) {
      const page = document.createElement("div");
      page.className = "viewer-page";
      page.dataset.number = number;
      page.style.aspectRatio = `${width} / ${height}`;
      page.setAttribute("role", "img");
      page.setAttribute(
        "aria-label",
        this.pageWordsValue.replace("{page}", number).replace("{pages}", this.document.numPages),
      );
      this.pagesTarget.append(page);
      this.seen.observe(page);
    }
  }

  async draw(place) {
    if (place.dataset.drawn) return;
    place.dataset.drawn = "true";
    const page = await this.document.getPage(Number(place.dataset.number));
    const natural = page.getViewport({ scale: 1 });
    const scale = (place.clientWidth / natural.width) * Math.min(devicePixelRatio || 1, 2);
    const viewport = page.getViewport({ scale });
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [viewport.width, viewport.height];
    place.style.aspectRatio = `${natural.width} / ${natural.height}`;
    place.replaceChildren(canvas);
    await page.render({ canvasContext: canvas.getContext("2d"), canvas, viewport }).promise;
    // A canvas says nothing to a screen reader; the page's words do.
    const words = (await page.getTextContent()).items
      .map((item) => item.str)
      .join(" ")
      .trim();
    if (words) {
      const text = document.createElement("p");
      text.className = "visually-hidden";
      text.dir = "auto";
      text.textContent = words;
      place.removeAttribute("role");
      place.append(text);
    }
  }
}
