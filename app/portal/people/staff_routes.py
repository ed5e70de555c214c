"""What administrators do with people: invite, give and end roles, sign out, deactivate."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.cases.specialties import SPECIALTIES
from app.core.errors import Conflict, Invalid
from app.core.permissions import STAFF_ROLES, Role
from app.core.text import N_
from app.identity.accounts.links import build_account_link_path
from app.identity.factors.service import reset_factors_of_another
from app.identity.forms import list_profile_choices
from app.identity.models import Person
from app.identity.permissions import IdentityPermission
from app.organizations import queries, service
from app.organizations.models import Office
from app.organizations.people import departure, invitations
from app.organizations.people.details import PersonDetails, change_person_details
from app.organizations.people.invitations import StaffInvitation
from app.organizations.words import ROLE_LABELS
from app.portal.blueprint import blueprint
from app.portal.people.people_routes import render_person_page
from app.web.access import require_permission, require_recent_factor
from app.web.context import current_person, db_session, get_settings
from app.web.errors import translate_refusal

Page = str | Response | tuple[str, int]
PersonPageResponse = Response | tuple[str, int]
PersonAct = Callable[[Session, Person, Person], object]


@blueprint.get("/people/invite")
@require_permission(IdentityPermission.PEOPLE_WRITE)
def show_invitation_form() -> Page:
    return _invitation_page({})


@blueprint.post("/people/invite")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_invitation() -> Page:
    entry = StaffInvitation(
        request.form.get("email", "").strip(),
        request.form.get("name", ""),
        request.form.get("role", ""),
        request.form.get("office", ""),
        request.form.get("language", "") or "en",
    )
    try:
        link = invitations.invite_to_office(db_session(), current_person(), entry)
    except (Invalid, Conflict) as refusal:
        return _invitation_page({refusal.field or "email": translate_refusal(refusal)}), (
            refusal.status
        )
    if link is None:
        flash(_("This person already has an account. They now have the role as well."))
        return redirect(url_for("portal.show_people"))
    settings = get_settings()
    return render_template(
        "portal/invited.html",
        person=link.person,
        address=f"{settings.web_url}{build_account_link_path(settings.secret_key, link.id)}",
    )


@blueprint.get("/people/import")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def show_import_form() -> Page:
    return render_template("portal/invite_many.html", rows=None, table="", errors={})


@blueprint.post("/people/import")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_import() -> Page:
    """First a preview of the rows; with ``confirmed`` everybody who can be invited is."""
    table = _read_table()
    try:
        rows = invitations.read_import(db_session(), table)
    except Invalid as refusal:
        page = render_template(
            "portal/invite_many.html",
            rows=None,
            table=table[: invitations.MAX_IMPORTED_CHARACTERS],
            errors={refusal.field or "table": translate_refusal(refusal)},
        )
        return page, refusal.status
    if "confirmed" not in request.form:
        return render_template(
            "portal/invite_many.html",
            rows=rows,
            table=table,
            errors={},
            roles=ROLE_LABELS,
            offices={one.id: one.name for one in queries.list_offices(db_session())},
            say_refusal=translate_refusal,
        )
    count = invitations.import_people(db_session(), current_person(), rows)
    flash(_("Invited: %(count)s.", count=count))
    return redirect(url_for("portal.show_people"))


@blueprint.post("/people/<person_id>/details")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_person_details(person_id: str) -> PersonPageResponse:
    return _perform_on_person(person_id, _change_details, N_("The details are saved."))


@blueprint.post("/people/<person_id>/roles")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_role(person_id: str) -> PersonPageResponse:
    return _perform_on_person(person_id, _give_role, N_("The role was given."))


@blueprint.post("/people/<person_id>/roles/<affiliation_id>/end")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_role_end(person_id: str, affiliation_id: str) -> PersonPageResponse:
    return _perform_on_person(
        person_id,
        lambda unit, actor, person: service.end_affiliation(
            unit, actor, queries.get_affiliation(unit, person, affiliation_id)
        ),
        N_("The role has ended."),
    )


@blueprint.post("/people/<person_id>/sign-ins/end")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_sign_ins_end(person_id: str) -> PersonPageResponse:
    return _perform_on_person(
        person_id, departure.end_all_sign_ins, N_("The person is signed out on all devices.")
    )


@blueprint.post("/people/<person_id>/factors/reset")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_factor_reset(person_id: str) -> PersonPageResponse:
    return _perform_on_person(
        person_id,
        reset_factors_of_another,
        N_("The second step is removed. The person was told by e-mail."),
    )


@blueprint.post("/people/<person_id>/deactivate")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_deactivation(person_id: str) -> PersonPageResponse:
    return _perform_on_person(
        person_id, departure.deactivate_person, N_("The account is deactivated.")
    )


@blueprint.post("/people/<person_id>/activate")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_activation(person_id: str) -> PersonPageResponse:
    return _perform_on_person(
        person_id, departure.reactivate_person, N_("The account is active again.")
    )


def _perform_on_person(person_id: str, act: PersonAct, done: str) -> PersonPageResponse:
    """A refusal shows the person's page again, with the sentence and with what was entered."""
    person = queries.get_account(db_session(), person_id)
    try:
        act(db_session(), current_person(), person)
    except (Invalid, Conflict) as refusal:
        errors = {refusal.field or "account": translate_refusal(refusal)}
        return render_person_page(person, errors), refusal.status
    flash(_(done))
    return redirect(url_for("portal.show_person", person_id=person.id))


def _change_details(unit: Session, actor: Person, person: Person) -> None:
    change_person_details(unit, actor, person, PersonDetails.read(request.form, list(SPECIALTIES)))


def _give_role(unit: Session, actor: Person, person: Person) -> None:
    office, role = _read_office_and_role()
    since, until = _read_day("since"), _read_day("until", after=True)
    service.grant_affiliation(unit, actor, person, office, role, since=since, until=until)


def _invitation_page(errors: dict[str, str]) -> str:
    return render_template(
        "portal/invite.html",
        errors=errors,
        entered=request.form,
        roles=[(role, _(ROLE_LABELS[role])) for role in STAFF_ROLES],
        offices=[(one.id, one.name) for one in queries.list_offices(db_session())],
        languages=list_profile_choices()["languages"],
    )


def _read_table() -> str:
    """The table that was typed in, or the file that was chosen."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.read(invitations.MAX_IMPORTED_CHARACTERS * 4).decode("utf-8", "replace")
    return request.form.get("table", "")


def _read_office_and_role() -> tuple[Office, Role]:
    office = queries.get_open_office(db_session(), request.form.get("office", ""))
    role = request.form.get("role", "")
    if role not in STAFF_ROLES:
        raise Invalid(N_("Choose a role from the list."), field="role")
    return office, Role(role)


def _read_day(name: str, *, after: bool = False) -> datetime | None:
    """The day's beginning in UTC, or its end; None where nothing was entered."""
    text = request.form.get(name, "").strip()
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
        return datetime.combine(day + timedelta(days=after), time(), tzinfo=UTC)
    except (ValueError, OverflowError):
        raise Invalid(N_("Enter a day as in 2026-05-31."), field=name) from None
