"""The verbs of interpretation: modes, channels, hand-over, listening, signals, the guard over a
lost interpreter.
"""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum

from sqlalchemy.orm import Session

from app.consults import policy
from app.consults.interpreting.channels import (
    InterpretingMode,
    SeatVoice,
    get_base_language,
    is_anyone_cut_off,
    is_same_base_language,
)
from app.consults.models import Consult, Seat
from app.consults.room.timeline import record_consult_event
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import Role
from app.core.text import N_

NOT_LET_IN_YET = N_(
    "You have not been let into the consultation yet. Please wait. You do not need to do anything."
)
NOT_BOOKED_FOR_LANGUAGE = N_("You are not booked here to interpret into this language.")


class SpeakerSignal(StrEnum):
    """What anybody may ask of whoever speaks, with one tap."""

    SLOWER = "slower"
    REPEAT = "repeat"
    EXPLAIN = "explain"


# --- modes and channels ---


def set_interpreting_mode(session: Session, by: Seat, mode: InterpretingMode) -> None:
    """Switches between interpreting in turn and interpreting while somebody speaks.

    Raises ``Forbidden`` for who may not choose the mode, and ``Conflict`` when it takes an
    interpreter and none is in the room.
    """
    if not policy.can_set_interpreting_mode(by):
        raise Forbidden(
            N_(
                "The specialist, the interpreter or the international office chooses how"
                " the consultation is interpreted."
            )
        )
    require_seat_in_room(by)
    consult = by.consult
    if consult.mode == mode:
        return
    if mode == InterpretingMode.SIMULTANEOUS and not list_interpreters_in_room(consult):
        raise Conflict(N_("This is possible when an interpreter is in the consultation."))
    consult.mode = mode
    for seat in consult.present_seats:
        seat.live_on, seat.handing_over = None, False
    record_consult_event(session, consult, "mode", by, mode=str(mode))
    for seat in list_interpreters_in_room(consult):
        assign_free_channel(session, seat)


def assign_free_channel(session: Session, seat: Seat) -> None:
    """Puts an interpreter who comes in on a free channel of their pair. Where a partner of the same
    pair is on one already, the newcomer rests.
    """
    consult = seat.consult
    if consult.mode != InterpretingMode.SIMULTANEOUS or not seat.pair or seat.live_on:
        return
    if any(
        other is not seat and other.live_on and _is_same_pair(other, seat)
        for other in _list_connected_interpreters(consult)
    ):
        return
    free = next((tag for tag in seat.pair if _find_channel_holder(consult, tag) is None), None)
    if free:
        _put_on_channel(session, seat, free)


def take_channel(session: Session, seat: Seat, language: str) -> None:
    """Puts the interpreter's microphone on the channel of a language.

    Raises ``Invalid`` when the language is not of their pair, and ``Conflict`` in consecutive
    mode or when another interpreter holds the channel.
    """
    if not policy.can_interpret(seat, language):
        raise Invalid(NOT_BOOKED_FOR_LANGUAGE, field="language")
    require_seat_in_room(seat)
    if seat.consult.mode != InterpretingMode.SIMULTANEOUS:
        raise Conflict(
            N_(
                "In consecutive interpreting everyone hears you. You can choose a language only"
                " in simultaneous interpreting."
            )
        )
    holder = _find_channel_holder(seat.consult, language)
    if holder is not None and holder is not seat:
        raise Conflict(
            N_("%(name)s is interpreting into this language. Ask them to hand over."),
            name=holder.person.name,
        )
    for other in (
        seat.consult.present_seats
    ):  # one whose line is lost finds the channel taken when they come back
        if other is not seat and other.live_on and is_same_base_language(other.live_on, language):
            other.live_on = None
    _put_on_channel(session, seat, language)


def release_channel(session: Session, seat: Seat) -> None:
    """Takes the interpreter's microphone off its channel."""
    if seat.live_on:
        record_consult_event(
            session, seat.consult, "resting", seat, language=get_base_language(seat.live_on)
        )
    seat.live_on, seat.handing_over = None, False


def offer_hand_over(session: Session, seat: Seat, *, offered: bool = True) -> list[Seat]:
    """Offers the channel to the partners, or takes the offer back. Returns who may accept.

    Raises ``Conflict`` when the seat is on no channel or no partner is in the room.
    """
    require_seat_in_room(seat)
    if offered and not seat.live_on:
        raise Conflict(N_("You are not interpreting now, so there is nothing to hand over."))
    partners = [
        other
        for other in list_interpreters_in_room(seat.consult)
        if other is not seat and seat.live_on and policy.can_interpret(other, seat.live_on)
    ]
    if offered and not partners:
        raise Conflict(N_("No other interpreter for this language is here to take over."))
    seat.handing_over = offered
    return partners


