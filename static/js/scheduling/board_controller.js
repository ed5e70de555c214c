import { Controller } from "@hotwired/stimulus";
import { sendRequest } from "../shared/requests.js";
import { fillIn, formatList, formatNumber, pageLanguage } from "../shared/text.js";
import { addToWallTime, clockTime, isoDate, mondayOf } from "./wall_time.js";

// The office's board: a row for each person, meetings to be dragged along it. What the server refuses snaps back with
// its sentence; where a reason would help, it is asked for. Pressing a meeting does the same without dragging.
export default class extends Controller {
  static targets = [
    "frame",
    "title",
    "said",
    "dialog",
    "form",
    "error",
    "about",
    "reason",
    "override",
    "link",
    "day",
    "week",
  ];
  static values = { url: String, from: String, move: String, words: Object };

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
      resourceLabelContent: ({ resource }) => ({ domNodes: [this.person(resource)] }),
      eventContent: ({ event }) => ({ domNodes: [this.drawn(event)] }),
      dragConstraint: ({ event, oldEvent }) => this.isSameRow(event, oldEvent),
      eventDragStart: () => {
        this.dragging = true;
        this.said("");
      },
      eventDrop: (info) => this.dropped(info),
      datesSet: ({ start, end }) =>
        this.show(start, end).catch((refusal) => this.said(refusal.message)),
    });
    this.left = () => this.abandon();
    this.dialogTarget.addEventListener("close", this.left);
  }

  disconnect() {
    this.dialogTarget.removeEventListener("close", this.left);
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

  // The day of the meeting that was looked at last, else today, else the first one that holds a meeting.
  day() {
    const today = isoDate(new Date());
    const days = this.meetings.map((one) => one.starts.slice(0, 10));
    const last = this.meetings.find((one) => one.id === this.meeting?.id)?.starts.slice(0, 10);
    this.calendar.setOption(
      "date",
      last ?? (days.includes(today) ? today : (days[0] ?? this.start)),
    );
    this.turn("resourceTimelineDay");
  }

  week() {
    this.turn("resourceTimelineWeek");
  }

  turn(view) {
    this.calendar.setOption("view", view);
    this.dayTarget.setAttribute("aria-pressed", view === "resourceTimelineDay");
    this.weekTarget.setAttribute("aria-pressed", view === "resourceTimelineWeek");
  }

  show(start, end) {
    this.start = start;
    this.days = Math.round((end - start) / 864e5);
    const words = new Intl.DateTimeFormat(pageLanguage(), {
      day: "numeric",
      month: "long",
      year: "numeric",
    });
    this.titleTarget.textContent =
      this.days === 1
        ? words.format(start)
        : words.formatRange(start, addToWallTime(end, { days: -1 }));
    return this.read();
  }

  async read() {
    const asked = new URL(this.urlValue, location.href);
    asked.searchParams.set("from", isoDate(this.days === 1 ? this.start : mondayOf(this.start)));
    asked.searchParams.set("days", this.days);
    const { people, meetings } = await sendRequest(asked, { method: "GET" });
    this.meetings = meetings;
    this.openEnough(meetings);
    this.calendar.setOption(
      "resources",
      people.map((one) => ({ id: one.id, title: one.name, extendedProps: one })),
    );
    this.calendar.setOption(
      "events",
      meetings.map((one) => ({
        id: one.id,
        start: one.starts,
        end: one.ends,
        resourceIds: one.people,
        classNames: [`stands-${one.standing || "well"}`],
        editable: one.movable,
        startEditable: one.movable,
        extendedProps: { meeting: one },
      })),
    );
    this.frameTarget.querySelector(".ec-main")?.setAttribute("tabindex", "0"); // it scrolls: with keys as well
    this.frameTarget.dataset.state = "ready";
    if (this.seen !== `${asked}`) requestAnimationFrame(() => this.bringIntoView());
    this.seen = `${asked}`;
  }

  // Six in the morning to ten at night, and whatever else meetings need.
  openEnough(meetings) {
    const first = Math.min(6, ...meetings.map((one) => Number(one.starts.slice(11, 13))));
    const isOver = meetings.some(
      (one) =>
        one.ends.slice(0, 10) !== one.starts.slice(0, 10) || one.ends.slice(11, 16) > "22:00",
    );
    const limits = [`${String(first).padStart(2, "0")}:00:00`, isOver ? "24:00:00" : "22:00:00"];
    if (this.limits?.join() === limits.join()) return; // an option that is set is drawn anew, and read anew
    this.limits = limits;
    this.calendar.setOption("slotMinTime", limits[0]);
    this.calendar.setOption("slotMaxTime", limits[1]);
  }

  bringIntoView() {
    const frame = this.frameTarget.querySelector(".ec-main")?.getBoundingClientRect();
    const boxes = [...this.frameTarget.querySelectorAll(".ec-event")].map((one) =>
      one.getBoundingClientRect(),
    );
    if (!frame || !boxes.length) return;
    const isRtl = document.documentElement.dir === "rtl";
    const edge = isRtl
      ? Math.max(...boxes.map((box) => box.right)) - frame.right + 320
      : Math.min(...boxes.map((box) => box.left)) - frame.left - 320;
    this.frameTarget.querySelector(".ec-main").scrollBy(edge, 0);
  }

  person(resource) {
    const { name, role, meetings, minutes } = resource.extendedProps;
    const element = document.createElement("span");
    element.className = "board-person";
    const bold = document.createElement("strong");
    bold.textContent = name;
    const soft = document.createElement("span");
    soft.textContent = `${role} · ${fillIn(this.wordsValue.load, { meetings: formatNumber(meetings), minutes: formatNumber(minutes) })}`;
    element.append(bold, " ", soft);
    return element;
  }

  drawn(event) {
    const { meeting } = event.extendedProps;
    const element = document.createElement("button");
    element.type = "button";
    element.className = "ec-stretch";
    element.dataset.booking = event.id;
    const time = document.createElement("strong");
    time.textContent = clockTime(event.start);
    const short = document.createElement("bdi");
    short.textContent = meeting.case.split("-").at(-1);
    element.append(time, " ", short);
    element.setAttribute(
      "aria-label",
      fillIn(this.wordsValue.named, {
        number: meeting.case,
        short: short.textContent,
        time: time.textContent,
        names: formatList(meeting.names),
        standing: this.wordsValue[meeting.standing],
      }),
    );
    element.addEventListener("click", () => {
      if (this.dragging)
        this.dragging = false; // the click that ends a drag
      else this.open(meeting, event.start);
    });
    return element;
  }

  // --- a drag

  isSameRow(event, before) {
    const same = [...event.resourceIds].sort().join() === [...before.resourceIds].sort().join();
    if (!same) this.said(this.wordsValue.same_people);
    return same;
  }

  async dropped(info) {
    setTimeout(() => {
      this.dragging = false;
    });
    const { meeting } = info.event.extendedProps;
    const wall = `${isoDate(info.event.start)}T${clockTime(info.event.start)}`;
    const refused = await this.move(meeting, { wall });
    if (!refused) return;
    info.revert();
    if (!refused.needs) return this.said(refused.error);
    this.open(meeting, info.event.start);
    this.ask(refused);
  }

  // --- the small form

  open(meeting, start) {
    this.meeting = meeting;
    this.formTarget.reset();
    this.errorTarget.textContent = "";
    this.aboutTarget.textContent = `${fillIn(this.wordsValue.case, { number: meeting.case })} · ${formatList(meeting.names)}`;
    this.formTarget.elements.wall.value = `${isoDate(start)}T${clockTime(start)}`;
    this.formTarget.elements.wall.disabled = !meeting.movable;
    this.reasonTarget.hidden = !meeting.late;
    this.overrideTarget.hidden = true;
    this.linkTarget.href = meeting.href;
    this.dialogTarget.showModal();
  }

  ask({ error, needs }) {
    this.errorTarget.textContent = error;
    if (needs) {
      const field = needs === "override" ? this.overrideTarget : this.reasonTarget;
      field.hidden = false;
      field.querySelector("input").focus();
    }
  }

  async submit(event) {
    event.preventDefault();
    const { wall, reason, override_reason: override } = this.formTarget.elements;
    const refused = await this.move(this.meeting, {
      wall: wall.value,
      reason: reason.value,
      override_reason: override.value,
    });
    if (refused) this.ask(refused);
    else this.close();
  }

  close() {
    this.dialogTarget.close();
  }

  abandon() {
    this.frameTarget.querySelector(`button[data-booking="${this.meeting?.id}"]`)?.focus();
  }

  // Null when it has moved, else what the server says and what would help.
  async move(meeting, fields) {
    try {
      const { said } = await sendRequest(this.moveValue.replace("/0/", `/${meeting.id}/`), {
        body: new URLSearchParams(fields),
      });
      this.said(said);
      await this.read();
      this.refresh().catch(() => {}); // it is read when the page is loaded next
      return null;
    } catch (refusal) {
      return { error: refusal.message, needs: refusal.answer?.needs ?? null };
    }
  }

  // What the page says beside the calendar is read anew too.
  async refresh() {
    const page = new DOMParser().parseFromString(
      await (await fetch(location.href)).text(),
      "text/html",
    );
    for (const id of ["unfilled", "days", "load"]) {
      const [old, fresh] = [document.getElementById(id), page.getElementById(id)];
      if (old && fresh) old.replaceWith(fresh);
    }
  }

  said(sentence) {
    this.saidTarget.textContent = sentence;
  }
}
