"""Up, down, and the head equals the models, on both databases."""
from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from app import create_app
from app.core.db import Base
from tests.conftest import test_settings


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_app(request, tmp_path):
    url = f"sqlite:///{tmp_path}/empty.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
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
        context = MigrationContext.configure(connection, opts={
            "compare_type": True, "include_name": lambda name, kind, _parents: kind != "table" or name in ours(None)})
        differences = [difference for difference in compare_metadata(context, Base.metadata)
                       if "of_the_tests" not in repr(difference)]
    assert differences == []


def test_down_undoes_up_and_up_again_works(empty_app):
    upgrade()
    downgrade(revision="base")
    assert tables(empty_app) <= {"alembic_version"}
    upgrade()
    assert tables(empty_app) == ours(None) | {"alembic_version"}
