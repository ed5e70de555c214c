"""The demo: invented people, cases at every stage, and one consultation that is always open.

Each slice brings its part, made by the services' own functions with the clock set to the day on
which it is said to have happened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from app.core.demo import DemoDiary
from app.core.errors import Refusal
from app.core.slices import get_slices
from app.identity.demo import are_demo_people_there

if TYPE_CHECKING:
    from config import Settings


def seed_demo_data(session: Session, settings: Settings) -> str | None:
    """Fills an empty database with people and cases. On a later start it only makes sure that one
    consultation is open for the demo's patient, specialist and interpreter.

    Returns None. Where visitors changed the demo so much that this cannot be done, returns a
    sentence that says why: the demo starts without one.
    """
    if not are_demo_people_there(session):
        _seed_empty_database(session, settings)
        _keep_all(session)
        return None
    try:
        with session.begin_nested():
            _keep_all(session)
    except Refusal as refusal:
        return f"The demo has no open consultation now: {refusal}"
    return None


def _seed_empty_database(session: Session, settings: Settings) -> None:
    diary = DemoDiary(session, settings)
    for part in get_slices().demo_data:
        if part.seed:
            part.seed(diary)
    diary.play()


def _keep_all(session: Session) -> None:
    for part in get_slices().demo_data:
        if part.keep:
            part.keep(session)
