"""The record of the meeting: what happened when, and what it amounts to."""

from __future__ import annotations

from datetime import datetime
from math import ceil

from sqlalchemy.orm import Session

from app.consults.models import Consult, ConsultEvent, Seat
from app.core.clock import now
from app.scheduling.interpreters import statements

ARRIVAL_KIND, DEPARTURE_KINDS = "joined", ("left", "sent_back", "removed")


def record_consult_event(
    session: Session, consult: Consult, kind: str, seat: Seat | None, **facts: object
) -> None:
    """Adds a line to the consult's own timeline. ``facts`` are small and never clinical."""
    session.add(
        ConsultEvent(
            consult_id=consult.id, kind=kind, seat_id=seat.id if seat else None, facts=facts
        )
    )
    session.flush()


def export_consult_timeline(consult: Consult, events: list[ConsultEvent]) -> dict[str, object]:
    """The whole record of the meeting, ready for JSON: who was there, what happened, and the sums.
    Times are UTC.
    """
    ended = consult.ended_at or now()
    return {
        "consult": consult.id,
        "case": consult.case.number,
        "state": consult.state,
        "started_at": _format_instant(consult.started_at),
        "ended_at": _format_instant(consult.ended_at),
        "clinical_seconds": count_clinical_seconds(consult, ended),
        "paused_seconds": round(consult.paused_seconds),
        "people": [
            {
                "seat": seat.id,
                "name": seat.person.name,
                "role": seat.role,
                "speaks": seat.speaks,
                "pair": seat.pair,
                "seconds_present": round(count_seconds_present(events, seat.id, ended)),
            }
            for seat in consult.seats
        ],
        "signals": count_signals(events),
        "seconds_live": count_seconds_live(events, ended),
        "events": [
            {
                "at": _format_instant(event.at),
                "kind": event.kind,
                "seat": event.seat_id,
                **event.facts,
            }
            for event in events
        ],
    }


def record_consult_minutes(session: Session, consult: Consult, events: list[ConsultEvent]) -> None:
    """What each interpreter of the booking worked, for their statement: every minute that was begun
    counts.
    """
    asked = {one.interpreter_id for one in consult.booking.engagements}
    for seat in consult.seats:
        if seat.pair and seat.person_id in asked:
            seconds = count_seconds_present(events, seat.id, consult.ended_at or now())
            minutes = min(ceil(seconds / 60), statements.MAX_MINUTES_WORKED)
            statements.record_minutes_worked(
                session, None, consult.booking, seat.person_id, minutes
            )


def count_clinical_seconds(consult: Consult, until: datetime) -> int:
    """How long the meeting lasted without its pauses."""
    if consult.started_at is None:
        return 0
    standing = (until - consult.paused_at).total_seconds() if consult.paused_at else 0.0
    return max(
        0, round((until - consult.started_at).total_seconds() - consult.paused_seconds - standing)
    )


def count_seconds_present(events: list[ConsultEvent], seat_id: str, until: datetime) -> float:
    """How long a seat was in the room; a line that was lost and found again counts as there."""
    total, since = 0.0, None
    for event in events:
        if event.seat_id != seat_id:
            continue
        if event.kind == ARRIVAL_KIND and since is None:
            since = event.at
        elif event.kind in DEPARTURE_KINDS and since is not None:
            total, since = total + (event.at - since).total_seconds(), None
    return total + ((until - since).total_seconds() if since else 0.0)


def count_signals(events: list[ConsultEvent]) -> dict[str, int]:
    """How often each thing was asked of whoever spoke."""
    counts: dict[str, int] = {}
    for event in events:
        if event.kind == "signal":
            signal = str(event.facts["signal"])
            counts[signal] = counts.get(signal, 0) + 1
    return counts


def count_seconds_live(events: list[ConsultEvent], until: datetime) -> dict[str, dict[str, int]]:
    """For each interpreter's seat, how long it was live in each language in simultaneous mode."""
    totals: dict[str, dict[str, float]] = {}
    live: dict[str, tuple[str, datetime]] = {}

    def stop(seat_id: str, at: datetime) -> None:
        if seat_id in live:
            language, since = live.pop(seat_id)
            of_seat = totals.setdefault(seat_id, {})
            of_seat[language] = of_seat.get(language, 0.0) + (at - since).total_seconds()

    for event in events:
        if event.kind == "mode":
            for seat_id in list(live):
                stop(seat_id, event.at)
        if event.seat_id is None:
            continue
        if event.kind == "handed_over":
            stop(str(event.facts["source"]), event.at)
        if event.kind in ("live", "handed_over"):
            stop(event.seat_id, event.at)
            live[event.seat_id] = str(event.facts["language"]), event.at
        elif event.kind in ("resting", *DEPARTURE_KINDS):
            stop(event.seat_id, event.at)
    for seat_id in list(live):
        stop(seat_id, until)
    return {
        seat_id: {tag: round(seconds) for tag, seconds in each.items()}
        for seat_id, each in totals.items()
    }


def _format_instant(at: datetime | None) -> str | None:
    return at.isoformat() if at else None
