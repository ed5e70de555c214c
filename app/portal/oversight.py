"""The audit trail, for those whose work it is to read it. Names and verbs only: it holds nothing
clinical.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from app.audit.queries import verify_chain
from app.audit.verbs import Verb
from app.audit.words import ACT_WORDS
from app.cases.queries import case_numbers, cases_numbered
from app.core.permissions import Permission
from app.core.text import whole_number
from app.identity.queries import person_by_email
from app.portal import queries, words
from app.portal.blueprint import blueprint
from app.portal.queries import AuditFilter
from app.web.access import requires
from app.web.context import db_session

FILTERS = ("verb", "case", "person")
# an id that no row has: an unknown number or address finds nothing, rather than everything
NOBODY = "-"


@blueprint.get("/audit")
@requires(Permission.AUDIT_READ)
def audit_trail() -> str:
    unit, asked = db_session(), request.args
    page = queries.audit_page(unit, _read_filter())
    return render_template(
        "portal/audit.html",
        entries=page.entries,
        verbs=list(Verb),
        words=words,
        act_words=ACT_WORDS,
        people=queries.names_of(unit, (entry.actor_id for entry in page.entries)),
        numbers=case_numbers(unit, {entry.case_id for entry in page.entries if entry.case_id}),
        asked={key: asked.get(key, "") for key in FILTERS},
        report=verify_chain(unit) if asked.get("check") else None,
        older=_beside("before", page.older),
        newer=_beside("after", page.newer),
    )


def _read_filter() -> AuditFilter:
    unit, asked = db_session(), request.args
    case, email = asked.get("case", "").strip(), asked.get("person", "").strip()
    person = person_by_email(unit, email) if email else None
    return AuditFilter(
        verb=asked.get("verb") or None,
        case_id=(next(iter(cases_numbered(unit, case)), NOBODY)) if case else None,
        actor_id=(person.id if person else NOBODY) if email else None,
        before=whole_number(asked.get("before", "")),
        after=whole_number(asked.get("after", "")),
    )


def _beside(way: str, number: int | None) -> str | None:
    """The page that goes on from an entry, with what is looked for kept."""
    if number is None:
        return None
    kept: dict[str, Any] = {
        key: value for key, value in request.args.items() if key in FILTERS and value
    }
    return url_for("portal.audit_trail", **kept, **{way: number})
