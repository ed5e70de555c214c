"""The pages that anybody may see, each role's home, and the page of a case."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.cases import policy
from app.cases import queries as cases
from app.cases import service as case_service
from app.cases.forms import RequestStep, find_first_open_step
from app.cases.models import Case
from app.cases.permissions import CasePermission
from app.cases.routes import build_request_context
from app.cases.specialties import SPECIALTIES
from app.cases.states import CaseStage
from app.consults import queries as consults
from app.core.permissions import Role
from app.identity.permissions import IdentityPermission
from app.organizations.institution import get_turnaround
from app.portal import acts, emergency, queries, words
from app.portal.blueprint import blueprint
from app.records import queries as records
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_person_or_none


@blueprint.get("/")
@allow_public
def show_landing_page() -> str | Response:
    if get_person_or_none():
        return redirect(url_for("portal.show_home"))
    return render_template(
        "portal/landing.html",
        turnaround_days=get_turnaround(db_session()).days,
        start_url=url_for("portal.show_start_page"),
        case_url=url_for("identity.show_sign_in"),
        **_find_local_help(),
    )


@blueprint.get("/how-it-works")
@allow_public
def show_how_it_works() -> str:
    return render_template(
        "portal/how.html",
        turnaround_days=get_turnaround(db_session()).days,
        start_url=url_for("portal.show_start_page"),
        **_find_local_help(),
    )


@blueprint.get("/emergency")
@allow_public
def show_emergency_page() -> str:
    """The stop screen: whoever is in danger is sent to the local number, at once and with nothing
    else to do.
    """
    return render_template(
        "portal/emergency.html",
        numbers=sorted(emergency.EMERGENCY_NUMBERS.items()),
        continue_url=url_for("portal.show_start_page"),
        **_find_local_help(or_else=emergency.UNIVERSAL_EMERGENCY_NUMBER),
    )


@blueprint.get("/start")
@allow_public
def show_start_page() -> str | Response:
    """The first question of every request."""
    person = get_person_or_none()
    if person is not None and not person.may(CasePermission.CASE_CREATE):
        return redirect(url_for("portal.show_home"))
    begin = url_for("cases.show_new_request")
    return render_template(
        "portal/start.html",
        go_on=begin if person else url_for("identity.show_sign_up", next=begin),
        **_find_local_help(),
    )


@blueprint.get("/home")
@require_permission(IdentityPermission.HOME_READ)
def show_home() -> str | Response:
    person, unit = current_person(), db_session()
    match person.role:
        case Role.COORDINATOR:
            return redirect(url_for("portal.show_worklist"))
        case Role.GUEST if invited := consults.find_consult_id_of_guest(unit, person):
            return redirect(url_for("consults.show_consult", consult_id=invited))
        case Role.AUDITOR:
            return redirect(url_for("portal.show_audit_trail"))
        case Role.SPECIALIST:
            return render_template(
                "portal/home_specialist.html",
                home=queries.load_specialist_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )
        case Role.INTERPRETER:
            return render_template(
                "portal/home_interpreter.html",
                home=queries.load_interpreter_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )
        case Role.ADMINISTRATOR:
            return render_template(
                "portal/home_administrator.html",
                health=queries.load_system_health(unit),
                people=queries.count_people_by_role(unit),
                words=words,
            )
        case _:
            return render_template(
                "portal/home_patient.html",
                home=queries.load_patient_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )


@blueprint.get("/cases/<case_id>")
@require_permission(CasePermission.CASE_READ)
def show_case(case_id: str) -> str | Response:
    unit, person = db_session(), current_person()
    found = cases.get_case(unit, person, case_id)
    if found.stage == CaseStage.DRAFT:
        return redirect(_draft_step_url(found))
    case_service.record_case_read(unit, person, found)
    return acts.render_case_page(found)


@blueprint.get("/cases/<case_id>/request/records")
@require_permission(CasePermission.CASE_WRITE)
def show_records_step(case_id: str) -> str:
    """The records step of a request: what is sent here stays with the draft."""
    unit, person = db_session(), current_person()
    draft = cases.get_case(unit, person, case_id, policy.can_change_case)
    return render_template(
        "portal/request_records.html",
        case=draft,
        step=RequestStep.RECORDS,
        errors={},
        panel=records.load_records_panel(unit, person, draft),
        **build_request_context(draft, RequestStep.RECORDS),
    )


def _draft_step_url(draft: Case) -> str:
    given = [
        one.kind for one in cases.list_consents(db_session(), draft.id) if one.withdrawn_at is None
    ]
    step = find_first_open_step(draft, given)
    if step is RequestStep.REVIEW:
        return url_for("cases.show_review_step", case_id=draft.id)
    return url_for("cases.show_request_step", case_id=draft.id, name=step)


def _find_local_help(or_else: str | None = None) -> dict[str, str | None]:
    """The emergency number where the reader seems to be: their profile's country, else their
    browser's.
    """
    person = get_person_or_none()
    country = (
        person.country
        if person and person.country
        else emergency.guess_country(tag for tag, _ in request.accept_languages)
    )
    number = emergency.find_emergency_number(country)
    return {"country": country if number else None, "emergency_number": number or or_else}
