"""The verbs of interpretation: modes, channels, hand-over, listening, signals, the guard over a
lost interpreter.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from app.consults import policy
from app.consults.interpreting.channels import Mode, Voice, base, is_interrupted, same_language
from app.consults.models import Consult, Seat
from app.consults.room.timeline import remember
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import Role
from app.core.text import N_

NO_PAIR = N_("You are not booked here to interpret into this language.")


class Signal(StrEnum):
    """What anybody may ask of whoever speaks, with one tap."""

    SLOWER = "slower"
    REPEAT = "repeat"
    EXPLAIN = "explain"


# ---------------------------------------------------------------- modes and channels


def set_mode(session: Session, by: Seat, mode: Mode) -> None:
    """Turns the consult to speaking in turn, or to interpretation while somebody speaks."""
    if not policy.can_set_mode(by):
        raise Forbidden(
            N_(
                "The doctor, the interpreter or the international office chooses how you are"
                " interpreted."
            )
        )
    consult = by.consult
    if consult.mode == mode:
        return
    if mode == Mode.SIMULTANEOUS and not interpreters(consult):
        raise Conflict(N_("An interpreter has to be in the consultation first."))
    consult.mode = mode
    for seat in consult.present_seats:
        seat.live_on, seat.handing_over = None, False
    remember(session, consult, "mode", by, mode=str(mode))
    for seat in interpreters(consult):
        begin(session, seat)


def begin(session: Session, seat: Seat) -> None:
    """Gives an interpreter who comes in a free channel, so that nobody has to think of it; a
    partner rests.
    """
    consult = seat.consult
    if consult.mode != Mode.SIMULTANEOUS or not seat.pair or seat.live_on:
        return
    if any(
        other is not seat and other.live_on and _same_pair(other, seat)
        for other in _at_work(consult)
    ):
        return
    free = next((tag for tag in seat.pair if _holder(consult, tag) is None), None)
    if free:
        _go_live(session, seat, free)


def take_channel(session: Session, seat: Seat, language: str) -> None:
    """Puts the interpreter's microphone on a language. Raises `Invalid` without the pair,
    `Conflict` when the channel is another's.
    """
    if not policy.can_interpret(seat, language):
        raise Invalid(NO_PAIR, field="language")
    if seat.consult.mode != Mode.SIMULTANEOUS:
        raise Conflict(
            N_("In this mode everyone hears you. The switch is for simultaneous interpretation.")
        )
    holder = _holder(seat.consult, language)
    if holder is not None and holder is not seat:
        raise Conflict(
            N_("%(name)s is interpreting into this language. Ask for a hand-over."),
            name=holder.person.name,
        )
    for other in (
        seat.consult.present_seats
    ):  # one whose line is lost finds the channel taken when they come back
        if other is not seat and other.live_on and same_language(other.live_on, language):
            other.live_on = None
    _go_live(session, seat, language)


def rest(session: Session, seat: Seat) -> None:
    """Takes the interpreter's microphone off its channel."""
    if seat.live_on:
        remember(session, seat.consult, "resting", seat, language=base(seat.live_on))
    seat.live_on, seat.handing_over = None, False


def offer_hand_over(session: Session, seat: Seat, *, offered: bool = True) -> list[Seat]:
    """Offers the channel to the partners, or takes the offer back. Returns who may accept."""
    if offered and not seat.live_on:
        raise Conflict(
            N_("You are not interpreting at this moment, so there is nothing to hand over.")
        )
    partners = [
        other
        for other in interpreters(seat.consult)
        if other is not seat and seat.live_on and policy.can_interpret(other, seat.live_on)
    ]
    if offered and not partners:
        raise Conflict(N_("No other interpreter of this language is here to take over."))
    seat.handing_over = offered
    return partners


