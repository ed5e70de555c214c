"""The coordinator's day: what is burning, one line a case, everything that narrows it in the
address.
"""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for

from app.cases.queries import Wanted
from app.cases.specialties import SPECIALTIES
from app.cases.states import ENDS
from app.core.permissions import Permission
from app.portal import queries, words
from app.portal.blueprint import blueprint
from app.web.access import requires
from app.web.context import db_session

FILTERS = ("stage", "specialty", "show", "q")
ENDED = "ended"
STAGES = {stage.value: (stage,) for stage in queries.OPEN_STAGES} | {ENDED: tuple(ENDS)}


@blueprint.get("/worklist")
@requires(Permission.WORKLIST_READ)
def worklist() -> str:
    wanted, page = _read_address()
    found = queries.worklist(
        db_session(), wanted, page, only_unfilled=request.args.get("show") == "interpreter"
    )
    chosen = {key: value for key, value in request.args.items() if value and key != "page"}
    return render_template(
        "portal/worklist.html",
        work=found,
        chosen=chosen,
        specialties=SPECIALTIES,
        words=words,
        stages=STAGES,
        stage=request.args.get("stage", ""),
        in_office=sum(found.by_stage.get(stage, 0) for stage in queries.OPEN_STAGES),
        address=lambda **changes: _address(chosen, **changes),
    )


def _read_address() -> tuple[Wanted, int]:
    """What is wanted, as far as it makes sense; an address that somebody bent shows what it can."""
    asked = request.args
    specialty, show = asked.get("specialty"), asked.get("show")
    return Wanted(
        stages=STAGES.get(asked.get("stage", ""), ()),
        specialty=specialty if specialty in SPECIALTIES else None,
        without_specialist=show == "specialist",
        late=show == "late",
        number=(asked.get("q") or "").strip()[:40] or None,
    ), asked.get("page", 1, type=int)


def _address(chosen: dict[str, str], **changes: object) -> str:
    kept: dict[str, Any] = {key: value for key, value in chosen.items() if key in FILTERS} | changes
    return url_for("portal.worklist", **{key: value for key, value in kept.items() if value})
