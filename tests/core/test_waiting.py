"""SQLite has one write lock: who wants it waits in turn, and is told in the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from app.core import db
from app.core.db import Database


@pytest.fixture
def lent(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path}/lock.db")
    with database.unit_of_work() as session:
        session.execute(text("CREATE TABLE acts (writer INTEGER)"))
    yield database
    database.close()


def test_who_comes_second_waits_until_the_first_is_done(lent: Database):
    with lent.sessions() as first:
        first.execute(text("INSERT INTO acts VALUES (1)"))
        threading.Timer(0.3, first.commit).start()
        began = time.monotonic()
        with lent.unit_of_work() as second:
            assert second.execute(text("SELECT count(*) FROM acts")).scalar() == 1
        assert time.monotonic() - began > 0.2


def test_who_waits_in_vain_is_told(lent: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(db, "WRITE_LOCK_TIMEOUT_SECONDS", 0.2)
    with lent.sessions() as first, pytest.raises(OperationalError, match="locked"):
        first.execute(text("INSERT INTO acts VALUES (1)"))
        with lent.unit_of_work() as second:
            second.execute(text("SELECT 1"))


def test_nobody_is_overtaken_for_ever(lent: Database):
    """Eight writers without a pause: each gets its share, none waits until its time is over."""
    until = time.monotonic() + 1.5

    def write(number: int) -> None:
        while time.monotonic() < until:
            with lent.unit_of_work() as session:
                session.execute(text("INSERT INTO acts VALUES (:number)"), {"number": number})
                time.sleep(0.002)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(8)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    with lent.sessions() as session:
        shares = session.execute(text("SELECT count(*) FROM acts GROUP BY writer")).scalars().all()
    assert len(shares) == 8 and min(shares) * 8 > sum(shares) / 8
