"""An interpreter's minutes over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from flask import Response, render_template, request
from flask_babel import gettext as _

from app.core.clock import now
from app.core.errors import NotFound
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import forms
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import profiles, statements
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.locale import get_current_language


@blueprint.get("/statement")
@require_permission(SchedulingPermission.ENGAGEMENT_READ)
def show_statement() -> str:
    one = statements.build_statement(db_session(), _statement_owner(), _requested_month())
    this_month = now().astimezone(ZoneInfo(one.person.timezone)).date().replace(day=1)
    return render_template(
        "scheduling/statement.html",
        statement=one,
        money=_money_formatter(one),
        before=(one.month - timedelta(days=1)).replace(day=1),
        after=(one.month + timedelta(days=32)).replace(day=1) if one.month < this_month else None,
    )


@blueprint.get("/statement.csv")
@require_permission(SchedulingPermission.ENGAGEMENT_READ)
def download_statement() -> Response:
    one = statements.build_statement(db_session(), _statement_owner(), _requested_month())
    headings = [
        _("Date"),
        _("Time"),
        _("Time zone"),
        _("Case"),
        _("Languages"),
        _("Minutes"),
        _("Hourly rate"),
        _("Amount"),
        _("Currency"),
    ]
    name = f"minutes-{one.month:%Y-%m}.csv"
    # The mark of order at the front tells spreadsheets that this is UTF-8.
    return Response(
        "\ufeff" + statements.format_statement_csv(one, headings),
        mimetype="text/csv",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _money_formatter(one: statements.InterpreterStatement) -> Callable[[int], str]:
    """Amounts of the statement, as the reader writes them."""
    language = get_current_language().tag
    return lambda minor: profiles.format_money(minor, one.currency, language)


def _statement_owner() -> Person:
    """One's own, or for the office that of ``?person=``."""
    reader = current_person()
    wanted = request.args.get("person", reader.id)
    owner = db_session().get(Person, wanted)
    if owner is None or owner.role != Role.INTERPRETER:
        raise NotFound()
    if owner.id != reader.id and reader.role != Role.COORDINATOR:
        raise NotFound()
    return owner


def _requested_month() -> date:
    text = request.args.get("month", "")
    return forms.read_day(f"{text}-01") or now().date().replace(day=1)
