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
        ("object_kind", "person"),
        ("object_id", "d" * 32),
        ("case_id", "d" * 32),
        ("previous_hash", "0" * 64),
        ("hash", "0" * 64),
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


def test_an_entry_with_a_later_number_shows(any_database):
    write(any_database, 3)
    with any_database.unit_of_work() as session:
        session.execute(text("UPDATE audit_entries SET number = 9 WHERE number = 3"))
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at == 3


@pytest.mark.parametrize("fact, value", [("previous_hash", "f" * 64), ("number", 2)])
def test_a_chain_that_begins_elsewhere_shows(any_database, fact, value):
    """Written anew with a right hash, but not as the beginning of the chain."""
    write(any_database, 1)
    with any_database.unit_of_work() as session:
        entry = session.get(AuditEntry, 1)
        setattr(entry, fact, value)
        entry.hash = entry.digest()
    with any_database.sessions() as session:
        assert verify_audit_chain(session).broken_at == 1


@pytest.mark.parametrize("head", ["earlier", "latest", "none"])
def test_any_head_that_was_exported_before_is_found(any_database, head):
    with any_database.sessions() as session:
        heads = {"none": verify_audit_chain(session).head}
    for name in ("earlier", "latest"):
        write(any_database, 2)
        with any_database.sessions() as session:
            heads[name] = verify_audit_chain(session).head
    with any_database.sessions() as session:
        report = verify_audit_chain(session, heads[head])
        assert (report.entries, report.broken_at) == (4, None)
        assert verify_audit_chain(session, "e" * 64).broken_at == 5


def test_the_command_says_that_the_chain_holds(app, database):
    write(database, 3)
    with database.sessions() as session:
        head = verify_audit_chain(session).head
    for arguments in ([], ["--head", head]):
        answer = app.test_cli_runner().invoke(args=["audit", "verify", *arguments])
        assert answer.exit_code == 0
        assert answer.output == f"The audit trail is intact: 3 entries, head {head}.\n"


def test_the_command_fails_where_the_chain_was_changed(app, database):
    write(database, 3)
    with database.unit_of_work() as session:
        session.execute(text("UPDATE audit_entries SET actor_id = 'x' WHERE number = 2"))
    answer = app.test_cli_runner().invoke(args=["audit", "verify"])
    assert answer.exit_code == 1
    assert answer.output == "The audit trail is broken at entry 2.\n"


def test_the_command_fails_where_the_tail_was_cut_off(app, database):
    write(database, 3)
    with database.sessions() as session:
        head = verify_audit_chain(session).head
    with database.unit_of_work() as session:
        session.execute(text("DELETE FROM audit_entries WHERE number = 3"))
    assert app.test_cli_runner().invoke(args=["audit", "verify"]).exit_code == 0
    answer = app.test_cli_runner().invoke(args=["audit", "verify", "--head", head])
    assert (answer.exit_code, answer.output) == (1, "The audit trail is broken at entry 3.\n")


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
        settings=SimpleNamespace(data_dir=tmp_path, is_demo=False),
        blobs=None,
        database=any_database,
    )
    with any_database.unit_of_work() as session:
        HANDLERS["export_audit_head"](session, {}, context)
    _at, number, head = (tmp_path / AUDIT_HEADS_FILE_NAME).read_text().split()
    assert number == "3"
    with any_database.unit_of_work() as session:
        session.execute(text("DELETE FROM audit_entries WHERE number = 3"))
    with any_database.sessions() as session:
        assert verify_audit_chain(session, head).broken_at == 3
