import { findElement, findOptionalElement } from "../shared/dom.js";
import { asError, sendRequest } from "../shared/requests.js";
import { controllerOf } from "../shared/stimulus.js";
import { fillIn, formatList, formatNumber, pageLanguage } from "../shared/text.js";
import { addToWallTime, clockTime, isoDate, mondayOf } from "./wall_time.js";

const DAY_MS = 24 * 3600 * 1000;
const EARLIEST_HOUR = 6;
const LATEST_TIME = "22:00";
const SCROLL_MARGIN_PX = 320; // the column of names covers what stands closer to the edge

/**
 * One booking, as scheduling/board_routes.py sends it.
 * @typedef {object} BoardMeeting
 * @property {string} id
 * @property {string} case the case's number
 * @property {string} standing "" when nothing is missing
 * @property {string} starts wall time in ISO 8601
 * @property {string} ends
 * @property {string[]} people ids of the rows that it stands in
 * @property {string[]} names
 * @property {boolean} movable
 * @property {boolean} late so late that a reason is asked for
 * @property {string} href
 */
/**
 * @typedef {{ id: string, name: string, role: string, meetings: number, minutes: number }}
 *   BoardPerson
 */
/**
 * @typedef {import("@event-calendar/build").CalendarEvent<{ meeting: BoardMeeting }>} BoardEvent
 */
/**
 * @typedef {import("@event-calendar/build").CalendarChange<{ meeting: BoardMeeting }>} BoardChange
 */
/**
 * @typedef {{ error: string, needs: string | null }} RefusedMove what the server says, and which
 *   field would help
 */

