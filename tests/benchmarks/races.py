"""Ten thousand racing attempts by sixteen processes, on SQLite and on PostgreSQL: what came of
them, and how fast.

    ./consilium bench races [--attempts 10000]

Afterwards every claim and every booking is looked at: no overlap, no claim without its booking, no
hold that outlives its ten minutes. A process that meets a deadlock or a serialization failure which
is not retried ends with an error, and so does this. Last, on each database, fifty people press one
button at once with the index dropped: the harm that it prevents. Prints one JSON object last.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

from sqlalchemy import func, select, text

import app.jobs.models  # noqa: F401 - every table
from app.cases.models import Case
from app.core import crypto
from app.core.db import Base, Database
from app.core.errors import Conflict
from app.identity.models import Person
from app.scheduling.bookings import service
from app.scheduling.models import Claim
from tests import servers
from tests.concurrency.test_booking_processes import PROCESSES, race
from tests.processes import MASTER_KEYS
from tests.scheduling.clinic import a_clinic, another_case, next_noon

RIVALS = 50


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--attempts", type=int, default=10_000)
    attempts = parser.parse_args().attempts
    crypto.set_field_keyring(crypto.Keyring(MASTER_KEYS))
    os.environ.setdefault("CONSILIUM_MASTER_KEYS", MASTER_KEYS)
    figures: dict[str, Any] = {"benchmark": "races", "processes": PROCESSES, "attempts": attempts}
    for name in ("sqlite", "postgresql"):
        with _empty(name) as database:
            _say(f"{attempts} attempts on {name}")
            began = time.perf_counter()
            outcomes = race(
                database, attempts
            )  # raises where anything overlaps, is orphaned or outlives its time
            seconds = round(time.perf_counter() - began, 1)
            figures[name] = {"seconds": seconds, "outcomes": dict(sorted(outcomes.items()))}
        with _empty(name) as database:
            _say(f"without the index on {name}")
            figures[name]["without_the_index"] = _harm(database)
    kept = all(
        figures[name]["without_the_index"]["quarters_sold_twice"] > 0
        for name in ("sqlite", "postgresql")
    )
    figures["met"] = {
        "no_overlap_no_orphan_no_dead_hold": True,
        "harm_is_shown_without_the_index": kept,
    }
    print(json.dumps(figures))
    return 0 if kept else 1


@contextlib.contextmanager
def _empty(name: str) -> Iterator[Database]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        url = (
            f"sqlite:///{Path(folder)}/races.db"
            if name == "sqlite"
            else stack.enter_context(servers.postgresql())
        )
        database = Database(url)
        stack.callback(database.close)
        Base.metadata.create_all(database.engine)
        yield database


def _harm(database: Database) -> dict[str, int]:
    """Fifty cases want one specialist and one interpreter at one time, and nothing in the database
    says no.
    """
    with database.unit_of_work() as session:
        clinic = a_clinic(session)
        cases = [another_case(session, clinic) for _ in range(RIVALS)]
        wanted = [(case.id, case.patient_id) for case in cases]
        wish = clinic.wish(next_noon())
    with database.engine.begin() as connection:
        connection.execute(text("DROP INDEX ux_claims_person_quarter"))
    start = Barrier(RIVALS)

    def attempt(one: tuple[str, str]) -> bool:
        start.wait()
        try:
            with database.unit_of_work() as session:
                case, patient = session.get_one(Case, one[0]), session.get_one(Person, one[1])
                service.book_slot(session, patient, case, wish, form_token=one[0])
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(RIVALS) as pool:
        booked = sum(pool.map(attempt, wanted))
    with database.sessions() as session:
        doubled = session.execute(
            select(Claim.person_id)
            .group_by(Claim.person_id, Claim.quarter)
            .having(func.count() > 1)
        ).all()
    return {"booked": booked, "quarters_sold_twice": len(doubled)}


def _say(words: str) -> None:
    print(words, "…", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
