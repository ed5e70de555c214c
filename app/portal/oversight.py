"""The audit trail, for those whose work it is to read it. Names and verbs only: it holds nothing
clinical.
"""

from __future__ import annotations

from flask import render_template, request, url_for

from app.audit.permissions import AuditPermission
from app.audit.queries import verify_audit_chain
from app.cases.queries import find_case_ids_by_number, get_case_numbers
from app.core.slices import get_slices
from app.core.text import parse_whole_number
from app.identity.queries import find_person_by_email
from app.portal import queries, words
from app.portal.blueprint import blueprint
from app.portal.queries import AuditFilter
from app.web.access import require_permission
from app.web.context import db_session

AUDIT_FILTER_FIELDS = ("verb", "case", "person")
# an id that no row has: an unknown number or address finds nothing, rather than everything
UNKNOWN_ID = "-"


@blueprint.get("/audit")
@require_permission(AuditPermission.AUDIT_READ)
def show_audit_trail() -> str:
    unit, asked = db_session(), request.args
    labels = get_slices().audit_verb_labels
    page = queries.load_audit_page(unit, _read_audit_filter())
    return render_template(
        "portal/audit.html",
        entries=page.entries,
        verbs=list(labels),
        words=words,
        act_words=labels,
        people=queries.find_people_by_id(unit, (entry.actor_id for entry in page.entries)),
        numbers=get_case_numbers(unit, {entry.case_id for entry in page.entries if entry.case_id}),
        asked={key: asked.get(key, "") for key in AUDIT_FILTER_FIELDS},
        report=verify_audit_chain(unit) if asked.get("check") else None,
        older=_neighbour_url(before=page.older) if page.older is not None else None,
        newer=_neighbour_url(after=page.newer) if page.newer is not None else None,
    )


def _read_audit_filter() -> AuditFilter:
    unit, asked = db_session(), request.args
    case, email = asked.get("case", "").strip(), asked.get("person", "").strip()
    person = find_person_by_email(unit, email) if email else None
    return AuditFilter(
        verb=asked.get("verb") or None,
        case_id=(next(iter(find_case_ids_by_number(unit, case)), UNKNOWN_ID)) if case else None,
        actor_id=(person.id if person else UNKNOWN_ID) if email else None,
        before=parse_whole_number(asked.get("before", "")),
        after=parse_whole_number(asked.get("after", "")),
    )


def _neighbour_url(*, before: int | None = None, after: int | None = None) -> str:
    """The page that goes on from the entry with this number. The filter stays the same."""
    asked = {field: request.args.get(field) or None for field in AUDIT_FILTER_FIELDS}
    return url_for(
        "portal.show_audit_trail",
        verb=asked["verb"],
        case=asked["case"],
        person=asked["person"],
        before=before,
        after=after,
    )
