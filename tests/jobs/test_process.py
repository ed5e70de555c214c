"""``python -m app.jobs``, the real process, on a real database with real handlers."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from app.cases import service as cases
from app.core.outbox import Job
from app.core.permissions import Role
from app.jobs import queries
from app.notifications.models import Notice
from tests.jobs.conftest import until
from tests.people import a_person, an_accepted_case
from tests.processes import House, Process


@pytest.mark.late
def test_it_tells_people_what_happened_and_ends_in_order(settings, database, tmp_path: Path):
    house = House(tmp_path, settings.database_url, extra={"VERBOSE": "1"})
    process = Process(
        "jobs", [sys.executable, "-m", "app.jobs"], house.environment(1), tmp_path / "jobs.log"
    )
    process.start()
    try:
        until(lambda: alive(database), within=30)
        with database.unit_of_work() as session:
            patient = a_person(session, Role.PATIENT, name="Amal Hassan", language="ar")
            office = a_person(session, Role.COORDINATOR)
            doctor = a_person(session, Role.SPECIALIST, specialties=["oncology"])
            case = an_accepted_case(session, patient, office, doctor)
            cases.notify_people(session, "opinion_released", case, [patient.id])
        until(lambda: told(database, patient.id, "opinion_released"), within=5)
        until(lambda: not unfinished(database), within=5)
        process.popen.send_signal(signal.SIGTERM)
        assert process.popen.wait(8) == 0
    finally:
        process.stop()
    log = process.log.read_text()
    assert "Job done." in log and "Jobs stopped." in log
    for word in ("Amal", "lump", "oncology", "surgery", patient.email):
        assert word not in log
    assert not alive(database)


def alive(database) -> bool:
    with database.unit_of_work() as session:
        return queries.is_any_runner_alive(session)


def told(database, person_id: str, kind: str) -> bool:
    with database.unit_of_work() as session:
        return (
            session.scalar(
                select(Notice.id).where(Notice.person_id == person_id, Notice.kind == kind)
            )
            is not None
        )


def unfinished(database) -> list[Job]:
    with database.unit_of_work() as session:
        return list(session.scalars(select(Job).where(Job.finished_at.is_(None))))
