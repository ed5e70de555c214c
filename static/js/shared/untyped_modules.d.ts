// Modules that come without types of their own.

declare module "consilium:controllers" {
  import type { Definition } from "@hotwired/stimulus";

  const controllers: Definition[];
  export default controllers;
}

declare module "@event-calendar/build" {
  /** What we use of EventCalendar 5; https://github.com/vkurko/calendar#readme has the rest. */
  export interface CalendarEvent<Props> {
    id: string;
    start: Date;
    end: Date;
    resourceIds: string[];
    extendedProps: Props;
  }
  export interface CalendarResource<Props> {
    id: string;
    title: string;
    extendedProps: Props;
  }
  export interface CalendarChange<Props> {
    event: CalendarEvent<Props>;
    oldEvent: CalendarEvent<Props>;
    revert(): void;
  }
  export interface Calendar {
    prev(): void;
    next(): void;
    unselect(): void;
    setOption(name: string, value: unknown): void;
    updateEvent(event: unknown): void;
  }
  const EventCalendar: {
    create(frame: HTMLElement, options: Record<string, unknown>): Calendar;
  };
  export default EventCalendar;
}
