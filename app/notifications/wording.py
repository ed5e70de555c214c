"""From a kind and its facts to words, in any reader's language and zone. Knows neither Flask nor a
session.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from app.core.notices import NoticeKind
from app.core.permissions import Role
from app.core.slices import get_slices
from app.core.text import N_
from app.i18n.formats import format_long_moment
from app.i18n.translate import make_translator

ROLE_LABELS: dict[str, str] = {
    Role.PATIENT: N_("Patient"),
    Role.SPECIALIST: N_("Specialist"),
    Role.INTERPRETER: N_("Interpreter"),
    Role.COORDINATOR: N_("Hospital"),
}
YOUR_TIME_LABEL = N_("Your time")
SIMULTANEOUS_NOTE = N_(
    "It is interpreted simultaneously: the interpreter speaks while the others speak."
)


class UnknownNoticeKind(KeyError):
    """A message of a kind that no slice lists: a mistake in the code that queued it."""


@dataclass(frozen=True)
class LocalTime:
    """When a meeting is, on the clock of one of its people."""

    who: str
    when: str


@dataclass(frozen=True)
class NoticeWording:
    """A message in its reader's words. ``path`` begins at the site's root."""

    title: str
    sentences: tuple[str, ...]
    times: tuple[LocalTime, ...]
    path: str
    action: str


NoticeFacts = Mapping[str, object]
"""What a message's sentences need, fit for JSON. A fact whose name ends in ``_at`` is an ISO
instant; the reader sees it in their own zone.
"""


def notice_kind_of(name: str) -> NoticeKind:
    """Raises ``UnknownNoticeKind``."""
    try:
        return get_slices().notice_kinds[name]
    except KeyError:
        raise UnknownNoticeKind(name) from None


def render_notice_wording(
    name: str,
    facts: NoticeFacts,
    *,
    language: str,
    zone: str,
    case_id: str | None,
    number: str,
) -> NoticeWording:
    """The message for a reader of ``language`` whose clock is in ``zone``.

    ``facts["zones"]`` is a list of (role, zone) of the other people in a meeting,
    ``facts["mode"]`` the way in which it is interpreted. Raises ``UnknownNoticeKind``, and
    ``KeyError`` when a fact is missing that a sentence needs.
    """
    kind, say = notice_kind_of(name), make_translator(language)
    values = {"number": number} | {
        fact: format_long_moment(datetime.fromisoformat(value), zone, language)
        for fact, value in facts.items()
        if fact.endswith("_at") and isinstance(value, str)
    }
    values |= {fact: str(value) for fact, value in facts.items() if fact.endswith("_name")}
    first, *further = kind.sentences
    if kind.names_mode and facts.get("mode") == "simultaneous":
        further.insert(0, SIMULTANEOUS_NOTE)
    return NoticeWording(
        title=say(kind.title),
        sentences=tuple(say(sentence, **values) for sentence in (first, *further)),
        times=_local_times(kind, facts, language, zone),
        path=get_slices().build_path(kind.endpoint, {**facts, "case_id": case_id or ""}),
        action=say(kind.action),
    )


def _local_times(
    kind: NoticeKind, facts: NoticeFacts, language: str, zone: str
) -> tuple[LocalTime, ...]:
    if not kind.is_meeting:
        return ()
    say, at = make_translator(language), datetime.fromisoformat(str(facts["starts_at"]))
    mine = LocalTime(say(YOUR_TIME_LABEL), format_long_moment(at, zone, language))
    others = [
        LocalTime(say(ROLE_LABELS.get(role, role)), format_long_moment(at, place, language))
        for role, place in cast("Iterable[tuple[str, str]]", facts.get("zones", ()))
    ]
    return (mine, *others)