def accept_hand_over(session: Session, seat: Seat, giver_id: str) -> Seat:
    """The partner takes the channel over; returns the seat that gave it."""
    giver = next((one for one in seat.consult.present_seats if one.id == giver_id), None)
    if giver is None or giver is seat:
        raise NotFound(N_("This person is not in this consultation."))
    if not giver.handing_over or not giver.live_on:
        raise Conflict(N_("This hand-over is no longer offered."))
    language = giver.live_on
    if not policy.can_interpret(seat, language):
        raise Invalid(NO_PAIR, field="language")
    giver.live_on, giver.handing_over = None, False
    seat.live_on = base(language)
    remember(session, seat.consult, "handed_over", seat, source=giver.id, language=base(language))
    return giver


# ---------------------------------------------------------------- listening


def set_listening(
    session: Session, seat: Seat, *, listens: str | None = None, gain: float | None = None
) -> None:
    """In which language somebody listens, and how loud they want the original beneath the
    interpreter (0 to 1).
    """
    if gain is not None:
        if not 0 <= gain <= 1:
            raise Invalid(N_("Choose a loudness between silent and full."), field="gain")
        seat.original_gain = gain
    if listens is not None and not same_language(listens, seat.listens):
        if base(listens) not in {base(tag) for tag in languages(seat.consult)} | {
            base(seat.person.language)
        }:
            raise Invalid(
                N_("Nobody in this consultation speaks or interprets into this language."),
                field="listens",
            )
        seat.listens = base(listens)
        remember(session, seat.consult, "listens", seat, language=base(listens))


def languages(consult: Consult) -> list[str]:
    """Every language that is spoken or interpreted here, each once."""
    found: dict[str, None] = {}
    for seat in consult.present_seats:
        for tag in seat.pair or [seat.speaks]:
            found[base(tag)] = None
    return list(found)


def raise_signal(session: Session, seat: Seat, signal: Signal) -> None:
    """Asks whoever speaks; the count goes to the record of the meeting."""
    if not seat.is_in_room:
        raise Conflict(N_("You can ask the others once you have been let in."))
    remember(session, seat.consult, "signal", seat, signal=str(signal))


# ---------------------------------------------------------------- the guard over the interpreter's
# line


def watch_line(seat: Seat, *, is_heard: bool, since: timedelta | None = None) -> None:
    """Notes that nothing has come from the seat (`since` so long), or that it is back."""
    if is_heard:
        seat.lost_at = None
    elif seat.lost_at is None:
        seat.lost_at = now() - (since or timedelta(0))


def settle(session: Session, consult: Consult) -> bool:
    """Pauses the meeting when an interpreter's absence cuts people off from one another, and
    resumes it when that is over. The clinical clock stands still meanwhile. True when something
    changed.
    """
    interrupted = consult.started_at is not None and is_interrupted(voices(consult))
    if interrupted and consult.paused_at is None:
        consult.paused_at = now()
        remember(session, consult, "paused", None)
        return True
    if not interrupted and consult.paused_at is not None:
        consult.paused_seconds += (now() - consult.paused_at).total_seconds()
        consult.paused_at = None
        remember(session, consult, "resumed", None)
        return True
    return False


def voices(consult: Consult) -> list[Voice]:
    """Everyone in the room, and the interpreters who have been there and are expected back."""
    return [
        seat.voice
        for seat in consult.present_seats
        if seat.is_in_room or (seat.pair and seat.joined_at)
    ]


def interpreters(consult: Consult) -> list[Seat]:
    """The interpreters in the room."""
    return [
        seat
        for seat in consult.present_seats
        if seat.pair and seat.is_in_room and seat.role == Role.INTERPRETER
    ]


# ---------------------------------------------------------------- within


def _at_work(consult: Consult) -> list[Seat]:
    return [seat for seat in interpreters(consult) if not seat.is_lost]


def _holder(consult: Consult, language: str) -> Seat | None:
    return next(
        (
            seat
            for seat in _at_work(consult)
            if seat.live_on and same_language(seat.live_on, language)
        ),
        None,
    )


def _same_pair(one: Seat, other: Seat) -> bool:
    return {base(tag) for tag in one.pair or ()} == {base(tag) for tag in other.pair or ()}


def _go_live(session: Session, seat: Seat, language: str) -> None:
    if seat.live_on and same_language(seat.live_on, language):
        return
    seat.live_on, seat.handing_over = base(language), False
    remember(session, seat.consult, "live", seat, language=base(language))
