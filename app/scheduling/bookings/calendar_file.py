"""Meetings as calendar files (RFC 5545, RFC 5546), for people's own calendars. Never a clinical
word in them.

A booking keeps one UID for life; SEQUENCE counts its changes, so that a move or a cancellation
replaces the old entry. Times are written as UTC instants: a local time in the hour that a clock
repeats has two meanings, and RFC 5545 (3.3.5) reads it as the first.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC
from enum import StrEnum

from icalendar import Calendar, Event, vCalAddress, vText

from app.core.clock import now
from app.core.permissions import Role
from app.core.text import N_
from app.i18n.formats import format_long_moment
from app.i18n.translate import make_translator
from app.identity.models import Person
from app.scheduling.models import Booking, BookingState, EngagementState

_PRODID = "-//Consilium//Second opinions//EN"
_EVENT_SUMMARY = N_("Video consultation, case %(number)s")
_LOCAL_TIME_LINES = {
    Role.PATIENT: N_("Patient: %(time)s"),
    Role.SPECIALIST: N_("Specialist: %(time)s"),
    Role.INTERPRETER: N_("Interpreter: %(time)s"),
}
_JOIN_HINT = N_("Open this page a few minutes early: %(address)s")


class CalendarMethod(StrEnum):
    """What a mailed calendar file asks of its reader's calendar."""

    REQUEST = "REQUEST"  # enter it, or put it in the place of the earlier entry
    CANCEL = "CANCEL"  # take it out
    PUBLISH = "PUBLISH"  # to look at, or to subscribe to


def build_meeting_calendar(
    booking: Booking,
    reader: Person,
    *,
    site: str,
    method: CalendarMethod = CalendarMethod.PUBLISH,
    organizer: str = "",
) -> bytes:
    """One meeting for one reader, in their language. ``site`` is the address that
    Consilium is reached at.

    ``organizer`` is the mail address that invitations come from; a REQUEST and a CANCEL need it.
    """
    calendar = _new_calendar(method)
    calendar.add_component(_build_event(booking, reader, site, method, organizer))
    return calendar.to_ical()


def build_subscription_calendar(bookings: Iterable[Booking], reader: Person, *, site: str) -> bytes:
    """All of a person's meetings, for a calendar program that asks again and again."""
    calendar = _new_calendar(CalendarMethod.PUBLISH)
    calendar.add("x-wr-calname", "Consilium")
    calendar.add("x-published-ttl", "PT1H")
    for booking in bookings:
        calendar.add_component(_build_event(booking, reader, site, CalendarMethod.PUBLISH, ""))
    return calendar.to_ical()


def _new_calendar(method: CalendarMethod) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", _PRODID)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", str(method))
    return calendar


def _build_event(
    booking: Booking, reader: Person, site: str, method: CalendarMethod, organizer: str
) -> Event:
    say = make_translator(reader.language)
    is_off = method is CalendarMethod.CANCEL or booking.state != BookingState.CONFIRMED
    address = f"{site.rstrip('/')}/bookings/{booking.id}"
    event = Event()
    event.add("uid", calendar_uid_of(booking))
    event.add("sequence", booking.sequence + _removed_attendee_sequence(booking, reader))
    event.add("dtstamp", now())
    event.add("created", booking.created_at)
    event.add("last-modified", booking.changed_at)
    event.add("dtstart", booking.starts_at.astimezone(UTC))
    event.add("dtend", booking.ends_at.astimezone(UTC))
    event.add("summary", say(_EVENT_SUMMARY, number=booking.case.number))
    event.add(
        "description",
        "\n".join([*_local_time_lines(booking, reader), say(_JOIN_HINT, address=address)]),
    )
    event.add("location", address)
    event.add("url", address)
    event.add("class", "PRIVATE")
    event.add("transp", "TRANSPARENT" if is_off else "OPAQUE")
    event.add(
        "status",
        "CANCELLED"
        if is_off
        else "TENTATIVE"
        if _is_only_proposed(booking, reader)
        else "CONFIRMED",
    )
    if organizer:
        event["organizer"] = _calendar_address(organizer, "Consilium")
        attendee = _calendar_address(reader.email, reader.name)
        attendee.params["PARTSTAT"], attendee.params["RSVP"] = vText("ACCEPTED"), vText("FALSE")
        event.add("attendee", attendee, encode=False)
    return event


def _removed_attendee_sequence(booking: Booking, reader: Person) -> int:
    """1 for who is taken out of a meeting that stands: a CANCEL outranks the REQUEST before it (RFC
    5546, 3.2.5).
    """
    return int(booking.is_confirmed and reader not in booking.people)


def _is_only_proposed(booking: Booking, reader: Person) -> bool:
    """Whether the reader is an interpreter and has not said yes."""
    engagement = booking.engagement_of(reader.id)
    return engagement is not None and engagement.state == EngagementState.PROPOSED


def calendar_uid_of(booking: Booking) -> str:
    """The name of a booking in everybody's calendar, for ever."""
    return f"{booking.id}@consilium"


def _local_time_lines(booking: Booking, reader: Person) -> list[str]:
    """The meeting on everyone's wall, the reader's first."""
    say = make_translator(reader.language)
    return [
        say(
            _LOCAL_TIME_LINES[booking.role_of(one.id)],
            time=format_long_moment(booking.starts_at, one.timezone, reader.language),
        )
        for one in sorted(booking.people, key=lambda one: one.id != reader.id)
    ]


def _calendar_address(mail: str, name: str) -> vCalAddress:
    address = vCalAddress(f"mailto:{mail}")
    address.params["CN"] = vText(name)
    return address
