"""Reads of consults, already filtered by who may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.cases import queries as cases
from app.cases.models import Case
from app.cases.policy import can_read_file, can_run_office
from app.cases.states import CaseStage
from app.cases.visibility import is_office_case
from app.consults import policy
from app.consults.interpreting.channels import get_base_language
from app.consults.models import (
    Caption,
    ChatChannel,
    ChatMessage,
    Consult,
    ConsultEvent,
    ConsultState,
    Seat,
)
from app.consults.recording.models import Recording
from app.core.clock import now
from app.core.errors import Forbidden, NotFound
from app.identity.models import Person
from app.records.models import Record
from app.scheduling.matching.queries import list_credentials_free_during
from app.scheduling.models import Booking, BookingState, Qualification

CONSULT_OPENS_BEFORE = timedelta(minutes=15)
CONSULT_CLOSES_AFTER = timedelta(hours=2)
MAX_CHAT_MESSAGES_PER_READ = 500
STAGES_BEFORE_BOOKING = frozenset(
    {CaseStage.DRAFT, CaseStage.SUBMITTED, CaseStage.TRIAGE, CaseStage.RECORDS_REQUESTED}
)


@dataclass(frozen=True)
class BookedConsult:
    """A booked meeting as its people see it; the consult itself is made when the first of them
    comes.
    """

    booking: Booking
    consult: Consult | None

    @property
    def opens_at(self) -> datetime:
        return (
            self.consult.opens_at if self.consult else self.booking.starts_at - CONSULT_OPENS_BEFORE
        )

    @property
    def closes_at(self) -> datetime:
        return (
            self.consult.closes_at
            if self.consult
            else self.booking.starts_at + CONSULT_CLOSES_AFTER
        )

    @property
    def is_live(self) -> bool:
        return self.consult is not None and self.consult.state == ConsultState.LIVE

    @property
    def is_open(self) -> bool:
        """Whether one can go in at this moment."""
        return self.consult.is_open if self.consult else self.opens_at <= now() < self.closes_at

    @property
    def is_over(self) -> bool:
        return self.consult.is_over if self.consult else now() >= self.closes_at


def find_booked_consult(session: Session, case_id: str) -> BookedConsult | None:
    """The latest confirmed meeting of a case, whether it lies ahead or behind."""
    booking = session.scalars(
        _select_bookings_with_people()
        .where(Booking.case_id == case_id, Booking.state == BookingState.CONFIRMED)
        .order_by(Booking.starts_at.desc())
        .limit(1)
    ).first()
    return _load_booked_consult(session, booking) if booking else None


def find_booked_consults(session: Session, found: Sequence[Case]) -> dict[str, BookedConsult]:
    """The latest confirmed meeting of each of the cases, by case, in two queries."""
    ids = [case.id for case in found if case.stage not in STAGES_BEFORE_BOOKING]
    if not ids:
        return {}
    rows = session.execute(
        select(Booking, Consult)
        .outerjoin(Consult, Consult.booking_id == Booking.id)
        .options(selectinload(Booking.engagements))
        .where(Booking.case_id.in_(ids))
    ).all()
    # Sifted and sorted here: asked for the state, SQLite would walk through every confirmed meeting
    # there ever was.
    return {
        booking.case_id: BookedConsult(booking, consult)
        for booking, consult in sorted(rows, key=lambda row: row[0].starts_at)
        if booking.is_confirmed
    }


def get_consult(session: Session, person: Person, consult_id: str) -> Consult:
    """The consult with its seats and people, for somebody with a seat or the office. Raises
    ``NotFound``, ``Forbidden``.
    """
    consult = session.scalars(_select_consults().where(Consult.id == consult_id)).first()
    if consult is None:
        raise NotFound()
    if not policy.can_take_seat(person, consult) or not can_stay_in_consult(
        session, person, consult
    ):
        raise Forbidden()
    return consult


def can_stay_in_consult(session: Session, person: Person, consult: Consult) -> bool:
    """Whether the case is still open to the person: it no longer is to somebody who was replaced,
    or whose time is over. The coordinators of the case come to its consults.
    """
    return (
        is_office_case(person, consult.case)
        or cases.find_membership(session, person, consult.case_id) is not None
    )


def list_callable_credentials(session: Session, consult: Consult) -> list[Qualification]:
    """Of interpreters who could be called into this consult and have no seat in it."""
    seated = [seat.person_id for seat in consult.present_seats]
    return list_credentials_free_during(session, consult.booking, leaving_out=seated)


def find_consult_id_of_guest(session: Session, person: Person) -> str | None:
    """The id of the consult that a guest was invited to."""
    return session.scalar(
        select(Seat.consult_id).where(Seat.person_id == person.id, Seat.removed_at.is_(None))
    )


def find_consult_of_booking(session: Session, booking_id: str) -> Consult | None:
    return session.scalars(_select_consults().where(Consult.booking_id == booking_id)).first()


def lock_consult(session: Session, consult_id: str) -> Consult:
    """The consult, held by this transaction against all others that change it."""
    session.execute(select(Consult.id).where(Consult.id == consult_id).with_for_update())
    return session.scalars(
        _select_consults().where(Consult.id == consult_id).execution_options(populate_existing=True)
    ).one()


def find_seat_of_socket(session: Session, sid: str) -> Seat | None:
    return session.scalars(select(Seat).where(Seat.sid == sid)).first()


def list_chat_messages(
    session: Session,
    consult_id: str,
    after: int = 0,
    channel: ChatChannel = ChatChannel.EVERYONE,
) -> list[ChatMessage]:
    """The lines of a channel after number ``after``, oldest first, at most
    ``MAX_CHAT_MESSAGES_PER_READ``.
    """
    return list(
        session.scalars(
            select(ChatMessage)
            .options(joinedload(ChatMessage.seat).joinedload(Seat.person))
            .where(
                ChatMessage.consult_id == consult_id,
                ChatMessage.channel == channel,
                ChatMessage.number > after,
            )
            .order_by(ChatMessage.number)
            .limit(MAX_CHAT_MESSAGES_PER_READ)
        )
    )


def list_chat_of_case(session: Session, person: Person, case: Case) -> list[ChatMessage]:
    """What was written in the consults of a case, for those who may read the case's file and the
    office.
    """
    if not (
        can_read_file(person, case, cases.find_membership(session, person, case.id))
        or can_run_office(person, case)
    ):
        return []
    return list(
        session.scalars(
            select(ChatMessage)
            .options(joinedload(ChatMessage.seat).joinedload(Seat.person))
            .where(ChatMessage.case_id == case.id, ChatMessage.channel == ChatChannel.EVERYONE)
            .order_by(ChatMessage.at, ChatMessage.number)
        )
    )


def list_captions(session: Session, consult_id: str, language: str) -> list[Caption]:
    """What was typed for those who read ``language``, oldest first."""
    return list(
        session.scalars(
            select(Caption)
            .where(
                Caption.consult_id == consult_id, Caption.language == get_base_language(language)
            )
            .order_by(Caption.number)
        )
    )


def find_recording_of_record(session: Session, record: Record) -> Recording | None:
    """The recording that was made this record of the case, where it is one."""
    return session.scalars(select(Recording).where(Recording.record_id == record.id)).first()


def list_consult_events(session: Session, consult_id: str) -> list[ConsultEvent]:
    return list(
        session.scalars(
            select(ConsultEvent)
            .where(ConsultEvent.consult_id == consult_id)
            .order_by(ConsultEvent.at, ConsultEvent.id)
        )
    )


def _load_booked_consult(session: Session, booking: Booking) -> BookedConsult:
    return BookedConsult(
        booking, session.scalars(select(Consult).where(Consult.booking_id == booking.id)).first()
    )


def _select_bookings_with_people():  # type: ignore[no-untyped-def]
    return select(Booking).options(
        joinedload(Booking.patient),
        joinedload(Booking.specialist),
        joinedload(Booking.interpreter),
        joinedload(Booking.second_interpreter),
        joinedload(Booking.case),
    )


def _select_consults():  # type: ignore[no-untyped-def]
    return select(Consult).options(
        joinedload(Consult.booking),
        joinedload(Consult.case),
        selectinload(Consult.seats).joinedload(Seat.person),
    )