def accept_hand_over(session: Session, seat: Seat, giver_id: str) -> Seat:
    """The partner takes over the channel. Returns the seat that gave it.

    Raises ``NotFound`` for a seat that is not here, ``Conflict`` when it offers nothing any
    more, and ``Invalid`` when the language is not of the partner's pair.
    """
    require_seat_in_room(seat)
    giver = next((one for one in seat.consult.present_seats if one.id == giver_id), None)
    if giver is None or giver is seat:
        raise NotFound(N_("This person is not in this consultation."))
    if not giver.handing_over or not giver.live_on:
        raise Conflict(N_("This offer to hand over has ended."))
    language = giver.live_on
    if not policy.can_interpret(seat, language):
        raise Invalid(NOT_BOOKED_FOR_LANGUAGE, field="language")
    giver.live_on, giver.handing_over = None, False
    seat.live_on = get_base_language(language)
    record_consult_event(
        session,
        seat.consult,
        "handed_over",
        seat,
        source=giver.id,
        language=get_base_language(language),
    )
    return giver


# --- listening ---


def set_listening(
    session: Session, seat: Seat, *, listens: str | None = None, gain: float | None = None
) -> None:
    """Sets the language in which somebody listens, and how loud they want the original beneath the
    interpreter: ``gain`` from 0 to 1. None leaves either as it is.

    Raises ``Invalid`` for another gain, and for a language that nobody here speaks or interprets.
    """
    if gain is not None:
        if not 0 <= gain <= 1:
            raise Invalid(N_("Choose a volume between silent and full."), field="gain")
        seat.original_gain = gain
    if listens is not None and not is_same_base_language(listens, seat.listens):
        if get_base_language(listens) not in {
            get_base_language(tag) for tag in list_consult_languages(seat.consult)
        } | {get_base_language(seat.person.language)}:
            raise Invalid(
                N_("Nobody in this consultation speaks this language or interprets into it."),
                field="listens",
            )
        seat.listens = get_base_language(listens)
        record_consult_event(
            session, seat.consult, "listens", seat, language=get_base_language(listens)
        )


def list_consult_languages(consult: Consult) -> list[str]:
    """Every language that is spoken or interpreted here, each once."""
    found: dict[str, None] = {}
    for seat in consult.present_seats:
        for tag in seat.pair or [seat.speaks]:
            found[get_base_language(tag)] = None
    return list(found)


def raise_signal(session: Session, seat: Seat, signal: SpeakerSignal) -> None:
    """Asks whoever speaks. The consultation's timeline counts it. Raises ``Conflict`` for somebody
    who has not been let in.
    """
    if not seat.is_in_room:
        raise Conflict(N_("You can ask the others when you have been let in."))
    record_consult_event(session, seat.consult, "signal", seat, signal=str(signal))


# --- the guard over the interpreter's connection ---


def note_seat_audibility(seat: Seat, *, is_heard: bool, since: timedelta | None = None) -> None:
    """Notes that nothing has come from the seat for ``since`` (0), or that it is heard again."""
    if is_heard:
        seat.lost_at = None
    elif seat.lost_at is None:
        seat.lost_at = now() - (since or timedelta(0))


def pause_or_resume_consult(session: Session, consult: Consult) -> bool:
    """Pauses the consultation while an interpreter's absence keeps people from understanding one
    another. Clinical time does not count meanwhile. Returns whether something changed.
    """
    interrupted = consult.started_at is not None and is_anyone_cut_off(
        list_expected_voices(consult)
    )
    if interrupted and consult.paused_at is None:
        consult.paused_at = now()
        record_consult_event(session, consult, "paused", None)
        return True
    if not interrupted and consult.paused_at is not None:
        consult.paused_seconds += (now() - consult.paused_at).total_seconds()
        consult.paused_at = None
        record_consult_event(session, consult, "resumed", None)
        return True
    return False


def require_seat_in_room(seat: Seat) -> None:
    """Raises ``Conflict`` for somebody who still waits to be let in: they change nothing inside."""
    if not seat.is_in_room:
        raise Conflict(NOT_LET_IN_YET)


def list_expected_voices(consult: Consult) -> list[SeatVoice]:
    """Everyone in the room, and the interpreters who have been there and are expected back."""
    return [
        seat.voice
        for seat in consult.present_seats
        if seat.is_in_room or (seat.pair and seat.joined_at)
    ]


def list_interpreters_in_room(consult: Consult) -> list[Seat]:
    """The interpreters in the room."""
    return [
        seat
        for seat in consult.present_seats
        if seat.pair and seat.is_in_room and seat.role == Role.INTERPRETER
    ]


# --- within ---


def _list_connected_interpreters(consult: Consult) -> list[Seat]:
    return [seat for seat in list_interpreters_in_room(consult) if not seat.is_lost]


def _find_channel_holder(consult: Consult, language: str) -> Seat | None:
    return next(
        (
            seat
            for seat in _list_connected_interpreters(consult)
            if seat.live_on and is_same_base_language(seat.live_on, language)
        ),
        None,
    )


def _is_same_pair(one: Seat, other: Seat) -> bool:
    return {get_base_language(tag) for tag in one.pair or ()} == {
        get_base_language(tag) for tag in other.pair or ()
    }


def _put_on_channel(session: Session, seat: Seat, language: str) -> None:
    if seat.live_on and is_same_base_language(seat.live_on, language):
        return
    seat.live_on, seat.handing_over = get_base_language(language), False
    record_consult_event(session, seat.consult, "live", seat, language=get_base_language(language))
