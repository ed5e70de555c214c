"""Credentials: entered by the office, counted on the day of the meeting, and warned of before they
expire.
"""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.outbox import Job
from app.scheduling import jobs
from app.scheduling.availability.queries import qualifications_of
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.matching.queries import qualified_interpreters
from tests.scheduling.clinic import Clinic, an_interpreter, next_noon


def able(session: Session, source: str, target: str) -> list[str]:
    return [one.id for one in qualified_interpreters(session, source, target, next_noon().date())]


class TestPairs:
    def test_regions_do_not_part_people_and_the_nearest_dialect_is_asked_first(
        self, session: Session, clinic: Clinic
    ):
        egyptian = an_interpreter(session, clinic.coordinator, source="ar-EG")
        assert able(session, "ar-EG", "en-GB") == [egyptian.id, clinic.interpreter.id]
        assert able(session, "en", "ar") == able(session, "en", "ar")

    def test_one_way_is_one_way(self, session: Session, clinic: Clinic):
        one_way = an_interpreter(session, clinic.coordinator, source="es", both_ways=False)
        assert able(session, "es", "en") == [one_way.id] and able(session, "en", "es") == []

    def test_it_counts_through_its_last_day(self, session: Session, clinic: Clinic):
        last_day = an_interpreter(
            session, clinic.coordinator, source="es", valid_until=next_noon().date()
        )
        assert able(session, "es", "en") == [last_day.id]
        an_interpreter(
            session,
            clinic.coordinator,
            source="fr",
            valid_until=next_noon().date() - timedelta(days=1),
        )
        an_interpreter(
            session,
            clinic.coordinator,
            source="fr",
            valid_from=next_noon().date() + timedelta(days=1),
        )
        assert able(session, "fr", "en") == []

    def test_only_the_office_enters_and_ends_them(self, session: Session, clinic: Clinic):
        with pytest.raises(Forbidden):
            credentials.add_qualification(
                session,
                clinic.interpreter,
                clinic.interpreter,
                InterpreterCredential("ar", "de", "CHI"),
            )
        row = qualifications_of(session, clinic.interpreter)[0]
        with pytest.raises(Forbidden):
            credentials.end_qualification(session, clinic.interpreter, clinic.interpreter, row)
        credentials.end_qualification(session, clinic.coordinator, clinic.interpreter, row)
        assert able(session, "ar", "en") == []

    @pytest.mark.parametrize(
        "held",
        [
            InterpreterCredential("ar", "ar", "CHI"),
            InterpreterCredential("", "en", "CHI"),
            InterpreterCredential("arabic!", "en", "CHI"),
            InterpreterCredential("ar", "en", "diploma"),
            InterpreterCredential("ar", "en", "CHI", modes=()),
            InterpreterCredential("ar", "en", "CHI", modes=("whispered",)),
        ],
    )
    def test_what_cannot_be_a_credential(
        self, session: Session, clinic: Clinic, held: InterpreterCredential
    ):
        with pytest.raises(Invalid):
            credentials.add_qualification(session, clinic.coordinator, clinic.interpreter, held)


@pytest.mark.parametrize(
    "days, warned", [(61, False), (60, True), (59, False), (30, True), (7, True), (0, False)]
)
def test_holder_and_office_are_warned_once(
    session: Session, clinic: Clinic, days: int, warned: bool
):
    held = qualifications_of(session, clinic.interpreter)[0]
    held.valid_until = now().date() + timedelta(days=days)
    session.flush()
    for _ in range(2):
        jobs.warn_of_credential_expiry(session, {}, None)  # type: ignore[arg-type]
    told = [
        job.payload["person_id"]
        for job in session.scalars(select(Job))
        if job.payload.get("kind") == "credential_expiring"
    ]
    assert sorted(told) == sorted([clinic.interpreter.id, clinic.coordinator.id] if warned else [])
