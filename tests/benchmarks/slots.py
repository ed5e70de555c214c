"""How fast the three-way search is, and how much faster than looking interval by interval.

A hospital of 500 specialists, 1,000 interpreters, 90 days and 100,000 claims in SQLite. Measured
are the real reads of ``app.scheduling.queries`` (matching, credentials, versions, calendars,
ranking), each in a session of its own, as a page would; the naive search is given its intervals
ready made. Prints one JSON object last. Times are of the processor, which on an idle machine is the
time of the clock too; ``*_clock`` figures are by the clock, whatever else there is.
"""

from __future__ import annotations

import gc
import json
import random
import statistics
import sys
import tempfile
import time
from bisect import bisect_right
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

import app.jobs.models  # noqa: F401 - every table
from app.cases.models import Case
from app.core import clock, crypto
from app.core.db import Base, Database
from app.core.ids import new_id
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability import diaries
from app.scheduling.matching import search
from app.scheduling.matching.queries import find_slots_for_case, gather_people_for_case
from app.scheduling.matching.slots import HOUR_COST, find_common_slots, iterate_set_bits
from app.scheduling.models import (
    AvailabilityWindow,
    Booking,
    BookingState,
    Claim,
    Diary,
    Qualification,
)
from app.scheduling.time.quarters import DAY_QUARTERS, Horizon, instant_of, quarter_of

SPECIALISTS, INTERPRETERS, DAYS, CLAIMS, LENGTH = 500, 1_000, 90, 100_000, 3
NOW = datetime(
    2026, 9, 7, 6, 0, tzinfo=UTC
)  # the 90 days hold the autumn changes of Europe and of America
ZONES = (
    "Europe/Berlin",
    "Europe/London",
    "Europe/Lisbon",
    "Europe/Athens",
    "America/New_York",
    "America/Chicago",
    "America/Los_Angeles",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/St_Johns",
    "Africa/Cairo",
    "Africa/Lagos",
    "Africa/Johannesburg",
    "Asia/Beirut",
    "Asia/Dubai",
    "Asia/Tehran",
    "Asia/Karachi",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Asia/Singapore",
    "Asia/Tokyo",
    "Australia/Sydney",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
)
TARGETS = {"any_any_ms": 40.0, "one_specialist_ms": 5.0, "build_all_s": 2.0, "times_faster": 50.0}


def main() -> int:
    crypto.set_field_keyring(crypto.Keyring(crypto.new_master_key("bench")))
    with tempfile.TemporaryDirectory() as folder, clock.freeze_clock(NOW):
        database = Database(f"sqlite:///{Path(folder)}/slots.db")
        Base.metadata.create_all(database.engine)
        _say("filling the database")
        fill(database, random.Random(20260907))
        figures = measure(database)
        database.close()
    figures["met"] = {
        "any_any_ms": figures["any_any_ms"] < TARGETS["any_any_ms"],
        "one_specialist_ms": figures["one_specialist_ms"] < TARGETS["one_specialist_ms"],
        "build_all_s": figures["build_all_s"] < TARGETS["build_all_s"],
        "times_faster": figures["times_faster"] >= TARGETS["times_faster"],
        "equal_to_naive": figures["equal_to_naive"],
    }
    print(json.dumps(figures))
    return 0 if all(figures["met"].values()) else 1


def fill(database: Database, chance: random.Random) -> None:
    """The people, their hours, their credentials, and their meetings, written in bulk."""
    people: list[dict[str, Any]] = []

    def somebody(role: Role, **facts: Any) -> str:
        number = len(people)
        people.append(
            {
                "id": new_id(),
                "email": f"p{number}@bench.example",
                "name": f"Person {number}",
                "password": "-",
                "role": role,
                "timezone": chance.choice(ZONES),
                "fs_uniquifier": new_id(),
                "language": "en",
                "specialties": [],
                "speaks": [],
            }
            | facts
        )
        return people[-1]["id"]

    patient = somebody(Role.PATIENT, language="ar", timezone="Africa/Cairo")
    specialists = [somebody(Role.SPECIALIST, specialties=["oncology"]) for _ in range(SPECIALISTS)]
    interpreters = [
        somebody(Role.INTERPRETER, language="ar", speaks=["en"]) for _ in range(INTERPRETERS)
    ]
    staff = [*specialists, *interpreters]
    zones = {one["id"]: one["timezone"] for one in people}
    windows = [
        _window(person_id, weekday, zones[person_id], chance)
        for person_id in staff
        for weekday in chance.sample(range(7), 5)
    ]
    with database.unit_of_work() as session:
        session.execute(insert(Person), people)
        session.execute(insert(AvailabilityWindow), windows)
        session.execute(
            insert(Diary), [{"person_id": person_id, "version": 1} for person_id in staff]
        )
        session.execute(
            insert(Qualification),
            [
                {
                    "person_id": person_id,
                    "source": "ar",
                    "target": "en",
                    "credential": "CHI",
                    "issuer": "",
                    "number": "",
                    "valid_until": (NOW + timedelta(days=chance.choice((30, 60, 400, 800)))).date(),
                }
                for person_id in interpreters
            ],
        )
        session.execute(
            insert(Case),
            [
                {
                    "id": new_id(),
                    "number": "C-2026-00001",
                    "patient_id": patient,
                    "specialty": "oncology",
                    "language": "ar",
                }
            ],
        )
    with database.unit_of_work() as session:
        _book(session, staff, patient, chance)


