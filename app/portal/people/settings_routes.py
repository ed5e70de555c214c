"""What administrators set: the institution and its offices."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app.cases.specialties import SPECIALTIES, list_specialty_choices
from app.core.clock import now
from app.core.errors import Invalid, NotFound
from app.i18n.collation import sort_by_name
from app.i18n.locales import get_country_name, list_language_names
from app.i18n.zones import list_zone_choices
from app.identity.forms import COUNTRY_CODES
from app.identity.permissions import IdentityPermission
from app.organizations import institution, offices
from app.organizations.institution import InstitutionEntry
from app.organizations.models import UNNAMED_ORGANISATION, Office, Organisation
from app.organizations.offices import OfficeEntry
from app.organizations.queries import list_offices
from app.portal.blueprint import blueprint
from app.web.access import require_permission
from app.web.context import current_person, db_session, get_settings
from app.web.errors import translate_refusal
from app.web.locale import get_current_language

Page = str | Response | tuple[str, int]


@blueprint.get("/institution")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def show_institution() -> Page:
    return _institution_page(_fields_of_institution(institution.ensure_organisation(db_session())))


@blueprint.post("/institution")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def post_institution() -> Page:
    try:
        institution.change_institution(
            db_session(),
            current_person(),
            InstitutionEntry.read(request.form),
            list(SPECIALTIES),
        )
    except Invalid as refusal:
        return _institution_page(request.form, refusal), refusal.status
    flash(_("The settings are saved."))
    return redirect(url_for("portal.show_institution"))


@blueprint.get("/offices/new")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def show_new_office() -> Page:
    return _office_page(None, MultiDict({"timezone": current_person().timezone}))


@blueprint.post("/offices/new")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def post_new_office() -> Page:
    try:
        entry = OfficeEntry.read(request.form)
        with db_session().begin_nested():
            offices.create_office(db_session(), current_person(), entry)
    except Invalid as refusal:
        return _office_page(None, request.form, refusal), refusal.status
    flash(_("The office is open."))
    return redirect(url_for("portal.show_institution"))


@blueprint.get("/offices/<office_id>")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def show_office(office_id: str) -> Page:
    office = _get_office(office_id)
    return _office_page(office, _fields_of_office(office))


@blueprint.post("/offices/<office_id>")
@require_permission(IdentityPermission.SETTINGS_WRITE)
def post_office(office_id: str) -> Page:
    office = _get_office(office_id)
    try:
        offices.change_office(
            db_session(), current_person(), office, OfficeEntry.read(request.form)
        )
    except Invalid as refusal:
        return _office_page(office, request.form, refusal), refusal.status
    flash(_("The office is saved."))
    return redirect(url_for("portal.show_institution"))


def _institution_page(entered: MultiDict[str, str], refusal: Invalid | None = None) -> str:
    return render_template(
        "portal/institution.html",
        entered=entered,
        errors={refusal.field or "name": translate_refusal(refusal)} if refusal else {},
        specialty_choices=list_specialty_choices(get_current_language().tag),
        offices=list_offices(db_session()),
        days=institution.TURNAROUND_DAYS,
    )


def _office_page(
    office: Office | None, entered: MultiDict[str, str], refusal: Invalid | None = None
) -> str:
    reader = get_current_language().tag
    zone = entered.get("timezone")
    return render_template(
        "portal/office.html",
        office=office,
        entered=entered,
        errors={refusal.field or "name": translate_refusal(refusal)} if refusal else {},
        zones=list_zone_choices(reader, now().date(), keep=zone),
        countries=sort_by_name(
            [(code, get_country_name(code, reader)) for code in COUNTRY_CODES], reader
        ),
        languages=list_language_names(reader),
    )


def _get_office(office_id: str) -> Office:
    office = db_session().get(Office, office_id)
    if office is None:
        raise NotFound()
    return office


def _fields_of_institution(organisation: Organisation) -> MultiDict[str, str]:
    named = organisation.name != UNNAMED_ORGANISATION
    fields = MultiDict(
        {
            "name": organisation.name if named else get_settings().hospital_name,
            "contact_email": organisation.contact_email,
            "contact_phone": organisation.contact_phone,
            "privacy_notice": organisation.privacy_notice,
            "turnaround_days": str(organisation.turnaround_days),
        }
    )
    if organisation.sign_up_open:
        fields["sign_up_open"] = "1"
    fields.setlist("specialties", organisation.specialties or list(SPECIALTIES))
    return fields


def _fields_of_office(office: Office) -> MultiDict[str, str]:
    fields = MultiDict(
        {
            "name": office.name,
            "timezone": office.timezone,
            "hours": office.hours,
            "holidays": "\n".join(office.holidays),
            "emergency_text": office.emergency_text,
            "sender": office.sender,
            "phone": office.phone,
        }
    )
    fields.setlist("countries", office.countries)
    fields.setlist("languages", office.languages)
    return fields
