"""Up, down, and the head equals the models, on both databases."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import (
    Boolean,
    Date,
    DateTime,
    Float,
    Integer,
    LargeBinary,
    MetaData,
    Time,
    insert,
    inspect,
    text,
)

from app import create_app
from app.core.db import Base
from tests.conftest import test_settings


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request, tmp_path):
    url = (
        f"sqlite:///{tmp_path}/empty.db"
        if request.param == "sqlite"
        else request.getfixturevalue("postgres_url")
    )
    app = create_app(test_settings(tmp_path, database_url=url))
    with app.app_context():
        yield app
    app.extensions["database"].close()


def tables(app):
    return set(inspect(app.extensions["database"].engine).get_table_names())


def ours(_context):
    return {name for name in Base.metadata.tables if not name.endswith("_of_the_tests")}


def test_the_head_equals_the_models(empty_app):
    upgrade()
    assert tables(empty_app) == ours(None) | {"alembic_version"}
    with empty_app.extensions["database"].engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "include_name": lambda name, kind, _parents: kind != "table" or name in ours(None),
            },
        )
        differences = [
            difference
            for difference in compare_metadata(context, Base.metadata)
            if "of_the_tests" not in repr(difference)
        ]
    assert differences == []


def test_down_undoes_up_and_up_again_works(empty_app):
    upgrade()
    downgrade(revision="base")
    assert tables(empty_app) <= {"alembic_version"}
    upgrade()
    assert tables(empty_app) == ours(None) | {"alembic_version"}


def test_rows_from_before_survive_each_revision(empty_app):
    upgrade(revision="0001")
    engine = empty_app.extensions["database"].engine
    laid = _a_row_in_every_table(engine)
    upgrade()
    assert _counts(engine, laid) == dict.fromkeys(laid, 1)
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    downgrade(revision="0001")
    assert _counts(engine, laid) == dict.fromkeys(laid, 1)


def test_lines_and_points_of_those_who_had_their_tables_from_the_first_revision_stay(empty_app):
    upgrade(revision="0005")
    engine = empty_app.extensions["database"].engine
    laid = _a_row_in_every_table(engine)
    with engine.begin() as connection:  # as if 0005 had not been, and 0001 had made its tables
        connection.execute(text("UPDATE alembic_version SET version_num = '0004'"))
    upgrade()
    assert _counts(engine, laid) == dict.fromkeys(laid, 1)


def _a_row_in_every_table(engine):
    schema = MetaData()
    schema.reflect(engine)
    laid = [table for table in schema.sorted_tables if table.name != "alembic_version"]
    keys = {}
    with engine.begin() as connection:
        for table in laid:
            row = {column.name: _something(column, keys) for column in table.columns}
            connection.execute(insert(table).values(row))
            keys.update({(table.name, name): value for name, value in row.items()})
    return [table.name for table in laid]


def _something(column, keys):
    for reference in column.foreign_keys:
        return keys.get(
            (reference.column.table.name, reference.column.name)
        )  # None: a table refers to itself
    if isinstance(column.type, Integer | Float):  # before Boolean: SQLite has no other
        return 1
    if isinstance(column.type, Boolean):
        return False
    if isinstance(column.type, Date):
        return date(2026, 4, 1)
    if isinstance(column.type, Time):
        return time(9)
    if isinstance(column.type, DateTime):
        return datetime(2026, 4, 1, 9)
    if isinstance(column.type, LargeBinary):
        return b"sealed"
    return "{}"


def _counts(engine, names):
    with engine.connect() as connection:
        return {
            name: connection.execute(text(f"SELECT count(*) FROM {name}")).scalar()
            for name in names
        }
