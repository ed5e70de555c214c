"""Every home page and worklist with 20,000 cases in the database: queries a page, and the server's
time.

    ./consilium bench pages [--cases 20000] [--rounds 80]

Prints one JSON object last. Targets (issue 2): at most 12 queries a page, p95 under 60 ms on
SQLite.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from sqlalchemy import Engine, event, insert
from sqlalchemy.orm import Session

from app import create_app
from app.audit.models import GENESIS_HASH, AuditEntry
from app.cases.models import Case, CaseEvent, CaseMember, Question
from app.cases.specialties import SPECIALTIES
from app.cases.states import CaseMove, CaseStage
from app.core.clock import now
from app.core.db import Base
from app.core.ids import new_id
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.models import Booking, BookingState, Engagement, EngagementState
from config import Settings
from tests.people import PASSWORD, Visitor
from tests.processes import MASTER_KEYS, SECRET_KEY

MOST_QUERIES, SLOWEST_MS = 12, 60.0
STAGES = {
    CaseStage.DRAFT: 4,
    CaseStage.SUBMITTED: 5,
    CaseStage.TRIAGE: 7,
    CaseStage.RECORDS_REQUESTED: 8,
    CaseStage.ACCEPTED: 10,
    CaseStage.SCHEDULED: 8,
    CaseStage.CONSULTED: 5,
    CaseStage.OPINION_SIGNED: 3,
    CaseStage.RELEASED: 10,
    CaseStage.CLOSED: 33,
    CaseStage.DECLINED: 4,
    CaseStage.WITHDRAWN: 3,
}
ASSIGNED = (
    CaseStage.ACCEPTED,
    CaseStage.SCHEDULED,
    CaseStage.CONSULTED,
    CaseStage.OPINION_SIGNED,
    CaseStage.RELEASED,
    CaseStage.CLOSED,
)
MET = (
    CaseStage.SCHEDULED,
    CaseStage.CONSULTED,
    CaseStage.OPINION_SIGNED,
    CaseStage.RELEASED,
    CaseStage.CLOSED,
)
ENDED = (CaseStage.CLOSED, CaseStage.DECLINED, CaseStage.WITHDRAWN)


def main() -> int:
    asked = _arguments()
    with tempfile.TemporaryDirectory(prefix="consilium-bench-") as folder:
        app = create_app(
            Settings.load(
                mode="test", data_dir=Path(folder), secret_key=SECRET_KEY, master_keys=MASTER_KEYS
            )
        )
        database = app.extensions["database"]
        Base.metadata.create_all(database.engine)
        begun = time.monotonic()
        with database.unit_of_work() as session:
            people = fill(session, asked.cases, random.Random(7))
        print(f"{asked.cases} cases laid in {time.monotonic() - begun:.1f} s", file=sys.stderr)
        report = measure(app, people, asked.rounds)
        database.close()
    worst_queries = max(page["queries"] for page in report.values())
    worst_p95 = max(page["p95_ms"] for page in report.values())
    reached = worst_queries <= MOST_QUERIES and worst_p95 < SLOWEST_MS
    print(
        json.dumps(
            {
                "bench": "pages",
                "database": "sqlite",
                "cases": asked.cases,
                "rounds": asked.rounds,
                "pages": report,
                "worst": {"queries": worst_queries, "p95_ms": worst_p95},
                "target": {"queries": MOST_QUERIES, "p95_ms": SLOWEST_MS},
                "reached": reached,
            }
        )
    )
    return 0 if reached else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./consilium bench pages")
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=80)
    return parser.parse_args()


# --- measuring ---


def measure(app: Flask, people: dict[str, Person], rounds: int) -> dict[str, dict[str, Any]]:
    """Queries and milliseconds of each page, asked for through the whole application but without a
    network.
    """
    report: dict[str, dict[str, Any]] = {}
    visitors = {who: Visitor(app, person) for who, person in people.items()}
    for name, who, path in pages():
        visitor = visitors[who]
        for _ in range(3):
            answer = visitor.client.get(path)
            assert answer.status_code == 200, (name, answer.status_code)
        with counting(app.extensions["database"].engine) as count:
            visitor.client.get(path)
        clock, processor = zip(*(_milliseconds(visitor, path) for _ in range(rounds)), strict=True)
        report[name] = {
            "queries": count[0],
            "p50_ms": _share(clock, 0.5),
            "p95_ms": _share(clock, 0.95),
            "processor_p95_ms": _share(processor, 0.95),
            "kilobytes": len(answer.data) // 1000,
        }
        print(f"{name:34} {report[name]}", file=sys.stderr)
    return report


def pages() -> list[tuple[str, str, str]]:
    """Name, who asks, and the address of every home page and worklist."""
    return [
        ("patient's home", "patient", "/home"),
        ("specialist's home", "specialist", "/home"),
        ("interpreter's home", "interpreter", "/home"),
        ("administrator's home", "administrator", "/home"),
        ("auditor's home", "auditor", "/audit"),
        ("worklist", "coordinator", "/worklist"),
        ("worklist, page 2", "coordinator", "/worklist?page=2"),
        ("worklist, last page", "coordinator", "/worklist?page=99999"),
        ("worklist, new", "coordinator", "/worklist?stage=submitted"),
        ("worklist, meetings", "coordinator", "/worklist?stage=scheduled"),
        ("worklist, ended", "coordinator", "/worklist?stage=ended"),
        ("worklist, one specialty", "coordinator", "/worklist?specialty=oncology"),
        ("worklist, overdue", "coordinator", "/worklist?show=late"),
        ("worklist, without a specialist", "coordinator", "/worklist?show=specialist"),
        ("worklist, without an interpreter", "coordinator", "/worklist?show=interpreter"),
        ("worklist, by number", "coordinator", "/worklist?q=4711"),
    ]


@contextmanager
def counting(engine: Engine) -> Iterator[list[int]]:
    """Counts the statements sent to the database within the block, transaction control aside."""
    count = [0]

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        count[0] += not statement.startswith(("BEGIN", "SAVEPOINT", "RELEASE"))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield count
    finally:
        event.remove(engine, "before_cursor_execute", note)


def _milliseconds(visitor: Visitor, path: str) -> tuple[float, float]:
    """One visit, by the clock and by the processor (which a busy machine does not slow down as
    much).
    """
    clock, processor = time.perf_counter(), time.thread_time()
    visitor.client.get(path)
    return (time.perf_counter() - clock) * 1000, (time.thread_time() - processor) * 1000


def _share(times: Sequence[float], share: float) -> float:
    return round(sorted(times)[int(len(times) * share)], 1)


# --- filling ---


def fill(session: Session, number: int, chance: random.Random) -> dict[str, Person]:
    """People, cases at every stage, their members, questions, timelines, meetings, and an audit
    trail.
    """
    hashed = PasswordHasher().hash(PASSWORD)
    specialties = list(SPECIALTIES)
    specialists = [
        _person(Role.SPECIALIST, place, hashed, specialties=[specialties[place % len(specialties)]])
        for place in range(number // 300 or 1)
    ]
    interpreters = [
        _person(Role.INTERPRETER, place, hashed, language="ar", speaks=["en"])
        for place in range(number // 400 or 1)
    ]
    patients = [
        _person(
            Role.PATIENT,
            place,
            hashed,
            language=chance.choice(["ar", "es", "zh", "fr"]),
            country="MX",
        )
        for place in range(number // 2)
    ]
    others = {
        role: _person(role, 0, hashed)
        for role in (Role.COORDINATOR, Role.ADMINISTRATOR, Role.AUDITOR)
    }
    _put(session, Person, [*specialists, *interpreters, *patients, *others.values()])
    rows: dict[type[Base], list[dict[str, Any]]] = {
        kind: [] for kind in (Case, CaseMember, Question, CaseEvent, Booking, Engagement)
    }
    stages = chance.choices(list(STAGES), weights=list(STAGES.values()), k=number)
    for place, stage in enumerate(stages):
        patient = (
            patients[place % 12 and chance.randrange(len(patients))]
            if place < 120
            else patients[chance.randrange(len(patients))]
        )
        _case(
            rows,
            place,
            stage,
            patient,
            chance.choice(specialists),
            chance.choice(interpreters),
            chance,
        )
    for kind, made in rows.items():
        _put(session, kind, made)
    _put(session, AuditEntry, _trail(rows[Case], others[Role.COORDINATOR]["id"], 2 * number))
    picked = {
        "patient": patients[0],
        "specialist": specialists[0],
        "interpreter": interpreters[0],
        **{str(role): row for role, row in others.items()},
    }
    return {name: session.get_one(Person, row["id"]) for name, row in picked.items()}


def _person(role: Role, place: int, hashed: str, **facts: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "email": f"{role}{place}@bench.example",
        "name": f"{role.capitalize()} Nº {place}",
        "password": hashed,
        "role": str(role),
        "language": "en",
        "timezone": "Europe/Berlin",
        "country": "DE",
        "title": "",
        "specialties": [],
        "speaks": [],
        "active": True,
        "fs_uniquifier": new_id(),
        "created_at": now(),
        **facts,
    }


def _case(
    rows: dict[type[Base], list[dict[str, Any]]],
    place: int,
    stage: CaseStage,
    patient: dict[str, Any],
    specialist: dict[str, Any],
    interpreter: dict[str, Any],
    chance: random.Random,
) -> None:
    born = now() - timedelta(days=chance.uniform(0, 60))
    sent = None if stage == CaseStage.DRAFT else born
    complete = born + timedelta(days=3) if stage in ASSIGNED else None
    due = complete + timedelta(days=10) if complete else None
    written = chance.random() < 0.15
    case = {
        "id": new_id(),
        "number": f"C-{now().year}-{place:05d}",
        "patient_id": patient["id"],
        "stage": str(stage),
        "specialty": specialist["specialties"][0],
        "language": patient["language"],
        "story": "A story. " * 40,
        "written_only": written,
        "for_self": True,
        "created_at": born,
        "submitted_at": sent,
        "complete_at": complete,
        "due_at": due,
        "changed_at": born + timedelta(days=1),
        "needs_interpreter": not written if complete else None,
        "act_by": (
            None
            if stage in (*ENDED, CaseStage.DRAFT)
            else due or now() + timedelta(days=chance.uniform(-3, 9))
        ),
    }
    rows[Case].append(case)
    rows[Question] += [
        {"id": new_id(), "case_id": case["id"], "number": number, "text": "Is the diagnosis right?"}
        for number in (1, 2, 3)
    ]
    on_case = [(patient, Role.PATIENT)]
    if stage in ASSIGNED:
        on_case.append((specialist, Role.SPECIALIST))
    if stage == CaseStage.SCHEDULED and not written:
        on_case.append((interpreter, Role.INTERPRETER))
    rows[CaseMember] += [
        {
            "id": new_id(),
            "case_id": case["id"],
            "person_id": person["id"],
            "role": str(role),
            "since": born,
            "until": (
                born + timedelta(days=30) if stage in ENDED and role == Role.SPECIALIST else None
            ),
            "reason": "assigned",
        }
        for person, role in on_case
    ]
    moves = [CaseMove.SUBMIT, CaseMove.TRIAGE, CaseMove.ACCEPT, CaseMove.SCHEDULE, CaseMove.CONSULT]
    rows[CaseEvent] += [
        {
            "id": new_id(),
            "case_id": case["id"],
            "at": born + timedelta(days=day),
            "kind": str(move),
            "actor_id": patient["id"],
            "facts": {},
        }
        for day, move in enumerate(moves[: 2 + place % 4])
    ]
    if stage in MET and not written:
        _meeting(rows, case, patient, specialist, interpreter, stage == CaseStage.SCHEDULED, chance)


def _meeting(
    rows: dict[type[Base], list[dict[str, Any]]],
    case: dict[str, Any],
    patient: dict[str, Any],
    specialist: dict[str, Any],
    interpreter: dict[str, Any],
    ahead: bool,
    chance: random.Random,
) -> None:
    at = _quarter(now() + timedelta(days=chance.uniform(0.1, 30) * (1 if ahead else -1)))
    booking = {
        "id": new_id(),
        "case_id": case["id"],
        "patient_id": patient["id"],
        "specialist_id": specialist["id"],
        "interpreter_id": interpreter["id"],
        "needs_interpreter": True,
        "source": patient["language"],
        "target": "en",
        "mode": "consecutive",
        "starts_at": at,
        "length": 3,
        "state": str(BookingState.CONFIRMED),
        "form_token": new_id(),
        "sequence": 0,
        "offsets": {},
        "created_by": patient["id"],
        "created_at": at,
        "changed_at": at,
    }
    rows[Booking].append(booking)
    state = (
        EngagementState.PROPOSED if ahead and chance.random() < 0.3 else EngagementState.CONFIRMED
    )
    rows[Engagement].append(
        {
            "id": new_id(),
            "booking_id": booking["id"],
            "interpreter_id": interpreter["id"],
            "state": str(state),
            "rank": 0,
            "proposed_at": at,
            "answer_by": at,
        }
    )


def _trail(cases: list[dict[str, Any]], actor_id: str, number: int) -> list[dict[str, Any]]:
    """A chain that holds, about the cases."""
    previous, rows = GENESIS_HASH, []
    for place in range(1, number + 1):
        case_id = cases[place % len(cases)]["id"]
        entry = AuditEntry(
            number=place,
            at=now(),
            actor_id=actor_id,
            verb="case.read",
            object_kind="case",
            object_id=case_id,
            case_id=case_id,
            origin="127.0.0.1",
            facts={},
            previous_hash=previous,
        )
        previous = entry.digest()
        rows.append(
            {
                "number": place,
                "at": entry.at,
                "actor_id": actor_id,
                "verb": entry.verb,
                "object_kind": "case",
                "object_id": case_id,
                "case_id": case_id,
                "origin": entry.origin,
                "facts": {},
                "previous_hash": entry.previous_hash,
                "hash": previous,
            }
        )
    return rows


def _put(session: Session, kind: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(kind), rows)


def _quarter(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 15 * 15, second=0, microsecond=0)


if __name__ == "__main__":
    sys.exit(main())
