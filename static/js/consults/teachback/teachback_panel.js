// Making sure that it was understood: points said back, and captions that the interpreter types.
//
// For tests: teach-toggle, point-text, point-ask, points (li[data-verdict-of]), said-text,
// said-send, confirm-point, correction, correct-point; captions, caption-language, caption-text,
// caption-send.
import {
  copyTemplate,
  elementById,
  findElement,
  findOptionalElement,
  optionalElementById,
} from "../../shared/dom.js";
import { announce, pageText } from "../page_text.js";

const MOST_CAPTIONS = 3;
const CAPTION_SHOWN_MS = 20000;

/** @typedef {import("../room_state.d.ts").TeachbackPoint} TeachbackPoint */

export class TeachbackPanel {
  /** @type {Map<string, HTMLElement>} by the point's id */
  _shown = new Map();

  /** @param {import("../room/consult_room.js").ConsultRoom} room */
  constructor(room) {
    this._room = room;
    this._list = elementById("points");
    this._captions = elementById("captions");
    this._template = elementById("point-template", HTMLTemplateElement);
    const pointForm = optionalElementById("point-form", HTMLFormElement);
    pointForm?.addEventListener("submit", (event) => this._askPoint(event, pointForm));
    const captionForm = optionalElementById("caption-form", HTMLFormElement);
    captionForm?.addEventListener("submit", (event) => this._writeCaption(event));
  }

  /** What was asked before one came in. */
  async load() {
    const answer = await this._room.signalling.request("teach.list").catch(() => null);
    if (answer) this.show(answer.points, { quiet: true });
  }

  /** @param {TeachbackPoint[]} points all of them, also those that are shown already */
  show(points, { quiet = false } = {}) {
    const isNew = points.length > this._shown.size;
    for (const point of points) this._showPoint(point);
    if (quiet || !isNew || this._room.panels.isOpen("teach")) return;
    this._room.flash(pageText("pointNew"), { announced: true });
  }

  /** @param {import("../room_state.d.ts").Caption} caption */
  showCaption({ text, language }) {
    const element = document.createElement("li");
    element.textContent = text;
    element.lang = language;
    element.dir = "auto";
    this._captions.append(element);
    while (this._captions.children.length > MOST_CAPTIONS) {
      this._captions.firstElementChild?.remove();
    }
    this._captions.hidden = false;
    setTimeout(() => {
      element.remove();
      this._captions.hidden = !this._captions.children.length;
    }, CAPTION_SHOWN_MS);
  }

  /**
   * @param {SubmitEvent} event
   * @param {HTMLFormElement} form
   */
  async _askPoint(event, form) {
    event.preventDefault();
    const text = findElement(form, "textarea", HTMLTextAreaElement);
    const answer = await this._room.act(submitterOf(event), "teach.ask", { point: text.value });
    if (answer) text.value = "";
  }

  /** @param {SubmitEvent} event */
  async _writeCaption(event) {
    event.preventDefault();
    const text = elementById("caption-text", HTMLInputElement);
    if (!text.value.trim()) return;
    const caption = {
      client_id: crypto.randomUUID(),
      language: elementById("caption-language", HTMLSelectElement).value,
      text: text.value,
    };
    if (await this._room.act(submitterOf(event), "caption.say", caption)) text.value = "";
  }

  /** @param {TeachbackPoint} point */
  _showPoint(point) {
    const { said, verdict } = point;
    const element = this._shown.get(point.id) ?? this._addPoint(point);
    element.dataset.verdictOf = verdict ?? "";
    findElement(element, "[data-point]").textContent = point.point;
    findElement(element, "[data-said]").textContent = said
      ? pageText("pointSaid", { text: said })
      : pageText("pointNotSaid");
    const words = verdictWords(point);
    const place = findElement(element, "[data-verdict]");
    if (verdict && place.dataset.of !== verdict) announce(words);
    place.dataset.of = verdict ?? "";
    place.textContent = words;
    const judgeForm = findOptionalElement(element, "[data-judge]");
    if (judgeForm) judgeForm.hidden = !said || Boolean(verdict);
    const sayForm = findOptionalElement(element, "[data-say]");
    if (sayForm) sayForm.hidden = verdict === "confirmed";
  }

  /** @param {TeachbackPoint} point */
  _addPoint({ id: item }) {
    const element = copyTemplate(this._template);
    const sayForm = findOptionalElement(element, "[data-say]", HTMLFormElement);
    sayForm?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = findElement(sayForm, "textarea", HTMLTextAreaElement);
      const said = { item, said: text.value };
      if (await this._room.act(submitterOf(event), "teach.said", said)) text.value = "";
    });
    const judgeForm = findOptionalElement(element, "[data-judge]", HTMLFormElement);
    judgeForm?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const correction = findElement(judgeForm, "textarea", HTMLTextAreaElement).value;
      const button = submitterOf(event);
      await this._room.act(button, "teach.judge", { item, verdict: button?.value, correction });
    });
    this._shown.set(item, element);
    this._list.append(element);
    return element;
  }
}

/** @param {TeachbackPoint} point */
function verdictWords({ said, verdict, correction }) {
  if (verdict === "confirmed") return pageText("pointConfirmed", { text: correction ?? "" });
  if (verdict === "corrected") return pageText("pointCorrected", { text: correction ?? "" });
  return said ? pageText("pointOpen", { text: "" }) : "";
}

/** @param {SubmitEvent} event */
function submitterOf({ submitter }) {
  return submitter instanceof HTMLButtonElement ? submitter : null;
}
