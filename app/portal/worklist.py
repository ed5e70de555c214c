"""The coordinator's day: what is burning, one line a case, everything that narrows it in the
address.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from app.cases.queries import WorklistFilter
from app.cases.specialties import SPECIALTIES, list_specialty_choices
from app.cases.states import END_STAGES
from app.portal import queries, words
from app.portal.blueprint import blueprint
from app.portal.permissions import PortalPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.locale import get_current_language

WORKLIST_FILTER_FIELDS = ("stage", "specialty", "show", "q")
ENDED_FILTER = "ended"
STAGE_FILTERS = {stage.value: (stage,) for stage in queries.OPEN_STAGES} | {
    ENDED_FILTER: tuple(END_STAGES)
}


@blueprint.get("/worklist")
@require_permission(PortalPermission.WORKLIST_READ)
def show_worklist() -> str:
    wanted, page = _read_worklist_filter()
    found = queries.load_worklist_page(
        db_session(),
        current_person(),
        wanted,
        page,
        only_unfilled=request.args.get("show") == "interpreter",
    )
    chosen = {key: value for key, value in request.args.items() if value and key != "page"}
    return render_template(
        "portal/worklist.html",
        work=found,
        chosen=chosen,
        specialties=SPECIALTIES,
        specialty_choices=list_specialty_choices(get_current_language().tag),
        words=words,
        stages=STAGE_FILTERS,
        stage=request.args.get("stage", ""),
        in_office=sum(found.by_stage.get(stage, 0) for stage in queries.OPEN_STAGES),
        address=lambda **changes: _worklist_url(chosen, **changes),
    )


def _read_worklist_filter() -> tuple[WorklistFilter, int]:
    """What is wanted, as far as it makes sense; an address that somebody bent shows what it can."""
    asked = request.args
    specialty, show = asked.get("specialty"), asked.get("show")
    return WorklistFilter(
        stages=STAGE_FILTERS.get(asked.get("stage", ""), ()),
        specialty=specialty if specialty in SPECIALTIES else None,
        without_specialist=show == "specialist",
        late=show == "late",
        number=(asked.get("q") or "").strip()[:40] or None,
    ), asked.get("page", 1, type=int)


def _worklist_url(chosen: dict[str, str], **changes: object) -> str:
    # ``Any``: url_for has parameters of its own beside the values for the query
    kept: dict[str, Any] = {
        key: value for key, value in chosen.items() if key in WORKLIST_FILTER_FIELDS
    } | changes
    return url_for("portal.show_worklist", **{key: value for key, value in kept.items() if value})
