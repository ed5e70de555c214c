import { Controller } from "@hotwired/stimulus";
import { sendRequest } from "../shared/requests.js";
import { fillIn, pageLanguage } from "../shared/text.js";
import {
  addToWallTime,
  clockTime,
  isoDate,
  minutesAsClockTime,
  mondayOf,
  weekdayFromMonday,
} from "./wall_time.js";

const NARROW = window.matchMedia("(max-width: 40rem)");
const SETTLE = 700; // ms after the last key before a change is sent

// A person's hours on a calendar. Drag over free space for new hours, drag an entry or its lower edge to change it,
// press it for its form. On an entry the arrow keys move it, with Shift they lengthen or shorten it, Delete removes it.
// Every change can be undone. The weekly form of the page does the same without this.
export default class extends Controller {
  static targets = [
    "frame",
    "title",
    "said",
    "undo",
    "dialog",
    "form",
    "error",
    "remove",
    "heading",
    "repeats",
  ];
  static values = { url: String, openings: String, days: String, person: String, words: Object };

  async connect() {
    const { default: EventCalendar } = await import("@event-calendar/build");
    if (!this.element.isConnected || this.calendar) return;
    this.first = new Date();
    this.calendar = EventCalendar.create(this.frameTarget, {
      view: this.view,
      date: this.first,
      firstDay: 1,
      locale: pageLanguage(),
      height: "34rem",
      scrollTime: "07:00:00",
      headerToolbar: { start: "", center: "", end: "" },
      allDaySlot: false,
      slotEventOverlap: false,
      slotDuration: "00:30:00",
      snapDuration: "00:15:00",
      slotHeight: 22,
      longPressDelay: 350,
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      slotLabelFormat: { hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
      selectable: true,
      editable: true,
      events: [],
      eventContent: ({ event }) => ({ domNodes: [this.drawn(event)] }),
      select: (chosen) => this.create(chosen.start, chosen.end),
      eventDragStart: () => {
        this.dragging = true;
      },
      eventResizeStart: () => {
        this.dragging = true;
      },
      eventDrop: (info) => this.dragged(info),
      eventResize: (info) => this.dragged(info),
      datesSet: ({ start, end }) =>
        this.show(start, end).catch((refusal) => this.say(refusal.message)),
    });
    this.turn = () => this.calendar.setOption("view", this.view);
    NARROW.addEventListener("change", this.turn);
    this.closed = () => this.calendar.unselect();
    this.dialogTarget.addEventListener("close", this.closed);
  }

  disconnect() {
    NARROW.removeEventListener("change", this.turn);
    this.dialogTarget.removeEventListener("close", this.closed);
    clearTimeout(this.settling);
  }

  get view() {
    return NARROW.matches ? "timeGridDay" : "timeGridWeek";
  }

  // --- what is shown

  earlier() {
    this.calendar.prev();
  }

  later() {
    this.calendar.next();
  }

  today() {
    this.calendar.setOption("date", new Date());
  }

  show(start, end) {
    this.first = start;
    const last = addToWallTime(end, { days: -1 });
    const words = new Intl.DateTimeFormat(pageLanguage(), {
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    this.titleTarget.textContent =
      isoDate(start) === isoDate(last) ? words.format(start) : words.formatRange(start, last);
    return this.read();
  }

  async read() {
    const asked = new URL(this.urlValue, location.href);
    asked.searchParams.set("from", isoDate(mondayOf(this.first)));
    const { stretches } = await sendRequest(asked, { method: "GET" });
    this.stretches = stretches.map((one, place) => ({
      ...one,
      key: `${one.kind}:${one.row}:${one.starts.slice(0, 10)}:${place}`,
    }));
    this.calendar.setOption(
      "events",
      this.stretches.map((one) => ({
        id: one.key,
        start: one.starts,
        end: one.ends,
        classNames: [`is-${one.kind}`],
        editable: one.movable,
        startEditable: one.movable,
        durationEditable: one.movable,
        extendedProps: { stretch: one },
      })),
    );
    this.frameTarget.querySelector(".ec-main")?.setAttribute("tabindex", "0"); // it scrolls: with keys as well
    this.frameTarget.dataset.state = "ready";
    if (this.focused) this.refocus();
  }

  drawn(event) {
    const stretch = event.extendedProps.stretch;
    const isRow = stretch && ["weekly", "open", "closed"].includes(stretch.kind);
    const element = document.createElement(isRow ? "button" : "span");
    element.className = "ec-stretch";
    const times = document.createElement("bdi");
    times.textContent = `${clockTime(event.start)}–${clockTime(event.end)}`;
    const name = document.createElement("strong");
    name.textContent = this.wordsValue[stretch?.kind ?? "weekly"];
    element.append(name, " ", times);
    if (!isRow) return element;
    element.type = "button";
    element.dataset.key = event.id;
    element.dataset.row = stretch.row;
    const named = new Intl.DateTimeFormat(pageLanguage(), {
      weekday: "long",
      day: "numeric",
      month: "long",
    }).format(event.start);
    element.setAttribute(
      "aria-label",
      fillIn(this.wordsValue.named, {
        kind: name.textContent,
        day: named,
        times: times.textContent,
      }),
    );
    element.addEventListener("click", () => this.pressed(stretch));
    element.addEventListener("keydown", (key) => this.key(key, event, stretch));
    return element;
  }

  // --- by mouse and finger

  pressed(stretch) {
    if (this.dragging)
      this.dragging = false; // the click that ends a drag
    else this.edit(stretch);
  }

  async dragged(info) {
    setTimeout(() => {
      this.dragging = false;
    });
    const { stretch } = info.event.extendedProps;
    if (!(await this.change(stretch, info.event.start, info.event.end))) info.revert();
  }

  // --- by keyboard

  key(press, event, stretch) {
    const step = this.stepOf(press);
    if (press.key === "Delete" || press.key === "Backspace") {
      press.preventDefault();
      this.removeRow(stretch);
    } else if (step && stretch.movable) {
      press.preventDefault();
      const start = press.shiftKey ? event.start : addToWallTime(event.start, step);
      const end = press.shiftKey
        ? addToWallTime(event.end, { minutes: step.minutes })
        : addToWallTime(event.end, step);
      if (end <= start) return;
      this.focused = stretch.row;
      this.calendar.updateEvent({ ...event, start, end });
      this.refocus();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.change(stretch, start, end), SETTLE);
    }
  }

  stepOf({ key, shiftKey }) {
    const onward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    if (key === "ArrowDown") return { minutes: 15 };
    if (key === "ArrowUp") return { minutes: -15 };
    if (!shiftKey && key === onward) return { days: 1 };
    if (!shiftKey && key === back) return { days: -1 };
    return null;
  }

  refocus() {
    requestAnimationFrame(() =>
      this.frameTarget.querySelector(`button[data-row="${this.focused}"]`)?.focus(),
    );
  }

  // --- the small form

  add() {
    const start = new Date(this.first);
    start.setHours(9, 0, 0, 0);
    this.create(start, addToWallTime(start, { minutes: 180 }));
  }

  create(start, end) {
    this.editing = null;
    this.fillIn(
      { kind: "weekly", weekday: weekdayFromMonday(start), first: "", last: "", rule: "" },
      clockTime(start),
      clockTime(end),
    );
    this.field("on").value = this.field("until").value = isoDate(start);
    this.open(this.wordsValue.add);
  }

  edit(stretch) {
    this.editing = stretch;
    this.fillIn(stretch, minutesAsClockTime(stretch.start), minutesAsClockTime(stretch.end));
    this.open(this.wordsValue.change);
  }

  fillIn(facts, start, end) {
    const form = this.formTarget;
    form.reset();
    for (const radio of form.elements.kind) {
      radio.checked = radio.value === facts.kind;
      radio.disabled = this.editing !== null && radio.value !== facts.kind;
    }
    this.field("weekday").value = facts.weekday ?? 0;
    this.field("start").value = start;
    this.field("end").value = end;
    const isWeekly = facts.kind === "weekly";
    this.field("valid_from").value = isWeekly ? facts.first : "";
    this.field("valid_until").value = isWeekly ? facts.last : "";
    this.field("on").value = isWeekly ? "" : facts.first;
    this.field("until").value = isWeekly ? "" : facts.last;
    this.repeatsTarget.hidden = !facts.rule;
    this.chosen();
  }

  field(name) {
    return this.formTarget.elements[`calendar_${name}`];
  }

  chosen() {
    const isWeekly = this.formTarget.elements.kind.value === "weekly";
    for (const part of this.formTarget.querySelectorAll("[data-for]"))
      part.hidden = (part.dataset.for === "weekly") !== isWeekly;
  }

  open(heading) {
    this.errorTarget.textContent = "";
    this.headingTarget.textContent = heading;
    this.removeTarget.hidden = !this.editing;
    this.dialogTarget.showModal();
  }

  close() {
    this.dialogTarget.close();
  }

  async save(submit) {
    submit.preventDefault();
    const kind = this.formTarget.elements.kind.value;
    const facts =
      kind === "weekly"
        ? {
            kind,
            weekday: this.field("weekday").value,
            first: this.field("valid_from").value,
            last: this.field("valid_until").value,
            rule: "",
          }
        : {
            kind,
            first: this.field("on").value,
            last: this.field("until").value || this.field("on").value,
            rule: this.editing?.rule ?? "",
          };
    const before = this.editing;
    const fields = { ...facts, start: this.field("start").value, end: this.field("end").value };
    try {
      const row = await this.post(this.addressOf(kind, before?.row), fields);
      this.close();
      this.undoable(
        before ? this.wordsValue.changed : this.wordsValue.added,
        before
          ? () => this.post(this.addressOf(kind, before.row), this.fieldsOf(before))
          : () => this.post(`${this.addressOf(kind, row)}/remove`, {}),
      );
      await this.read();
    } catch (refusal) {
      this.errorTarget.textContent = refusal.message;
    }
  }

  removePressed() {
    this.close();
    this.removeRow(this.editing);
  }

  // --- changes

  async change(stretch, start, end) {
    const fields = { ...this.fieldsOf(stretch), start: clockTime(start), end: clockTime(end) };
    if (stretch.kind === "weekly") fields.weekday = weekdayFromMonday(start);
    else fields.first = fields.last = isoDate(start);
    if (end - start > 24 * 3600e3) return (this.say(this.wordsValue.too_long), false);
    try {
      await this.post(this.addressOf(stretch.kind, stretch.row), fields);
    } catch (refusal) {
      this.say(refusal.message);
      await this.read();
      return false;
    }
    this.undoable(this.wordsValue.changed, () =>
      this.post(this.addressOf(stretch.kind, stretch.row), this.fieldsOf(stretch)),
    );
    await this.read();
    return true;
  }

  async removeRow(stretch) {
    clearTimeout(this.settling);
    try {
      await this.post(`${this.addressOf(stretch.kind, stretch.row)}/remove`, {});
    } catch (refusal) {
      this.say(refusal.message);
      return;
    }
    this.undoable(this.wordsValue.removed, () =>
      this.post(this.addressOf(stretch.kind), this.fieldsOf(stretch)),
    );
    this.focused = null;
    await this.read();
    this.undoTarget.focus();
  }

  fieldsOf({ kind, weekday: on, first, last, rule, start, end }) {
    return {
      kind,
      weekday: on,
      first,
      last,
      rule,
      start: minutesAsClockTime(start),
      end: minutesAsClockTime(end),
    };
  }

  addressOf(kind, row = null) {
    const base = kind === "weekly" ? this.openingsValue : this.daysValue;
    return row ? `${base}/${row}` : base;
  }

  // The forms' own names for what a stretch is.
  async post(address, { kind, weekday: on, first, last, rule, start, end }) {
    const fields = new URLSearchParams({ person: this.personValue, from: "" });
    if (start !== undefined) {
      fields.set("start", start);
      fields.set("end", end);
    }
    if (kind === "weekly") {
      fields.set("weekday", on);
      fields.set("valid_from", first);
      fields.set("valid_until", last);
    } else if (kind) {
      fields.set("kind", kind === "open" ? "extra" : "closed");
      fields.set("first", first);
      fields.set("last", last);
      fields.set("repeat", rule ? "rule" : "");
      fields.set("rule", rule);
      fields.set("zone", this.element.dataset.zone);
    }
    return (await sendRequest(address, { body: fields })).row;
  }

  undoable(sentence, undo) {
    this.say(sentence);
    this.undoTarget.hidden = false;
    this.undoing = undo;
  }

  async undo() {
    if (!this.undoing) return;
    try {
      await this.undoing();
      this.say(this.wordsValue.undone);
    } catch (refusal) {
      this.say(refusal.message);
    }
    await this.read();
  }

  say(sentence) {
    this.saidTarget.textContent = sentence;
    this.undoTarget.hidden = true;
    this.undoing = null;
  }
}