def _window(person_id: str, weekday: int, zone: str, chance: random.Random) -> dict[str, Any]:
    start = chance.randrange(28, 48)
    return {
        "id": new_id(),
        "person_id": person_id,
        "weekday": weekday,
        "start_minute": start * 15,
        "end_minute": (start + chance.randrange(16, 36)) * 15,
        "zone": zone,
    }


def _book(session: Session, staff: list[str], patient: str, chance: random.Random) -> None:
    """Meetings in people's own hours until the claims are spent."""
    case_id = session.query(Case.id).scalar()
    zones = {person.id: person.timezone for person in session.query(Person)}
    calendars = diaries.load_calendars(
        session, {person_id: zones[person_id] for person_id in staff}
    )
    bookings: list[dict[str, Any]] = []
    claims: list[dict[str, Any]] = []
    share = CLAIMS // LENGTH // len(staff) + 1
    for person_id in staff:
        calendar = calendars[person_id]
        open_quarters = list(iterate_set_bits(calendar.opened))
        taken: set[int] = set()
        for _ in range(share):
            first = chance.choice(open_quarters) + calendar.horizon.start
            quarters = range(first, first + LENGTH)
            if taken.intersection(quarters) or len(claims) >= CLAIMS:
                continue
            taken.update(quarters)
            bookings.append(
                {
                    "id": new_id(),
                    "case_id": case_id,
                    "patient_id": patient,
                    "specialist_id": person_id,
                    "source": "ar",
                    "target": "en",
                    "starts_at": instant_of(first),
                    "length": LENGTH,
                    "state": BookingState.CONFIRMED,
                    "form_token": new_id(),
                    "created_by": patient,
                }
            )
            claims += [
                {"person_id": person_id, "quarter": quarter, "booking_id": bookings[-1]["id"]}
                for quarter in quarters
            ]
    while len(claims) < CLAIMS:  # the collisions above left some over
        person_id, quarter = (
            chance.choice(staff),
            chance.randrange(quarter_of(NOW), quarter_of(NOW) + DAYS * DAY_QUARTERS),
        )
        claims.append({"person_id": person_id, "quarter": quarter, "booking_id": bookings[0]["id"]})
    session.execute(insert(Booking), bookings)
    unique = {(one["person_id"], one["quarter"]): one for one in claims}
    session.execute(insert(Claim), list(unique.values()))
    diaries.clear_calendar_cache()


