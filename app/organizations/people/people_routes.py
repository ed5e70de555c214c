"""What administrators do with people: invite, give and end roles, sign out, deactivate."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal
from app.core.permissions import Role
from app.core.text import N_
from app.identity.accounts.links import build_account_link_path
from app.identity.factors.service import reset_factors
from app.identity.forms import list_profile_choices
from app.identity.models import Person
from app.identity.permissions import IdentityPermission
from app.organizations import queries, service
from app.organizations.blueprint import blueprint
from app.organizations.models import Affiliation, Office
from app.organizations.people import departure, invitations
from app.organizations.people.invitations import StaffInvitation
from app.organizations.words import ROLE_LABELS
from app.web.access import require_permission, require_recent_factor
from app.web.context import current_person, db_session, get_settings
from app.web.errors import translate_refusal

Page = str | Response | tuple[str, int]


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
        "organizations/admin_invited.html",
        person=link.person,
        address=f"{settings.web_url}{build_account_link_path(settings.secret_key, link.id)}",
    )


@blueprint.get("/people/import")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def show_import_form() -> Page:
    return render_template("organizations/admin_import.html", rows=None, table="", errors={})


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
            "organizations/admin_import.html",
            rows=None,
            table=table[: invitations.MAX_IMPORTED_CHARACTERS],
            errors={refusal.field or "table": translate_refusal(refusal)},
        )
        return page, refusal.status
    if "confirmed" not in request.form:
        return render_template(
            "organizations/admin_import.html",
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


@blueprint.post("/people/<person_id>/roles")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_role(person_id: str) -> Response:
    person = _get_person(person_id)
    try:
        office, role = _read_office_and_role()
        service.grant_affiliation(
            db_session(),
            current_person(),
            person,
            office,
            role,
            since=_read_day("since"),
            until=_read_day("until", after=True),
        )
    except (Invalid, Conflict) as refusal:
        return _back_to_person(person, refusal)
    flash(_("The role was given."))
    return _back_to_person(person)


@blueprint.post("/people/<person_id>/roles/<affiliation_id>/end")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_role_end(person_id: str, affiliation_id: str) -> Response:
    person = _get_person(person_id)
    affiliation = db_session().get(Affiliation, affiliation_id)
    if affiliation is None or affiliation.person_id != person.id:
        raise NotFound()
    try:
        service.end_affiliation(db_session(), current_person(), affiliation)
    except Conflict as refusal:
        return _back_to_person(person, refusal)
    flash(_("The role has ended."))
    return _back_to_person(person)


@blueprint.post("/people/<person_id>/sign-ins/end")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_sign_ins_end(person_id: str) -> Response:
    person = _get_person(person_id)
    departure.end_all_sign_ins(db_session(), current_person(), person)
    flash(_("The person is signed out on all devices."))
    return _back_to_person(person)


@blueprint.post("/people/<person_id>/factors/reset")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_factor_reset(person_id: str) -> Response:
    """For somebody who lost every factor. One's own are changed in one's account."""
    person = _get_person(person_id)
    if person.id == current_person().id:
        return _back_to_person(person, Conflict(N_("Change your own second step in your account.")))
    reset_factors(db_session(), current_person(), person)
    flash(_("The second step is removed. The person was told by e-mail."))
    return _back_to_person(person)


@blueprint.post("/people/<person_id>/deactivate")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_deactivation(person_id: str) -> Response:
    person = _get_person(person_id)
    try:
        departure.deactivate_person(db_session(), current_person(), person)
    except Conflict as refusal:
        return _back_to_person(person, refusal)
    flash(_("The account is deactivated."))
    return _back_to_person(person)


@blueprint.post("/people/<person_id>/activate")
@require_recent_factor
@require_permission(IdentityPermission.PEOPLE_WRITE)
def post_activation(person_id: str) -> Response:
    person = _get_person(person_id)
    departure.reactivate_person(db_session(), current_person(), person)
    flash(_("The account is active again."))
    return _back_to_person(person)


def _invitation_page(errors: dict[str, str]) -> str:
    return render_template(
        "organizations/admin_invite.html",
        errors=errors,
        entered=request.form,
        roles=[(role, _(ROLE_LABELS[role])) for role in queries.STAFF_ROLES],
        offices=[(one.id, one.name) for one in queries.list_offices(db_session())],
        languages=list_profile_choices()["languages"],
    )


def _read_table() -> str:
    """The table that was typed in, or the file that was chosen."""
    file = request.files.get("file")
    if file is not None and file.filename:
        return file.read(invitations.MAX_IMPORTED_CHARACTERS * 4).decode("utf-8", "replace")
    return request.form.get("table", "")


def _get_person(person_id: str) -> Person:
    person = db_session().get(Person, person_id)
    if person is None or person.home_role == Role.GUEST:
        raise NotFound()
    return person


def _read_office_and_role() -> tuple[Office, Role]:
    office = db_session().get(Office, request.form.get("office", ""))
    if office is None or not office.active:
        raise Invalid(N_("Choose an office from the list."), field="office")
    role = request.form.get("role", "")
    if role not in queries.STAFF_ROLES:
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


def _back_to_person(person: Person, refusal: Refusal | None = None) -> Response:
    if isinstance(refusal, Forbidden):
        raise refusal
    if refusal is not None:
        flash(translate_refusal(refusal), "error")
    return redirect(url_for("portal.show_person", person_id=person.id))
