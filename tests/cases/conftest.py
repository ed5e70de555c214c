"""What the tests of cases share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.cases.models import Case


@pytest.fixture
def the_case(look: Callable[..., Any]) -> Callable[[], Case | None]:
    """The one case there is, with its questions; None where there is none."""
    return lambda: look(
        lambda session: session.scalars(
            select(Case).options(selectinload(Case.questions))
        ).one_or_none()
    )
