"""An interpreter's profile over HTTP: their own, or for the office anybody's."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases.specialties import list_specialty_choices
from app.core.errors import Invalid, NotFound
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling import policy
from app.scheduling.availability.queries import qualifications_of
from app.scheduling.blueprint import blueprint
from app.scheduling.interpreters import profiles
from app.scheduling.interpreters.profiles import InterpreterProfileEntry
from app.scheduling.permissions import SchedulingPermission
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal
from app.web.locale import get_current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/interpreter-profile")
@require_permission(SchedulingPermission.ENGAGEMENT_READ)
def show_interpreter_profile() -> Page:
    return _profile_page(_profile_owner())


@blueprint.post("/interpreter-profile")
@require_permission(SchedulingPermission.AVAILABILITY_WRITE)
def post_interpreter_profile() -> Page:
    owner, form = _profile_owner(), request.form
    entered = InterpreterProfileEntry(
        form.get("gender", ""),
        ", ".join(form.getlist("dialects")),
        tuple(form.getlist("specialties")),
        form.get("rate"),
        form.get("currency", "EUR"),
    )
    try:
        profiles.change_interpreter_profile(db_session(), current_person(), owner, entered)
    except Invalid as refusal:
        return _profile_page(owner, refusal)
    flash(_("The profile is saved."))
    return redirect(
        url_for(
            "scheduling.show_interpreter_profile",
            person=None if owner.id == current_person().id else owner.id,
        ),
        303,
    )


def _profile_owner() -> Person:
    """One's own, or for the office that of ``?person=``."""
    owner = db_session().get(Person, request.values.get("person") or current_person().id)
    if (
        owner is None
        or owner.role != Role.INTERPRETER
        or not policy.can_set_hours(current_person(), owner)
    ):
        raise NotFound()
    return owner


def _profile_page(owner: Person, refusal: Invalid | None = None) -> Page:
    session, language = db_session(), get_current_language().tag
    profile = profiles.interpreter_profile_of(session, owner)
    qualifications = qualifications_of(session, owner)
    chosen = request.form.getlist("dialects") if refusal else list(profile.dialects or [])
    page = render_template(
        "scheduling/profile.html",
        owner=owner,
        profile=profile,
        specialties=list_specialty_choices(language),
        chosen=chosen,
        dialects=profiles.list_dialect_choices(
            owner, qualifications, [*(profile.dialects or [])], language
        ),
        qualifications=qualifications,
        entered=request.form if refusal else None,
        currencies=profiles.RATE_CURRENCIES,
        may_price=current_person().role == Role.COORDINATOR,
        rate=profiles.format_plain_amount(profile.hourly_rate, profile.currency),
        shown_rate=(
            profiles.format_money(profile.hourly_rate, profile.currency, language)
            if profile.hourly_rate
            else None
        ),
        errors={refusal.field or "gender": translate_refusal(refusal)} if refusal else {},
    )
    return (page, refusal.status) if refusal else page
