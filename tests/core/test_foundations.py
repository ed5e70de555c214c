"""Time, identifiers, columns and the unit of work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import String, text
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.columns import EncryptedText, Json, UtcDateTime
from app.core.db import Base
from app.core.ids import new_id
from app.core.outbox import Job, enqueue_job, withdraw_job


class Sample(Base):
    __tablename__ = "samples_of_the_tests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    secret: Mapped[str | None] = mapped_column(EncryptedText)
    facts: Mapped[dict | None] = mapped_column(Json)


@pytest.fixture
def samples(any_database):
    Sample.__table__.create(any_database.engine, checkfirst=True)
    return any_database


def test_a_naive_time_is_refused(samples):
    with pytest.raises(StatementError, match="naive"), samples.unit_of_work() as session:
        session.add(Sample(at=datetime(2026, 5, 4, 12)))
        session.flush()


def test_an_instant_comes_back_in_utc_whatever_zone_it_came_in(samples):
    local = datetime(2026, 5, 4, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))
    with samples.unit_of_work() as session:
        session.add(Sample(id="x", at=local))
    with samples.sessions() as session:
        kept = session.get(Sample, "x").at
    assert kept == local and kept.tzinfo is UTC


def test_secret_text_is_not_in_the_database_in_the_clear(samples):
    with samples.unit_of_work() as session:
        session.add(Sample(id="x", secret="سرطان الرئة"))
    with samples.sessions() as session:
        raw = bytes(session.execute(text("SELECT secret FROM samples_of_the_tests")).scalar_one())
        assert "سرطان".encode() not in raw
        assert session.get(Sample, "x").secret == "سرطان الرئة"


def test_documents_come_back_as_they_were(samples):
    facts = {"b": [1, 2, {"ü": None}], "a": True}
    with samples.unit_of_work() as session:
        session.add(Sample(id="x", facts=facts))
    with samples.sessions() as session:
        assert session.get(Sample, "x").facts == facts


def test_a_unit_of_work_that_fails_leaves_nothing(samples):
    with pytest.raises(RuntimeError), samples.unit_of_work() as session:
        session.add(Sample(id="x"))
        session.flush()
        raise RuntimeError
    with samples.sessions() as session:
        assert session.get(Sample, "x") is None


def test_a_job_with_a_key_is_queued_once_and_can_be_withdrawn(any_database):
    with any_database.unit_of_work() as session:
        assert enqueue_job(session, "mail", {"n": 1}, key="k") is not None
        assert enqueue_job(session, "mail", {"n": 2}, key="k") is None
    with any_database.unit_of_work() as session:
        assert withdraw_job(session, "k")
        assert not withdraw_job(session, "k")
    with any_database.sessions() as session:
        assert session.query(Job).count() == 0


def test_the_clock_is_utc_and_can_be_held():
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    with clock.freeze_clock(at):
        assert clock.now() == at
    assert clock.now().tzinfo is UTC and clock.now() != at


def test_identifiers_are_ordered_and_unguessable():
    first, second = new_id(), new_id()
    assert len({new_id() for _ in range(1000)}) == 1000
    assert first[:12] <= second[:12] and len(first) == 32 and first[12] == "7"
