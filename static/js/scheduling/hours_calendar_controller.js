import { findElements } from "../shared/dom.js";
import { asError, sendRequest } from "../shared/requests.js";
import { controllerOf } from "../shared/stimulus.js";
import { fillIn, pageLanguage } from "../shared/text.js";
import {
  addToWallTime,
  clockTime,
  isoDate,
  minutesAsClockTime,
  mondayOf,
  weekdayFromMonday,
} from "./wall_time.js";

const NARROW_SCREEN = window.matchMedia("(max-width: 40rem)");
const SETTLED_MS = 700; // after the last key, before a change is sent
const DAY_MS = 24 * 3600 * 1000;

/**
 * One drawn entry, as scheduling/hours_calendar_routes.py sends it.
 * @typedef {object} Stretch
 * @property {"weekly" | "open" | "closed" | "busy" | "meeting"} kind the first three are rows that
 *   can be changed
 * @property {string} starts wall time in ISO 8601
 * @property {string} ends
 * @property {string} row
 * @property {number | null} weekday 0 is Monday
 * @property {number} start minutes since midnight
 * @property {number} end
 * @property {string} first ISO date or ""
 * @property {string} last
 * @property {string} rule an RRULE or ""
 * @property {boolean} movable
 */
/** @typedef {import("@event-calendar/build").CalendarEvent<{ stretch?: Stretch }>} HoursEvent */
/** @typedef {import("@event-calendar/build").CalendarChange<{ stretch: Stretch }>} HoursChange */
/**
 * What the forms of the page take.
 * @typedef {object} HoursFields
 * @property {string} kind
 * @property {string | number | null} [weekday]
 * @property {string} first
 * @property {string} last
 * @property {string} rule
 * @property {string} start
 * @property {string} end
 */

