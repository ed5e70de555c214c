"""The chain of the audit: sealed with the act, and any change to it shows."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from sqlalchemy import text

from app.audit.jobs import AUDIT_HEADS_FILE_NAME, HANDLERS
from app.audit.models import AuditEntry
from app.audit.queries import verify_audit_chain
from app.audit.service import record_audit_entry
from app.cases.verbs import CaseAuditVerb
from app.core.outbox import JobContext


def write(database, count=1, actor="a" * 32):
    for _ in range(count):
        with database.unit_of_work() as session:
            record_audit_entry(
                session, actor, CaseAuditVerb.CASE_READ, "case", "c" * 32, "c" * 32, why="test"
            )


def test_entries_are_chained_and_the_chain_holds(any_database):
    write(any_database, 5)
    with any_database.sessions() as session:
        report = verify_audit_chain(session)
    assert (report.entries, report.broken_at) == (5, None)


def test_an_act_that_fails_leaves_no_entry(any_database):
    with pytest.raises(RuntimeError), any_database.unit_of_work() as session:
        record_audit_entry(session, None, CaseAuditVerb.CASE_READ, "case", "x")
        raise RuntimeError
    with any_database.sessions() as session:
        assert verify_audit_chain(session).entries == 0


@pytest.mark.parametrize(
    "column, value",
    [
        ("actor_id", "b" * 32),
        ("verb", "case.created"),
        ("origin", "elsewhere"),
        ("facts", '{"why": "another"}'),
        ("at", "2020-01-01 00:00:00.000000"),
    ],
)
def test_a_changed_entry_shows(any_database, column, value):
    write(any_database, 4)
    if column == "at":
        value = datetime(2020, 1, 1, tzinfo=UTC) if not any_database.is_sqlite else value
    with any_database.unit_of_work() as session:
        session.execute(
            text(f"UPDATE audit_entries SET {column} = :value WHERE number = 2"), {"value": value}
        )
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at == 2


def test_a_removed_entry_shows(any_database):
    write(any_database, 4)
    with any_database.unit_of_work() as session:
        session.execute(text("DELETE FROM audit_entries WHERE number = 3"))
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at == 3


def test_a_cut_tail_shows_against_the_exported_head(any_database):
    write(any_database, 3)
    with any_database.sessions() as session:
        head = verify_audit_chain(session).head
    with any_database.unit_of_work() as session:
        session.execute(text("DELETE FROM audit_entries WHERE number = 3"))
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at is None  # without the head nobody could tell
        assert verify_audit_chain(session, head).broken_at == 3


def test_a_rewritten_entry_with_its_own_hash_made_new_still_shows(any_database):
    write(any_database, 3)
    with any_database.unit_of_work() as session:
        entry = session.get(AuditEntry, 2)
        entry.actor_id = "b" * 32
        entry.hash = entry.digest()
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at == 3


def test_many_writers_make_one_chain(any_database):
    threads = [
        threading.Thread(target=write, args=(any_database, 10, f"{n:032x}")) for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with any_database.sessions() as session:
        report = verify_audit_chain(session)
    assert (report.entries, report.broken_at) == (80, None)


def test_the_head_is_exported_and_shows_a_cut_tail(any_database, tmp_path):
    write(any_database, 3)
    context = JobContext(
        settings=SimpleNamespace(data_dir=tmp_path), blobs=None, database=any_database
    )
    with any_database.unit_of_work() as session:
        HANDLERS["export_audit_head"](session, {}, context)
    _at, number, head = (tmp_path / AUDIT_HEADS_FILE_NAME).read_text().split()
    assert number == "3"
    with any_database.unit_of_work() as session:
        session.execute(text("DELETE FROM audit_entries WHERE number = 3"))
    with any_database.sessions() as session:
        assert verify_audit_chain(session, head).broken_at == 3
