"""Alembic's environment, as Flask-Migrate calls it: online only, on the application's own engine."""
from __future__ import annotations

from alembic import context
from flask import current_app
from sqlalchemy import Connection

from app.core.columns import EncryptedText, Json, UtcDateTime

DRAWN_AS = {UtcDateTime: "sa.DateTime(timezone=True)", EncryptedText: "sa.LargeBinary()", Json: "sa.Text()"}


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """A migration names plain database types: it must still run when our own column classes have changed."""
    return DRAWN_AS.get(type(item), False) if kind == "type" else False


def migrate(connection: Connection) -> None:
    schema = current_app.extensions["migrate"].db
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")  # batch mode rebuilds tables
    context.configure(connection=connection, target_metadata=schema.metadata, render_as_batch=True, compare_type=True,
                      render_item=render_item)
    with context.begin_transaction():
        context.run_migrations()


with current_app.extensions["migrate"].db.engine.connect() as connection:
    migrate(connection)
    connection.commit()
