"""The pages that anybody may see, each role's home, and the page of a case."""

from __future__ import annotations

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from app.cases import policy
from app.cases import queries as cases
from app.cases import service as case_service
from app.cases.forms import Step, first_open_step
from app.cases.models import Case
from app.cases.routes import request_context
from app.cases.specialties import SPECIALTIES
from app.cases.states import Stage
from app.consults import queries as consults
from app.core.permissions import Permission, Role
from app.portal import acts, emergency, oversight, queries, words, worklist
from app.portal.blueprint import blueprint
from app.records import queries as records
from app.web.access import public, requires
from app.web.context import current_person, db_session, person_or_none

__all__ = [
    "acts",
    "blueprint",
    "oversight",
    "worklist",
]  # importing them hangs their routes on the blueprint


@blueprint.get("/")
@public
def landing() -> str | Response:
    if person_or_none():
        return redirect(url_for("portal.home"))
    return render_template(
        "portal/landing.html",
        start_url=url_for("portal.start"),
        case_url=url_for("identity.sign_in"),
        **_help_nearby(),
    )


@blueprint.get("/how-it-works")
@public
def how() -> str:
    return render_template("portal/how.html", start_url=url_for("portal.start"), **_help_nearby())


@blueprint.get("/emergency")
@public
def stop() -> str:
    """The stop screen: whoever is in danger is sent to the local number, at once and with nothing
    else to do.
    """
    return render_template(
        "portal/emergency.html",
        numbers=sorted(emergency.NUMBERS.items()),
        continue_url=url_for("portal.start"),
        **_help_nearby(or_else=emergency.EVERYWHERE),
    )


@blueprint.get("/start")
@public
def start() -> str | Response:
    """The first question of every request."""
    person = person_or_none()
    if person is not None and not person.may(Permission.CASE_CREATE):
        return redirect(url_for("portal.home"))
    begin = url_for("cases.new")
    return render_template(
        "portal/start.html",
        go_on=begin if person else url_for("identity.sign_up", next=begin),
        **_help_nearby(),
    )


@blueprint.get("/home")
@requires(Permission.HOME_READ)
def home() -> str | Response:
    person, unit = current_person(), db_session()
    match person.role:
        case Role.COORDINATOR:
            return redirect(url_for("portal.worklist"))
        case Role.GUEST if invited := consults.consult_of_guest(unit, person):
            return redirect(url_for("consults.room", consult_id=invited))
        case Role.AUDITOR:
            return redirect(url_for("portal.audit_trail"))
        case Role.SPECIALIST:
            return render_template(
                "portal/home_specialist.html",
                home=queries.specialist_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )
        case Role.INTERPRETER:
            return render_template(
                "portal/home_interpreter.html",
                home=queries.interpreter_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )
        case Role.ADMINISTRATOR:
            return render_template(
                "portal/home_administrator.html",
                health=queries.health(unit),
                people=queries.people_by_role(unit),
                words=words,
            )
        case _:
            return render_template(
                "portal/home_patient.html",
                home=queries.patient_home(unit, person),
                specialties=SPECIALTIES,
                words=words,
            )


@blueprint.get("/cases/<case_id>")
@requires(Permission.CASE_READ)
def case(case_id: str) -> str | Response:
    unit, person = db_session(), current_person()
    found = cases.case_for(unit, person, case_id)
    if found.stage == Stage.DRAFT:
        return redirect(_where_it_stopped(found))
    case_service.note_read(unit, person, found)
    return acts.case_page_for(found)


@blueprint.get("/cases/<case_id>/request/records")
@requires(Permission.CASE_WRITE)
def request_records(case_id: str) -> str:
    """The records step of a request: what is sent here stays with the draft."""
    unit, person = db_session(), current_person()
    draft = cases.case_for(unit, person, case_id, policy.can_change_case)
    return render_template(
        "portal/request_records.html",
        case=draft,
        step=Step.RECORDS,
        errors={},
        panel=records.panel(unit, person, draft),
        **request_context(draft, Step.RECORDS),
    )


def _where_it_stopped(draft: Case) -> str:
    given = [
        one.kind for one in cases.consents_of(db_session(), draft.id) if one.withdrawn_at is None
    ]
    step = first_open_step(draft, given)
    if step is Step.REVIEW:
        return url_for("cases.review", case_id=draft.id)
    return url_for("cases.step", case_id=draft.id, name=step)


def _help_nearby(or_else: str | None = None) -> dict[str, str | None]:
    """The emergency number where the reader seems to be: their profile's country, else their
    browser's.
    """
    person = person_or_none()
    country = (
        person.country
        if person and person.country
        else emergency.country_of(tag for tag, _ in request.accept_languages)
    )
    number = emergency.number_for(country)
    return {"country": country if number else None, "emergency_number": number or or_else}