def measure(database: Database) -> dict[str, Any]:
    first, last = NOW, NOW + timedelta(days=DAYS)
    with database.sessions() as session:
        case = session.query(Case).one()
        specialist = session.query(Person).filter_by(role=Role.SPECIALIST).first()
        staff = {
            one.id: one.timezone
            for one in session.query(Person).filter(Person.role != Role.PATIENT)
        }
        claims = session.query(Claim).count()

    def any_any(session: Session) -> Any:
        return find_slots_for_case(
            session, session.get_one(Case, case.id), first=first, last=last, limit=200
        )

    def one_specialist(session: Session) -> Any:
        return search.find_slots(
            session,
            patient=session.get_one(Person, case.patient_id),
            language="en",
            specialists=[session.get_one(Person, specialist.id)],
            first=first,
            last=last,
            limit=200,
        )

    def build(session: Session) -> Any:
        diaries.clear_calendar_cache()
        return diaries.load_calendars(session, staff)

    _say("building every calendar from the database")
    build_all, build_clock = _time(database, build, 5)
    _say("searching")
    _time(database, any_any, 2)
    any_any_times, any_any_clock = _time(database, any_any, 40)
    one_times, one_clock = _time(database, one_specialist, 40)
    found, arithmetic, naive_seconds, equal = _against_naive(database, case, first, last)
    return {
        "benchmark": "slots",
        "specialists": SPECIALISTS,
        "interpreters": INTERPRETERS,
        "days": DAYS,
        "claims": claims,
        "build_all_s": round(statistics.median(build_all), 3),
        "build_all_s_clock": round(statistics.median(build_clock), 3),
        "any_any_ms": round(statistics.median(any_any_times) * 1000, 2),
        "any_any_p95_ms": round(_p95(any_any_times) * 1000, 2),
        "any_any_ms_clock": round(statistics.median(any_any_clock) * 1000, 2),
        "one_specialist_ms": round(statistics.median(one_times) * 1000, 2),
        "one_specialist_ms_clock": round(statistics.median(one_clock) * 1000, 2),
        "every_slot_arithmetic_ms": round(arithmetic * 1000, 2),
        "slots_found": found,
        "naive_ms": round(naive_seconds * 1000, 1),
        "times_faster": round(naive_seconds / arithmetic, 1),
        "equal_to_naive": equal,
    }


def _against_naive(
    database: Database, case: Case, first: datetime, last: datetime
) -> tuple[int, float, float, bool]:
    """Both searches list every slot of the 90 days, ranked, from the same calendars."""
    horizon = Horizon.between(first, last)
    with database.sessions() as session:
        gathered = gather_people_for_case(session, session.get_one(Case, case.id), horizon)
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        fast = [
            (s.worst, s.total, s.quarter)
            for s in find_common_slots(horizon, LENGTH, gathered.patient, gathered.teams)
        ]
        best = min(best, time.process_time() - began)
    team = gathered.teams[0]
    ready = [
        [_intervals(one, horizon) for one in side]
        for side in ([gathered.patient], team.specialists, team.interpreters or [])
    ]
    _say("searching interval by interval")
    began = time.process_time()
    naive = naive_search(horizon, LENGTH, ready)
    return len(fast), best, time.process_time() - began, fast == naive


Intervals = tuple[list[int], list[int], list[int]]
"""A person's free intervals (starts, ends), and the cost of each quarter of the horizon in their
zone.
"""


def _intervals(person: Any, horizon: Horizon) -> Intervals:
    starts: list[int] = []
    ends: list[int] = []
    for index in iterate_set_bits(person.free):
        if ends and ends[-1] == index:
            ends[-1] = index + 1
        else:
            starts.append(index)
            ends.append(index + 1)
    return starts, ends, _costs(person.zone, horizon)


_known_costs: dict[str, list[int]] = {}


def _costs(zone: str, horizon: Horizon) -> list[int]:
    from zoneinfo import ZoneInfo

    if zone not in _known_costs:
        info = ZoneInfo(zone)
        _known_costs[zone] = [
            HOUR_COST[instant_of(q).astimezone(info).hour]
            for q in range(horizon.start, horizon.end)
        ]
    return _known_costs[zone]


def naive_search(
    horizon: Horizon, length: int, sides: list[list[Intervals]]
) -> list[tuple[int, int, int]]:
    """For every start, each person's intervals are searched; the cheapest of each side counts."""
    found: list[tuple[int, int, int]] = []
    for index in range(horizon.length - length + 1):
        costs: list[int] = []
        for side in sides:
            cheapest = None
            for starts, ends, prices in side:
                place = bisect_right(starts, index) - 1
                if place >= 0 and ends[place] >= index + length:
                    price = max(prices[index : index + length])
                    if cheapest is None or price < cheapest:
                        cheapest = price
            if cheapest is None:
                break
            costs.append(cheapest)
        else:
            found.append((max(costs), sum(costs), horizon.start + index))
    return sorted(found)


def _time(
    database: Database, act: Callable[[Session], Any], rounds: int
) -> tuple[list[float], list[float]]:
    """Seconds of each round, of the processor and by the clock, in a session of its own that is not
    counted.
    """
    processor: list[float] = []
    clock_: list[float] = []
    for _ in range(rounds):
        gc.collect()
        with database.sessions() as session:
            began, began_clock = time.process_time(), time.perf_counter()
            act(session)
            processor.append(time.process_time() - began)
            clock_.append(time.perf_counter() - began_clock)
    return processor, clock_


def _p95(values: list[float]) -> float:
    return sorted(values)[int(len(values) * 0.95)]


def _say(words: str) -> None:
    print(words, "…", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
