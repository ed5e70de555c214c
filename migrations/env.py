"""Alembic's environment, as Flask-Migrate calls it: online only, on the application's own
engine.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from app.core.columns import EncryptedText, Json, UtcDateTime

DRAWN_AS = {
    UtcDateTime: "sa.DateTime(timezone=True)",
    EncryptedText: "sa.LargeBinary()",
    Json: "sa.Text()",
}


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """A migration names plain database types: it must still run when our own column classes have
    changed.
    """
    return DRAWN_AS.get(type(item), False) if kind == "type" else False


def migrate(connection: Connection) -> None:
    """All revisions in one transaction, so that one which fails leaves the database as it was."""
    schema = current_app.extensions["migrate"].db
    context.configure(
        connection=connection,
        target_metadata=schema.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_item,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
        if connection.dialect.name == "sqlite":
            _refuse_dangling_references(connection)


@contextmanager
def unwatched_references(connection: Connection) -> Iterator[None]:
    """Batch mode rebuilds a table on SQLite: the old one is dropped while others still refer to it.

    The pragma does nothing inside a transaction, hence the driver's own connection, before
    SQLAlchemy begins one (sqlite.org/lang_altertable.html, section 7).
    """
    driver = connection.connection.driver_connection
    watched = connection.dialect.name == "sqlite" and driver is not None
    if watched:
        driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        if watched:
            driver.execute("PRAGMA foreign_keys=ON")


def _refuse_dangling_references(connection: Connection) -> None:
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if dangling:
        tables = ", ".join(sorted({row[0] for row in dangling}))
        raise RuntimeError(
            f"The migration would leave rows that refer to nothing, in {tables}; "
            "nothing was changed."
        )


with (
    current_app.extensions["migrate"].db.engine.connect() as connection,
    unwatched_references(connection),
):
    migrate(connection)
    connection.commit()