// The office's board: a row for each person, meetings to be dragged along it. What the server
// refuses snaps back with its sentence; where a reason would help, it is asked for. Pressing a
// meeting does the same without dragging.
export default class extends controllerOf({
  targets: {
    frame: HTMLElement,
    title: HTMLElement,
    said: HTMLElement,
    dialog: HTMLDialogElement,
    form: HTMLFormElement,
    error: HTMLElement,
    about: HTMLElement,
    reason: HTMLElement,
    override: HTMLElement,
    link: HTMLAnchorElement,
    day: HTMLButtonElement,
    week: HTMLButtonElement,
  },
  values: { url: String, from: String, move: String, words: Object },
}) {
  /** @type {import("@event-calendar/build").Calendar | undefined} */
  calendar;
  /** The first day that is shown, and how many are. */
  start = new Date();
  days = 7;
  /** @type {BoardMeeting[]} */
  meetings = [];
  /** @type {BoardMeeting | undefined} the one that was opened last */
  meeting;
  isDragging = false;
  limits = "";
  shownUrl = "";

  async connect() {
    const { default: EventCalendar } = await import("@event-calendar/build");
    if (!this.element.isConnected || this.calendar) return;
    const both = {
      slotWidth: 64,
      slotHeight: 24,
      slotDuration: "01:00:00",
      snapDuration: "00:15:00",
    };
    this.calendar = EventCalendar.create(this.frameTarget, {
      view: "resourceTimelineWeek",
      date: this.fromValue,
      firstDay: 1,
      locale: pageLanguage(),
      scrollTime: "08:00:00",
      headerToolbar: { start: "", center: "", end: "" },
      ...both,
      longPressDelay: 350,
      views: { resourceTimelineWeek: both, resourceTimelineDay: { ...both, slotWidth: 80 } },
      dayHeaderFormat: { weekday: "short", day: "numeric", month: "short" },
      slotLabelFormat: { hour: "2-digit", hourCycle: "h23" },
      editable: true,
      durationEditable: false,
      eventDurationEditable: false,
      selectable: false,
      events: [],
      resources: [],
      /**
       * @param {{ resource: import("@event-calendar/build").CalendarResource<BoardPerson> }} info
       */
      resourceLabelContent: ({ resource }) => ({ domNodes: [this.person(resource.extendedProps)] }),
      /** @param {{ event: BoardEvent }} info */
      eventContent: ({ event }) => ({ domNodes: [this.drawn(event)] }),
      /** @param {BoardChange} info */
      dragConstraint: ({ event, oldEvent }) => this.isSameRow(event, oldEvent),
      eventDragStart: () => {
        this.isDragging = true;
        this.say("");
      },
      /** @param {BoardChange} info */
      eventDrop: (info) => this.dropped(info),
      /** @param {{ start: Date, end: Date }} dates */
      datesSet: ({ start, end }) =>
        this.show(start, end).catch((refusal) => this.say(refusal.message)),
    });
    this.dialogTarget.addEventListener("close", this.dialogClosed);
  }

  disconnect() {
    this.dialogTarget.removeEventListener("close", this.dialogClosed);
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
   * The day of the meeting that was opened last, else today, else the first one that holds a
   * meeting.
   */
  day() {
    const today = isoDate(new Date());
    const days = this.meetings.map(({ starts }) => starts.slice(0, 10));
    const opened = this.meetings.find(({ id }) => id === this.meeting?.id)?.starts.slice(0, 10);
    const fallback = days.includes(today) ? today : (days[0] ?? this.start);
    this.calendar?.setOption("date", opened ?? fallback);
    this.setView("resourceTimelineDay");
  }

  week() {
    this.setView("resourceTimelineWeek");
  }

  /** @param {"resourceTimelineDay" | "resourceTimelineWeek"} view */
  setView(view) {
    this.calendar?.setOption("view", view);
    this.dayTarget.setAttribute("aria-pressed", String(view === "resourceTimelineDay"));
    this.weekTarget.setAttribute("aria-pressed", String(view === "resourceTimelineWeek"));
  }

  /**
   * @param {Date} start
   * @param {Date} end the day after the last one
   */
  show(start, end) {
    this.start = start;
    this.days = Math.round((end.getTime() - start.getTime()) / DAY_MS);
    const format = new Intl.DateTimeFormat(pageLanguage(), {
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    this.titleTarget.textContent =
      this.days === 1
        ? format.format(start)
        : format.formatRange(start, addToWallTime(end, { days: -1 }));
    return this.read();
  }

  async read() {
    const url = new URL(this.urlValue, location.href);
    url.searchParams.set("from", isoDate(this.days === 1 ? this.start : mondayOf(this.start)));
    url.searchParams.set("days", String(this.days));
    /** @type {{ people: BoardPerson[], meetings: BoardMeeting[] }} */
    const { people, meetings } = await sendRequest(url, { method: "GET" });
    this.meetings = meetings;
    this.fitHours(meetings);
    this.calendar?.setOption(
      "resources",
      people.map((person) => ({ id: person.id, title: person.name, extendedProps: person })),
    );
    this.calendar?.setOption(
      "events",
      meetings.map((meeting) => ({
        id: meeting.id,
        start: meeting.starts,
        end: meeting.ends,
        resourceIds: meeting.people,
        classNames: [`stands-${meeting.standing || "well"}`],
        editable: meeting.movable,
        startEditable: meeting.movable,
        extendedProps: { meeting },
      })),
    );
    // it scrolls, so it must scroll with keys as well
    this.frameTarget.querySelector(".ec-main")?.setAttribute("tabindex", "0");
    this.frameTarget.dataset.state = "ready";
    if (this.shownUrl !== url.href) requestAnimationFrame(() => this.scrollToMeetings());
    this.shownUrl = url.href;
  }

  /**
   * Six in the morning to ten at night, and whatever else the meetings need.
   * @param {BoardMeeting[]} meetings
   */
  fitHours(meetings) {
    const first = Math.min(EARLIEST_HOUR, ...meetings.map(({ starts }) => hourOf(starts)));
    const runsLate = meetings.some(
      ({ starts, ends }) =>
        ends.slice(0, 10) !== starts.slice(0, 10) || ends.slice(11, 16) > LATEST_TIME,
    );
    const from = `${String(first).padStart(2, "0")}:00:00`;
    const until = runsLate ? "24:00:00" : `${LATEST_TIME}:00`;
    // an option that is set draws and reads everything again
    if (this.limits === `${from}-${until}`) return;
    this.limits = `${from}-${until}`;
    this.calendar?.setOption("slotMinTime", from);
    this.calendar?.setOption("slotMaxTime", until);
  }

  scrollToMeetings() {
    const main = this.frameTarget.querySelector(".ec-main");
    const boxes = [...this.frameTarget.querySelectorAll(".ec-event")].map((event) =>
      event.getBoundingClientRect(),
    );
    if (!main || !boxes.length) return;
    const frame = main.getBoundingClientRect();
    const isRtl = document.documentElement.dir === "rtl";
    const distance = isRtl
      ? Math.max(...boxes.map((box) => box.right)) - frame.right + SCROLL_MARGIN_PX
      : Math.min(...boxes.map((box) => box.left)) - frame.left - SCROLL_MARGIN_PX;
    main.scrollBy(distance, 0);
  }

  /** @param {BoardPerson} person */
  person({ name, role, meetings, minutes }) {
    const element = document.createElement("span");
    element.className = "board-person";
    const nameElement = document.createElement("strong");
    nameElement.textContent = name;
    const load = { meetings: formatNumber(meetings), minutes: formatNumber(minutes) };
    const loadElement = document.createElement("span");
    loadElement.textContent = `${role} · ${fillIn(this.wordsValue.load, load)}`;
    element.append(nameElement, " ", loadElement);
    return element;
  }

  /** @param {BoardEvent} event */
  drawn(event) {
    const { meeting } = event.extendedProps;
    const element = document.createElement("button");
    element.type = "button";
    element.className = "ec-stretch";
    element.dataset.booking = event.id;
    const time = document.createElement("strong");
    time.textContent = clockTime(event.start);
    const short = document.createElement("bdi");
    short.textContent = meeting.case.split("-").at(-1) ?? "";
    element.append(time, " ", short);
    const named = {
      number: meeting.case,
      short: short.textContent,
      time: time.textContent,
      names: formatList(meeting.names),
      standing: this.wordsValue[meeting.standing],
    };
    element.setAttribute("aria-label", fillIn(this.wordsValue.named, named));
    element.addEventListener("click", () => {
      if (this.isDragging)
        this.isDragging = false; // the click that ends a drag
      else this.open(meeting, event.start);
    });
    return element;
  }

  // --- a drag

  /**
   * @param {BoardEvent} event
   * @param {BoardEvent} before
   */
  isSameRow(event, before) {
    const isSame = [...event.resourceIds].sort().join() === [...before.resourceIds].sort().join();
    if (!isSame) this.say(this.wordsValue.same_people);
    return isSame;
  }

  /** @param {BoardChange} info */
  async dropped(info) {
    setTimeout(() => {
      this.isDragging = false;
    });
    const { start, extendedProps } = info.event;
    const refused = await this.move(extendedProps.meeting, { wall: wallTime(start) });
    if (!refused) return;
    info.revert();
    if (!refused.needs) {
      this.say(refused.error);
      return;
    }
    this.open(extendedProps.meeting, start);
    this.ask(refused);
  }

  // --- the form

  /**
   * @param {BoardMeeting} meeting
   * @param {Date} start
   */
  open(meeting, start) {
    this.meeting = meeting;
    this.formTarget.reset();
    this.errorTarget.textContent = "";
    const about = fillIn(this.wordsValue.case, { number: meeting.case });
    this.aboutTarget.textContent = `${about} · ${formatList(meeting.names)}`;
    this.field("wall").value = wallTime(start);
    this.field("wall").disabled = !meeting.movable;
    this.reasonTarget.hidden = !meeting.late;
    this.overrideTarget.hidden = true;
    this.linkTarget.href = meeting.href;
    this.dialogTarget.showModal();
  }

  /** @param {"wall" | "reason" | "override_reason"} name */
  field(name) {
    return /** @type {HTMLInputElement} */ (this.formTarget.elements.namedItem(name));
  }

  /** @param {RefusedMove} refused */
  ask({ error, needs }) {
    this.errorTarget.textContent = error;
    if (!needs) return;
    const field = needs === "override" ? this.overrideTarget : this.reasonTarget;
    field.hidden = false;
    findElement(field, "input").focus();
  }

  /** @param {Event} event */
  async submit(event) {
    event.preventDefault();
    if (!this.meeting) return;
    const refused = await this.move(this.meeting, {
      wall: this.field("wall").value,
      reason: this.field("reason").value,
      override_reason: this.field("override_reason").value,
    });
    if (refused) this.ask(refused);
    else this.close();
  }

  close() {
    this.dialogTarget.close();
  }

  dialogClosed = () => {
    const selector = `button[data-booking="${this.meeting?.id}"]`;
    findOptionalElement(this.frameTarget, selector)?.focus();
  };

  /**
   * @param {BoardMeeting} meeting
   * @param {Record<string, string>} fields
   * @returns {Promise<RefusedMove | null>} null when it has moved
   */
  async move(meeting, fields) {
    try {
      const url = this.moveValue.replace("/0/", `/${meeting.id}/`);
      const { said } = await sendRequest(url, { body: new URLSearchParams(fields) });
      this.say(said);
      await this.read();
      // what cannot be read now is read when the page is loaded next
      this.refreshPage().catch(() => {});
      return null;
    } catch (thrown) {
      const { message, answer } = asError(thrown);
      return { error: message, needs: answer?.needs ?? null };
    }
  }

  /** What the page says beside the calendar is read again too. */
  async refreshPage() {
    const html = await (await fetch(location.href)).text();
    const page = new DOMParser().parseFromString(html, "text/html");
    for (const id of ["unfilled", "days", "load"]) {
      const old = document.getElementById(id);
      const fresh = page.getElementById(id);
      if (old && fresh) old.replaceWith(fresh);
    }
  }

  /** @param {string} sentence */
  say(sentence) {
    this.saidTarget.textContent = sentence;
  }
}

/** @param {Date} at */
function wallTime(at) {
  return `${isoDate(at)}T${clockTime(at)}`;
}

/** @param {string} isoTime */
function hourOf(isoTime) {
  return Number(isoTime.slice(11, 13));
}
