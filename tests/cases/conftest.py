"""What the tests of cases share."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from app.cases.models import Case
from app.core.db import Database


@pytest.fixture
def look(database: Database) -> Callable[[Callable[[Session], Any]], Any]:
    """`look(question)`: what the database says now. A short session, for SQLite has one writer at a time."""

    def ask(question: Callable[[Session], Any]) -> Any:
        with database.unit_of_work() as session:
            return question(session)

    return ask


@pytest.fixture
def the_case(look: Callable[..., Any]) -> Callable[[], Case | None]:
    """The one case there is, with its questions; None where there is none."""
    return lambda: look(lambda session: session.scalars(
        select(Case).options(selectinload(Case.questions))).one_or_none())