// A person's hours on a calendar. Drag over free space for new hours, drag an entry or its lower
// edge to change it, press it for its form. On an entry the arrow keys move it, with Shift they
// lengthen or shorten it, Delete removes it. Every change can be undone. The weekly form of the
// page does the same without this.
export default class extends controllerOf({
  targets: {
    frame: HTMLElement,
    title: HTMLElement,
    said: HTMLElement,
    undo: HTMLButtonElement,
    dialog: HTMLDialogElement,
    form: HTMLFormElement,
    error: HTMLElement,
    remove: HTMLButtonElement,
    heading: HTMLElement,
    repeats: HTMLElement,
  },
  values: { url: String, openings: String, days: String, person: String, words: Object },
}) {
  /** @type {import("@event-calendar/build").Calendar | undefined} */
  calendar;
  /** The first day that is shown. */
  first = new Date();
  isDragging = false;
  /** @type {Stretch | null} what the form changes; null for new hours */
  editing = null;
  /** @type {string | null} the row that keeps the focus when the calendar is drawn again */
  focusedRow = null;
  /** @type {(() => Promise<unknown>) | null} */
  undoLast = null;
  /** @type {number | undefined} */
  settling;

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
      /** @param {{ event: HoursEvent }} info */
      eventContent: ({ event }) => ({ domNodes: [this.drawn(event)] }),
      /** @param {{ start: Date, end: Date }} chosen */
      select: (chosen) => this.create(chosen.start, chosen.end),
      eventDragStart: () => {
        this.isDragging = true;
      },
      eventResizeStart: () => {
        this.isDragging = true;
      },
      /** @param {HoursChange} info */
      eventDrop: (info) => this.dragged(info),
      /** @param {HoursChange} info */
      eventResize: (info) => this.dragged(info),
      /** @param {{ start: Date, end: Date }} dates */
      datesSet: ({ start, end }) =>
        this.show(start, end).catch((refusal) => this.say(refusal.message)),
    });
    NARROW_SCREEN.addEventListener("change", this.screenTurned);
    this.dialogTarget.addEventListener("close", this.dialogClosed);
  }

  disconnect() {
    NARROW_SCREEN.removeEventListener("change", this.screenTurned);
    this.dialogTarget.removeEventListener("close", this.dialogClosed);
    clearTimeout(this.settling);
  }

  screenTurned = () => this.calendar?.setOption("view", this.view);

  dialogClosed = () => this.calendar?.unselect();

  get view() {
    return NARROW_SCREEN.matches ? "timeGridDay" : "timeGridWeek";
  }

  // --- what is shown

  earlier() {
    this.calendar?.prev();
  }

  later() {
    this.calendar?.next();
  }

  today() {
    this.calendar?.setOption("date", new Date());
  }

  /**
   * @param {Date} start
   * @param {Date} end the day after the last one
   */
  show(start, end) {
    this.first = start;
    const last = addToWallTime(end, { days: -1 });
    const format = new Intl.DateTimeFormat(pageLanguage(), {
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    this.titleTarget.textContent =
      isoDate(start) === isoDate(last) ? format.format(start) : format.formatRange(start, last);
    return this.read();
  }

  async read() {
    const url = new URL(this.urlValue, location.href);
    url.searchParams.set("from", isoDate(mondayOf(this.first)));
    /** @type {{ stretches: Stretch[] }} */
    const { stretches } = await sendRequest(url, { method: "GET" });
    this.calendar?.setOption(
      "events",
      stretches.map((stretch, place) => ({
        id: `${stretch.kind}:${stretch.row}:${stretch.starts.slice(0, 10)}:${place}`,
        start: stretch.starts,
        end: stretch.ends,
        classNames: [`is-${stretch.kind}`],
        editable: stretch.movable,
        startEditable: stretch.movable,
        durationEditable: stretch.movable,
        extendedProps: { stretch },
      })),
    );
    // it scrolls, so it must scroll with keys as well
    this.frameTarget.querySelector(".ec-main")?.setAttribute("tabindex", "0");
    this.frameTarget.dataset.state = "ready";
    if (this.focusedRow) this.refocus();
  }

  /** @param {HoursEvent} event */
  drawn(event) {
    const { stretch } = event.extendedProps;
    const times = document.createElement("bdi");
    times.textContent = `${clockTime(event.start)}–${clockTime(event.end)}`;
    const name = document.createElement("strong");
    name.textContent = this.wordsValue[stretch?.kind ?? "weekly"];
    const isRow = stretch && ["weekly", "open", "closed"].includes(stretch.kind);
    const element = document.createElement(isRow ? "button" : "span");
    element.className = "ec-stretch";
    element.append(name, " ", times);
    if (!isRow || !(element instanceof HTMLButtonElement)) return element;
    element.type = "button";
    element.dataset.key = event.id;
    element.dataset.row = stretch.row;
    const day = new Intl.DateTimeFormat(pageLanguage(), {
      weekday: "long",
      day: "numeric",
      month: "long",
    }).format(event.start);
    const named = { kind: name.textContent, day, times: times.textContent };
    element.setAttribute("aria-label", fillIn(this.wordsValue.named, named));
    element.addEventListener("click", () => this.pressed(stretch));
    element.addEventListener("keydown", (press) => this.keyPressed(press, event, stretch));
    return element;
  }

  // --- by mouse and finger

  /** @param {Stretch} stretch */
  pressed(stretch) {
    if (this.isDragging)
      this.isDragging = false; // the click that ends a drag
    else this.edit(stretch);
  }

  /** @param {HoursChange} info */
  async dragged(info) {
    setTimeout(() => {
      this.isDragging = false;
    });
    const { stretch } = info.event.extendedProps;
    if (!(await this.change(stretch, info.event.start, info.event.end))) info.revert();
  }

  // --- by keyboard

  /**
   * @param {KeyboardEvent} press
   * @param {HoursEvent} event
   * @param {Stretch} stretch
   */
  keyPressed(press, event, stretch) {
    const step = stepOf(press);
    if (press.key === "Delete" || press.key === "Backspace") {
      press.preventDefault();
      this.removeRow(stretch);
    } else if (step && stretch.movable) {
      press.preventDefault();
      const start = press.shiftKey ? event.start : addToWallTime(event.start, step);
      const end = addToWallTime(event.end, press.shiftKey ? { minutes: step.minutes } : step);
      if (end <= start) return;
      this.focusedRow = stretch.row;
      this.calendar?.updateEvent({ ...event, start, end });
      this.refocus();
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.change(stretch, start, end), SETTLED_MS);
    }
  }

  refocus() {
    requestAnimationFrame(() => {
      const button = this.frameTarget.querySelector(`button[data-row="${this.focusedRow}"]`);
      if (button instanceof HTMLElement) button.focus();
    });
  }

  // --- the form

  add() {
    const start = new Date(this.first);
    start.setHours(9, 0, 0, 0);
    this.create(start, addToWallTime(start, { minutes: 180 }));
  }

  /**
   * @param {Date} start
   * @param {Date} end
   */
  create(start, end) {
    this.editing = null;
    const hours = { kind: "weekly", weekday: weekdayFromMonday(start), first: "", last: "" };
    this.fillForm({ ...hours, rule: "" }, clockTime(start), clockTime(end));
    this.field("on").value = this.field("until").value = isoDate(start);
    this.open(this.wordsValue.add);
  }

  /** @param {Stretch} stretch */
  edit(stretch) {
    this.editing = stretch;
    const { start, end } = stretch;
    this.fillForm(stretch, minutesAsClockTime(start), minutesAsClockTime(end));
    this.open(this.wordsValue.change);
  }

  /**
   * @param {Pick<Stretch, "weekday" | "first" | "last" | "rule"> & { kind: string }} hours
   * @param {string} start
   * @param {string} end
   */
  fillForm(hours, start, end) {
    this.formTarget.reset();
    for (const radio of findElements(this.formTarget, "input[name='kind']", HTMLInputElement)) {
      radio.checked = radio.value === hours.kind;
      radio.disabled = this.editing !== null && radio.value !== hours.kind;
    }
    this.field("weekday").value = String(hours.weekday ?? 0);
    this.field("start").value = start;
    this.field("end").value = end;
    const isWeekly = hours.kind === "weekly";
    this.field("valid_from").value = isWeekly ? hours.first : "";
    this.field("valid_until").value = isWeekly ? hours.last : "";
    this.field("on").value = isWeekly ? "" : hours.first;
    this.field("until").value = isWeekly ? "" : hours.last;
    this.repeatsTarget.hidden = !hours.rule;
    this.chosen();
  }

  /** @param {string} name */
  field(name) {
    const field = this.formTarget.elements.namedItem(`calendar_${name}`);
    return /** @type {HTMLInputElement | HTMLSelectElement} */ (field);
  }

  get chosenKind() {
    const radios = this.formTarget.elements.namedItem("kind");
    return /** @type {RadioNodeList} */ (radios).value;
  }

  chosen() {
    const isWeekly = this.chosenKind === "weekly";
    for (const part of findElements(this.formTarget, "[data-for]")) {
      part.hidden = (part.dataset.for === "weekly") !== isWeekly;
    }
  }

  /** @param {string} heading */
  open(heading) {
    this.errorTarget.textContent = "";
    this.headingTarget.textContent = heading;
    this.removeTarget.hidden = !this.editing;
    this.dialogTarget.showModal();
  }

  close() {
    this.dialogTarget.close();
  }

  /** @param {Event} submit */
  async save(submit) {
    submit.preventDefault();
    const before = this.editing;
    const fields = this.enteredFields();
    try {
      const row = await this.post(this.addressOf(fields.kind, before?.row), fields);
      this.close();
      this.offerUndo(
        before ? this.wordsValue.changed : this.wordsValue.added,
        before
          ? () => this.post(this.addressOf(fields.kind, before.row), fieldsOf(before))
          : () => this.post(`${this.addressOf(fields.kind, row)}/remove`),
      );
      await this.read();
    } catch (refusal) {
      this.errorTarget.textContent = asError(refusal).message;
    }
  }

  /** @returns {HoursFields} */
  enteredFields() {
    const kind = this.chosenKind;
    const hours = { start: this.field("start").value, end: this.field("end").value };
    if (kind === "weekly") {
      const weekday = this.field("weekday").value;
      const first = this.field("valid_from").value;
      return { kind, weekday, first, last: this.field("valid_until").value, rule: "", ...hours };
    }
    const first = this.field("on").value;
    const last = this.field("until").value || first;
    return { kind, first, last, rule: this.editing?.rule ?? "", ...hours };
  }

  removePressed() {
    this.close();
    if (this.editing) this.removeRow(this.editing);
  }

  // --- changes

  /**
   * @param {Stretch} stretch
   * @param {Date} start
   * @param {Date} end
   * @returns {Promise<boolean>} whether the server took it
   */
  async change(stretch, start, end) {
    const fields = { ...fieldsOf(stretch), start: clockTime(start), end: clockTime(end) };
    if (stretch.kind === "weekly") fields.weekday = weekdayFromMonday(start);
    else fields.first = fields.last = isoDate(start);
    if (end.getTime() - start.getTime() > DAY_MS) {
      this.say(this.wordsValue.too_long);
      return false;
    }
    try {
      await this.post(this.addressOf(stretch.kind, stretch.row), fields);
    } catch (refusal) {
      this.say(asError(refusal).message);
      await this.read();
      return false;
    }
    this.offerUndo(this.wordsValue.changed, () =>
      this.post(this.addressOf(stretch.kind, stretch.row), fieldsOf(stretch)),
    );
    await this.read();
    return true;
  }

  /** @param {Stretch} stretch */
  async removeRow(stretch) {
    clearTimeout(this.settling);
    try {
      await this.post(`${this.addressOf(stretch.kind, stretch.row)}/remove`);
    } catch (refusal) {
      this.say(asError(refusal).message);
      return;
    }
    this.offerUndo(this.wordsValue.removed, () =>
      this.post(this.addressOf(stretch.kind), fieldsOf(stretch)),
    );
    this.focusedRow = null;
    await this.read();
    this.undoTarget.focus();
  }

  /**
   * @param {string} kind
   * @param {string | null} [row]
   */
  addressOf(kind, row = null) {
    const base = kind === "weekly" ? this.openingsValue : this.daysValue;
    return row ? `${base}/${row}` : base;
  }

  /**
   * Sends hours under the names that the forms of the page use for them.
   * @param {string} address
   * @param {HoursFields} [hours]
   * @returns {Promise<string>} the row
   */
  async post(address, hours) {
    const fields = new URLSearchParams({ person: this.personValue, from: "" });
    if (hours) {
      fields.set("start", hours.start);
      fields.set("end", hours.end);
    }
    if (hours?.kind === "weekly") {
      fields.set("weekday", String(hours.weekday));
      fields.set("valid_from", hours.first);
      fields.set("valid_until", hours.last);
    } else if (hours) {
      fields.set("kind", hours.kind === "open" ? "extra" : "closed");
      fields.set("first", hours.first);
      fields.set("last", hours.last);
      fields.set("repeat", hours.rule ? "rule" : "");
      fields.set("rule", hours.rule);
      fields.set("zone", this.element.dataset.zone ?? "");
    }
    return (await sendRequest(address, { body: fields })).row;
  }

  /**
   * @param {string} sentence
   * @param {() => Promise<unknown>} undo
   */
  offerUndo(sentence, undo) {
    this.say(sentence);
    this.undoTarget.hidden = false;
    this.undoLast = undo;
  }

  async undo() {
    if (!this.undoLast) return;
    try {
      await this.undoLast();
      this.say(this.wordsValue.undone);
    } catch (refusal) {
      this.say(asError(refusal).message);
    }
    await this.read();
  }

  /** @param {string} sentence */
  say(sentence) {
    this.saidTarget.textContent = sentence;
    this.undoTarget.hidden = true;
    this.undoLast = null;
  }
}

/**
 * @param {Stretch} stretch
 * @returns {HoursFields}
 */
function fieldsOf({ kind, weekday, first, last, rule, start, end }) {
  const hours = { start: minutesAsClockTime(start), end: minutesAsClockTime(end) };
  return { kind, weekday, first, last, rule, ...hours };
}

/**
 * How far an arrow key moves an entry; null for other keys.
 * @param {KeyboardEvent} press
 * @returns {{ minutes?: number, days?: number } | null}
 */
function stepOf({ key, shiftKey }) {
  const isRtl = document.documentElement.dir === "rtl";
  if (key === "ArrowDown") return { minutes: 15 };
  if (key === "ArrowUp") return { minutes: -15 };
  if (!shiftKey && key === (isRtl ? "ArrowLeft" : "ArrowRight")) return { days: 1 };
  if (!shiftKey && key === (isRtl ? "ArrowRight" : "ArrowLeft")) return { days: -1 };
  return null;
}
