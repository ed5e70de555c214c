"""From a kind and its facts to words, in any reader's language and zone. Knows neither Flask nor a
session.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.core.permissions import Role
from app.core.text import N_
from app.i18n.formats import long_moment
from app.i18n.translate import translator
from app.notifications.kinds import KINDS, Kind

WHO = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Interpreter"),
    Role.COORDINATOR: N_("Hospital"),
}
YOUR_TIME = N_("Your time")
SIMULTANEOUS = N_(
    "It is interpreted simultaneously: the interpreter speaks while the others speak."
)


class UnknownKind(KeyError):
    """A message of a kind that `KINDS` does not list: a mistake in the code that queued it."""


@dataclass(frozen=True)
class LocalTime:
    """When a meeting is, on the clock of one of its people."""

    who: str
    when: str


@dataclass(frozen=True)
class Wording:
    """A message in its reader's words. `path` begins at the site's root."""

    title: str
    sentences: tuple[str, ...]
    times: tuple[LocalTime, ...]
    path: str
    action: str


def kind_of(name: str) -> Kind:
    """Raises `UnknownKind`."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(name) from None


def words(
    name: str,
    facts: Mapping[str, Any],
    *,
    language: str,
    zone: str,
    case_id: str | None,
    number: str,
) -> Wording:
    """The message for a reader of `language` whose clock is in `zone`.

    `facts["zones"]` is a list of (role, zone) of the other people in a meeting, `facts["mode"]` the
    way in which it is interpreted. Raises `UnknownKind`, and `KeyError` when a fact is missing that
    a sentence needs.
    """
    kind, say = kind_of(name), translator(language)
    values = {"number": number} | {
        fact: long_moment(datetime.fromisoformat(value), zone, language)
        for fact, value in facts.items()
        if fact.endswith("_at") and isinstance(value, str)
    }
    first, *further = kind.sentences
    if kind.names_mode and facts.get("mode") == "simultaneous":
        further.insert(0, SIMULTANEOUS)
    return Wording(
        title=say(kind.title),
        sentences=tuple(say(sentence, **values) for sentence in (first, *further)),
        times=_times(kind, facts, language, zone),
        path=kind.page.format(**facts | {"case_id": case_id or ""}),
        action=say(kind.action),
    )


def _times(kind: Kind, facts: Mapping[str, Any], language: str, zone: str) -> tuple[LocalTime, ...]:
    if not kind.is_meeting:
        return ()
    say, at = translator(language), datetime.fromisoformat(facts["starts_at"])
    mine = LocalTime(say(YOUR_TIME), long_moment(at, zone, language))
    others = [
        LocalTime(say(WHO.get(role, role)), long_moment(at, place, language))
        for role, place in facts.get("zones", ())
    ]
    return (mine, *others)
