"""Attempts by sixteen processes at two days of three people: no overlap, no orphan, no dead hold.

The suite makes 800 of them; ``./consilium bench races`` makes ten thousand on each database.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import subprocess
import sys
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.cases.models import Case
from app.core import clock, crypto
from app.core.clock import now
from app.core.db import Database
from app.core.errors import Conflict
from app.identity.models import Person
from app.scheduling import queries
from app.scheduling.availability import diaries
from app.scheduling.bookings import service
from app.scheduling.bookings.claims import SlotTaken
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.models import Booking, BookingState, Claim
from tests.processes import MASTER_KEYS
from tests.scheduling.clinic import a_clinic, another_case, next_noon

PROCESSES, CASES = 16, 24
ATTEMPTS = int(os.environ.get("RACE_ATTEMPTS", "800"))


def attempts(url: str, seed: int, count: int) -> Counter[str]:
    """One process: it holds, books, moves and cancels whatever chance says, and counts what came of
    it.
    """
    crypto.set_field_keyring(crypto.Keyring(MASTER_KEYS))
    database, chance = Database(url), random.Random(seed)
    with database.sessions() as session:
        cases = [(case.id, case.patient_id) for case in session.scalars(select(Case)).all()]
        wish = session.scalars(select(Booking).order_by(Booking.id)).first()
        specialist, interpreter, start = wish.specialist_id, wish.interpreter_id, wish.starts_at
    outcomes: Counter[str] = Counter()
    for _ in range(count):
        case_id, patient_id = chance.choice(cases)
        at = start + timedelta(minutes=15 * chance.randrange(16), days=chance.randrange(1, 3))
        try:
            with database.unit_of_work() as session:
                outcomes[
                    _act(
                        session,
                        chance,
                        case_id,
                        patient_id,
                        SlotRequest(at, specialist, interpreter),
                    )
                ] += 1
        except SlotTaken:
            outcomes["taken"] += 1
        except Conflict:
            outcomes["conflict"] += 1
    database.close()
    return outcomes


def _act(session, chance: random.Random, case_id: str, patient_id: str, wish: SlotRequest) -> str:
    case, patient = session.get_one(Case, case_id), session.get_one(Person, patient_id)
    booked = queries.booking_of_case(session, case_id)
    if booked is not None and booked.starts_at > now():
        if chance.random() < 0.5:
            service.move_booking(session, patient, booked, wish.starts_at)
            return "moved"
        service.cancel_booking(session, patient, booked)
        return "cancelled"
    held = service.hold_slot(session, patient, case, wish, f"{chance.random()}")
    if chance.random() < 0.4:
        return "held"
    service.confirm_booking(session, patient, held)
    return "booked"


@pytest.mark.late
@pytest.mark.timeout(2400)
def test_attempts_by_sixteen_processes(any_database: Database):
    race(any_database, ATTEMPTS)


def race(any_database: Database, count: int) -> Counter[str]:
    """The processes at once, then every claim and booking looked at. How often each outcome
    came.
    """
    with any_database.unit_of_work() as session:
        clinic = a_clinic(session)
        for _ in range(CASES):
            another_case(session, clinic)
        # One meeting stands from the start; it also tells the processes whom and when to want.
        first = service.book_slot(
            session, clinic.patient, clinic.case, clinic.wish(next_noon()), "first"
        ).id
    url = any_database.engine.url.render_as_string(hide_password=False)
    command = [
        sys.executable,
        "-m",
        "tests.concurrency.test_booking_processes",
        url,
        str(count // PROCESSES),
    ]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], capture_output=True, text=True, timeout=2000
    )
    assert done.returncode == 0, done.stderr[-3000:]
    outcomes = Counter(json.loads(done.stdout))
    assert sum(outcomes.values()) == count // PROCESSES * PROCESSES
    assert outcomes["booked"] and outcomes["taken"] and outcomes["held"] and outcomes["cancelled"]
    with any_database.unit_of_work() as session:
        assert_whole(session)
        assert session.get_one(Booking, first)
        with clock.shift_clock(timedelta(minutes=11)):
            while service.expire_holds(session):
                pass
        assert not session.scalars(select(Booking).where(Booking.state == BookingState.HELD)).all()
        assert_whole(session)
    return outcomes


def assert_whole(session) -> None:
    """Claims and live bookings are the same thing, seen from two sides; and a calendar built anew
    agrees.
    """
    expected: Counter[tuple[str, int, str]] = Counter()
    live = session.scalars(
        select(Booking).where(Booking.state.in_((BookingState.HELD, BookingState.CONFIRMED)))
    )
    for booking in live:
        expected.update(
            (person.id, quarter, booking.id)
            for person in booking.people
            for quarter in booking.quarters
        )
    found = Counter(
        map(tuple, session.execute(select(Claim.person_id, Claim.quarter, Claim.booking_id)))
    )
    assert found == expected
    doubled = (
        select(func.count())
        .select_from(Claim)
        .group_by(Claim.person_id, Claim.quarter)
        .having(func.count() > 1)
    )
    assert session.execute(doubled).first() is None
    per_case = (
        select(Booking.case_id)
        .where(Booking.state == BookingState.CONFIRMED)
        .group_by(Booking.case_id)
    )
    assert session.execute(per_case.having(func.count() > 1)).first() is None
    diaries.clear_calendar_cache()


if __name__ == "__main__":
    # Forked from one that has imported everything and opened nothing: they begin together, and
    # soon.
    with multiprocessing.get_context("fork").Pool(PROCESSES) as pool:
        each = [(sys.argv[1], seed, int(sys.argv[2])) for seed in range(PROCESSES)]
        print(json.dumps(sum(pool.starmap(attempts, each, chunksize=1), Counter())))
