"""The database: one engine, one kind of session, one unit of work. SQLite and PostgreSQL behave
alike here.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

WRITE_LOCK_TIMEOUT_SECONDS = 60
"""Seconds that a transaction waits for SQLite's one write lock."""

CONSTRAINT_NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The base of all tables. It names constraints alike on every database."""

    metadata = MetaData(naming_convention=CONSTRAINT_NAMES)


class Database:
    """An engine and its sessions.

    On SQLite each transaction begins IMMEDIATE: a writer waits for its turn at the start instead of
    failing in the middle with a stale snapshot.
    """

    def __init__(self, url: str, *, connect_timeout_seconds: int | None = None) -> None:
        """``connect_timeout_seconds`` limits the wait for a PostgreSQL server that does not answer;
        without it the driver waits as long as the system does. SQLite has no use for it.
        """
        self.url = _with_driver(url)
        if self.url.startswith("sqlite"):
            _protect_sqlite_file(self.url)
            self.engine = create_engine(
                self.url, connect_args={"timeout": 30}, pool_size=20, max_overflow=100
            )
            _prepare_sqlite(self.engine)
        else:
            wait = (
                {}
                if connect_timeout_seconds is None
                else {"connect_timeout": connect_timeout_seconds}
            )
            self.engine = create_engine(
                self.url, connect_args=wait, pool_pre_ping=True, pool_size=10, max_overflow=100
            )
        self.sessions = sessionmaker(self.engine, expire_on_commit=False)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded database. PostgreSQL is the other one."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def unit_of_work(self) -> Generator[Session]:
        """A session that commits when the block ends well and rolls back when it does not."""
        with self.sessions() as session:
            try:
                yield session
                session.commit()
            except BaseException:
                session.rollback()
                raise

    def close(self) -> None:
        """Closes the pooled connections."""
        self.engine.dispose()


def count_rows(session: Session, condition: ColumnElement[bool]) -> int:
    """How many rows of the condition's table meet it."""
    return session.scalar(select(func.count()).where(condition)) or 0


def _with_driver(url: str) -> str:
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _protect_sqlite_file(url: str) -> None:
    """Makes the file, and what SQLite keeps beside it, readable by its owner only."""
    path = Path(url.partition("///")[2])
    if path.name and path.name != ":memory:" and path.parent.is_dir():
        with suppress(OSError):  # somebody else's file: SQLite will say whether it can be used
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            path.chmod(0o600)


def _prepare_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def on_connect(connection: sqlite3.Connection, _record: object) -> None:
        connection.isolation_level = None  # SQLAlchemy emits BEGIN itself, below
        for pragma in (
            "busy_timeout=30000",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            "busy_timeout=5",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        _begin_immediate(connection)


def _begin_immediate(connection: Connection) -> None:
    """Takes SQLite's one write lock, asking for it at the same pace however long it takes.

    SQLite itself asks less and less often, in the end ten times a second. With many writers, one
    that has waited long is overtaken again and again until its time is over ("database is locked").

    Raises ``OperationalError`` after ``WRITE_LOCK_TIMEOUT_SECONDS``.
    """
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    until = time.monotonic() + WRITE_LOCK_TIMEOUT_SECONDS
    while time.monotonic() < until:
        try:
            driver.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:
                raise
            time.sleep(random.uniform(0.001, 0.012))  # writers must not ask in step
    connection.exec_driver_sql("BEGIN IMMEDIATE")  # once more, and its error is SQLAlchemy's
