// Making sure that it was understood: points said back, and lines that the interpreter types to be read.
//
// For tests: teach-toggle, point-text, point-ask, points (li[data-verdict-of]), said-text, said-send, confirm-point,
// correction, correct-point; captions, caption-language, caption-text, caption-send.
import { announce, pageText } from "../page_text.js";

const LINES = 3; // how many captions are seen at once
const SEEN_MS = 20000;
const byId = (id) => document.getElementById(id);

export class TeachbackPanel {
  constructor(room) {
    this._room = room;
    this._list = byId("points");
    this._captions = byId("captions");
    this._template = byId("point-template");
    this._shown = new Map();
    byId("point-form")?.addEventListener("submit", (event) => this._ask(event));
    byId("caption-form")?.addEventListener("submit", (event) => this._write(event));
  }

  /** What was asked and written before one came in. */
  async load() {
    const answer = await this._room.line.ask("teach.list").catch(() => null);
    if (!answer) return;
    this.show(answer.points, { quiet: true });
  }

  show(points, { quiet = false } = {}) {
    const isNew = points.length > this._shown.size;
    for (const point of points) this._point(point);
    if (quiet || !isNew || this._room.panels.isOpen("teach")) return;
    this._room.flash(pageText("pointNew"), { announced: true });
  }

  caption(line) {
    const element = document.createElement("li");
    element.textContent = line.text;
    element.lang = line.language;
    element.dir = "auto";
    this._captions.append(element);
    while (this._captions.children.length > LINES) this._captions.firstElementChild.remove();
    this._captions.hidden = false;
    setTimeout(() => {
      element.remove();
      this._captions.hidden = !this._captions.children.length;
    }, SEEN_MS);
  }

  async _ask(event) {
    event.preventDefault();
    const text = event.currentTarget.querySelector("textarea");
    const answer = await this._room.act(event.submitter, "teach.ask", { point: text.value });
    if (answer) text.value = "";
  }

  async _write(event) {
    event.preventDefault();
    const text = byId("caption-text");
    if (!text.value.trim()) return;
    const line = {
      client_id: crypto.randomUUID(),
      language: byId("caption-language").value,
      text: text.value,
    };
    if (await this._room.act(event.submitter, "caption.say", line)) text.value = "";
  }

  _point(point) {
    const element = this._shown.get(point.id) ?? this._make(point);
    element.dataset.verdictOf = point.verdict ?? "";
    element.querySelector("[data-point]").textContent = point.point;
    element.querySelector("[data-said]").textContent = point.said
      ? pageText("pointSaid", { text: point.said })
      : pageText("pointNotSaid");
    const verdict =
      { confirmed: "pointConfirmed", corrected: "pointCorrected" }[point.verdict] ??
      (point.said ? "pointOpen" : "");
    const place = element.querySelector("[data-verdict]");
    if (point.verdict && place.dataset.of !== point.verdict)
      announce(pageText(verdict, { text: point.correction ?? "" }));
    place.dataset.of = point.verdict ?? "";
    place.textContent = verdict ? pageText(verdict, { text: point.correction ?? "" }) : "";
    const judge = element.querySelector("[data-judge]");
    if (judge) judge.hidden = !point.said || Boolean(point.verdict);
    const form = element.querySelector("[data-say]");
    if (form) form.hidden = point.verdict === "confirmed";
  }

  _make(point) {
    const element = this._template.content.firstElementChild.cloneNode(true);
    element.querySelector("[data-say]")?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const text = event.currentTarget.querySelector("textarea");
      if (await this._room.act(event.submitter, "teach.said", { item: point.id, said: text.value }))
        text.value = "";
    });
    element.querySelector("[data-judge]")?.addEventListener("submit", async (event) => {
      event.preventDefault();
      const correction = event.currentTarget.querySelector("textarea").value;
      await this._room.act(event.submitter, "teach.judge", {
        item: point.id,
        verdict: event.submitter.value,
        correction,
      });
    });
    this._shown.set(point.id, element);
    this._list.append(element);
    return element;
  }
}
