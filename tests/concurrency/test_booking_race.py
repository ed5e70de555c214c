"""Fifty people press the same button at once; and what would happen without the one index that
decides.
"""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from sqlalchemy import func, select, text

from app.cases.models import Case
from app.core.db import Database
from app.core.outbox import Job
from app.identity.models import Person
from app.scheduling.bookings import service
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.models import Booking, BookingState, Claim
from tests.scheduling.clinic import a_clinic, another_case, next_noon

pytestmark = pytest.mark.late
THREADS = 50


@dataclass(frozen=True)
class Rivals:
    """Fifty cases whose patients all want the same specialist and interpreter at the same time."""

    case_ids: list[str]
    wish: SlotRequest


@pytest.fixture
def rivals(any_database: Database) -> Rivals:
    with any_database.unit_of_work() as session:
        clinic = a_clinic(session)
        cases = [another_case(session, clinic) for _ in range(THREADS)]
        return Rivals([case.id for case in cases], clinic.wish(next_noon()))


def race(database: Database, rivals: Rivals) -> Counter[str]:
    """Everyone books at the same moment. How often each outcome came."""
    start = threading.Barrier(THREADS)

    def attempt(case_id: str) -> str:
        start.wait()
        try:
            with database.unit_of_work() as session:
                case = session.get_one(Case, case_id)
                patient = session.get_one(Person, case.patient_id)
                service.book_slot(
                    session, patient, case, rivals.wish, form_token=f"token-{case_id}"
                )
            return "booked"
        except SlotTaken:
            return "taken"

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(attempt, rivals.case_ids))


def test_exactly_one_wins_and_nothing_is_orphaned(any_database: Database, rivals: Rivals):
    assert race(any_database, rivals) == {"booked": 1, "taken": THREADS - 1}
    with any_database.sessions() as session:
        booking = session.scalars(select(Booking)).one()
        assert booking.state == BookingState.CONFIRMED
        claims = session.execute(
            select(Claim.person_id, Claim.quarter, Claim.booking_id, Claim.expires_at)
        ).all()
        assert {(p, q) for p, q, _, _ in claims} == {
            (p.id, q) for p in booking.people for q in booking.quarters
        }
        assert len(claims) == 9 and all(
            b == booking.id and until is None for _, _, b, until in claims
        )
        kinds = Counter(
            job.kind for job in session.scalars(select(Job)) if "booking_id" in str(job.payload)
        )
        assert (
            kinds["expire_hold"] == 0 and kinds["check_engagement"] == 0
        )  # the winner's hold was withdrawn
        scheduled = session.scalars(select(Case).where(Case.stage == "scheduled")).all()
        assert [case.id for case in scheduled] == [booking.case_id]


def test_without_the_index_the_same_hour_is_sold_many_times(any_database: Database, rivals: Rivals):
    """The harm that the index prevents: this is why no check before the insert could replace it."""
    with any_database.engine.begin() as connection:
        connection.execute(text("DROP INDEX ux_claims_person_quarter"))
    outcome = race(any_database, rivals)
    assert outcome["booked"] > 1
    with any_database.sessions() as session:
        doubled = session.execute(
            select(Claim.person_id)
            .group_by(Claim.person_id, Claim.quarter)
            .having(func.count() > 1)
        ).all()
        assert doubled


def test_one_person_in_two_tabs_makes_one_booking(any_database: Database, rivals: Rivals):
    """The same form, sent from many tabs at once, gives the same booking back to each."""
    case_id, start = rivals.case_ids[0], threading.Barrier(10)

    def attempt(_: int) -> str:
        start.wait()
        with any_database.unit_of_work() as session:
            case = session.get_one(Case, case_id)
            return service.book_slot(
                session, session.get_one(Person, case.patient_id), case, rivals.wish, "one form"
            ).id

    with ThreadPoolExecutor(10) as pool:
        assert len(set(pool.map(attempt, range(10)))) == 1
    with any_database.sessions() as session:
        assert session.scalar(select(func.count()).select_from(Claim)) == 9


def test_meetings_that_share_people_in_every_order_never_deadlock(any_database: Database):
    """Bookings that overlap in time and people, in all combinations: each ends booked or refused,
    none hangs.
    """
    with any_database.unit_of_work() as session:
        clinics = [a_clinic(session) for _ in range(3)]
        wishes = []
        for number in range(24):
            clinic = clinics[number % 3]
            case = another_case(session, clinic)
            wish = SlotRequest(
                next_noon(), clinic.specialist.id, clinics[number // 3 % 3].interpreter.id
            )
            wishes.append((case.id, case.patient_id, wish))
    start = threading.Barrier(len(wishes))

    def attempt(one: tuple[str, str, SlotRequest]) -> str:
        start.wait()
        try:
            with any_database.unit_of_work() as session:
                service.book_slot(
                    session,
                    session.get_one(Person, one[1]),
                    session.get_one(Case, one[0]),
                    one[2],
                    one[0],
                )
            return "booked"
        except SlotTaken:
            return "taken"

    with ThreadPoolExecutor(len(wishes)) as pool:
        outcome = Counter(pool.map(attempt, wishes))
    assert outcome["booked"] == 3 and sum(outcome.values()) == 24
