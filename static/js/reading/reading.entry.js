// The reading room of a case: what is chosen on the left is read in the middle, noted on the right.
import { closestElement, elementById, findElement, findElements } from "../shared/dom.js";
import { DocumentReader } from "./document_reader.js";
import { ImageReader } from "./image_reader.js";
import { ImageSeries } from "./image_series.js";

const PANES = ["contents", "viewer", "notes"];
const room = elementById("reading");
/** @type {Record<string, string>} */
const words = JSON.parse(room.dataset.words ?? "{}");
const empty = findElement(room, "[data-part='nothing-open']");
const imagePart = findElement(room, "[data-part='images']");
const documentPart = findElement(room, "[data-part='document']");
const images = new ImageReader(imagePart, words);
const pages = new DocumentReader(documentPart, words);
const form = room.querySelector("[data-part='pointer-form']");
const lastOpenKey = `reading:${room.dataset.case}`;

/** @param {string} pane */
function showPane(pane) {
  room.dataset.pane = pane;
  for (const button of findElements(room, "[data-pane-button]")) {
    button.setAttribute("aria-pressed", String(button.dataset.paneButton === pane));
  }
}

/** @param {"images" | "document"} part */
function showPart(part) {
  empty.hidden = true;
  imagePart.hidden = part !== "images";
  documentPart.hidden = part !== "document";
  if (form instanceof HTMLFormElement) form.hidden = false;
}

/**
 * @param {HTMLElement} item of the contents
 * @param {any} [place] of a pointer: an ImagePlace or a PagePlace, as its item says
 */
async function openItem(item, place = null) {
  for (const other of findElements(room, "[data-open]")) {
    if (other === item) other.setAttribute("aria-current", "true");
    else other.removeAttribute("aria-current");
  }
  showPane("viewer");
  sessionStorage.setItem(lastOpenKey, item.id);
  if (item.dataset.open === "series") {
    pages.close();
    showPart("images");
    images.status.textContent = words.opening;
    const address = item.dataset.series ?? "";
    try {
      const series = await ImageSeries.open(address);
      if (!item.hasAttribute("aria-current")) return;
      await images.open(series, item.dataset.modality ?? "", place);
      if (!place) images.canvas.focus();
    } catch {
      images.status.textContent = words.failed;
    }
    return;
  }
  images.close();
  showPart("document");
  const { record = "", kind = "", url = "" } = item.dataset;
  await pages.open({ record, kind, url }, place);
  if (!place) pages.scroller.focus();
}

/** @param {HTMLElement} link of a pointer */
function openPointer(link) {
  const place = JSON.parse(link.dataset.place ?? "{}");
  const item = findElements(room, "[data-open]").find((one) =>
    place.series
      ? one.dataset.seriesUid === place.series
      : one.dataset.record === link.dataset.record,
  );
  if (item) openItem(item, place);
}

room.addEventListener("click", (event) => {
  const pane = closestElement(event.target, "[data-pane-button]");
  if (pane) showPane(pane.dataset.paneButton ?? "viewer");
  const item = closestElement(event.target, "[data-open]");
  const pointer = closestElement(event.target, "[data-place]");
  if (!item && !pointer) return;
  event.preventDefault();
  if (item) openItem(item);
  else if (pointer) openPointer(pointer);
});

if (form instanceof HTMLFormElement) {
  form.addEventListener("submit", () => {
    const place = imagePart.hidden ? pages.place() : images.place();
    findElement(form, "[name='kind']", HTMLInputElement).value = imagePart.hidden
      ? "page"
      : "image";
    findElement(form, "[name='place']", HTMLInputElement).value = JSON.stringify(place);
  });
}

showPane(PANES.includes(room.dataset.pane ?? "") ? (room.dataset.pane ?? "") : "contents");
const wanted = room.querySelector("[data-place][data-wanted]");
const last = document.getElementById(sessionStorage.getItem(lastOpenKey) ?? "");
if (wanted instanceof HTMLElement) openPointer(wanted);
else if (last && room.contains(last)) openItem(last);
room.dataset.ready = "true";
