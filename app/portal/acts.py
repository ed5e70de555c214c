"""What can be done from the page of a case. A refusal shows the page again, with the sentence and
what was entered.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.cases import policy, sharing
from app.cases import queries as cases
from app.cases import service as case_service
from app.cases.models import Case, CaseMember
from app.cases.permissions import CasePermission
from app.cases.specialties import SPECIALTIES
from app.cases.states import CaseStage
from app.core.clock import now
from app.core.errors import Conflict, Invalid, Refusal
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person
from app.portal import case_page, words
from app.portal.blueprint import blueprint
from app.records import queries as records
from app.scheduling import queries as scheduling
from app.scheduling.bookings import service as bookings
from app.scheduling.matching import candidates
from app.scheduling.matching.queries import qualified_interpreters
from app.web.access import require_permission, require_recent_factor
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal

CasePageResponse = str | Response | tuple[str, int]
CaseAct = Callable[[Session, Person, Case], object]


def render_case_page(case: Case, refusal: Refusal | None = None) -> str:
    """The page of a case for the person who asks, who may read it."""
    unit, person = db_session(), current_person()
    page = case_page.build_case_page(unit, person, case)
    if page.role == Role.INTERPRETER:
        return render_template(
            "portal/brief.html", page=page, case=case, specialties=SPECIALTIES, words=words
        )
    return render_template(
        "portal/case.html",
        page=page,
        case=case,
        errors={refusal.field or "case": translate_refusal(refusal)} if refusal else {},
        entered=request.form,
        specialties=SPECIALTIES,
        words=words,
        milestones_said=[replace(one, label=_(one.label)) for one in page.milestones],
    )


@blueprint.post("/cases/<case_id>/triage")
@require_permission(CasePermission.CASE_TRIAGE)
def post_triage_start(case_id: str) -> CasePageResponse:
    return _perform_case_act(
        case_id, case_service.begin_triage, N_("You are now checking this case.")
    )


@blueprint.post("/cases/<case_id>/accept")
@require_permission(CasePermission.CASE_TRIAGE)
def post_case_acceptance(case_id: str) -> CasePageResponse:
    return _perform_case_act(
        case_id,
        case_service.accept_case,
        N_("The case is accepted. The turnaround time has started."),
    )


@blueprint.post("/cases/<case_id>/ask")
@require_permission(CasePermission.CASE_TRIAGE)
def post_record_request(case_id: str) -> CasePageResponse:
    what = request.form.get("what", "")
    return _perform_case_act(
        case_id,
        lambda unit, person, case: case_service.request_records(unit, person, case, what),
        N_("The patient has been asked."),
    )


@blueprint.post("/cases/<case_id>/decline")
@require_permission(CasePermission.CASE_TRIAGE)
def post_case_decline(case_id: str) -> CasePageResponse:
    reason = request.form.get("reason", "")

    def act(unit: Session, person: Person, case: Case) -> None:
        _release_hold(unit, person, case)
        case_service.decline_case(unit, person, case, reason)

    return _perform_case_act(
        case_id, act, N_("The patient has been told that the hospital cannot take this case.")
    )


@blueprint.post("/cases/<case_id>/assign")
@require_permission(CasePermission.CASE_ASSIGN)
def post_case_assignment(case_id: str) -> CasePageResponse:
    def act(unit: Session, person: Person, case: Case) -> None:
        chosen = unit.get(Person, request.form.get("person", ""))
        if chosen is None:
            raise Invalid(N_("Choose a person from the list."), field="person")
        _refuse_unqualified(unit, case, chosen)
        case_service.assign_person_to_case(unit, person, case, chosen)

    return _perform_case_act(
        case_id,
        act,
        N_("This person has been added to the case and told about it."),
        anchor="people",
    )


@blueprint.post("/cases/<case_id>/open-file")
@require_recent_factor
@require_permission(CasePermission.CASE_TRIAGE)
def post_file_opening(case_id: str) -> CasePageResponse:
    kind = request.form.get("why", "")
    known = words.FILE_OPENING_REASONS.get(kind) if kind != "other" else None
    reason = known or request.form.get("reason", "")
    return _perform_case_act(
        case_id,
        lambda unit, person, case: case_service.open_clinical_file(unit, person, case, reason),
        N_("You can read the file for one hour. The patient sees this and your reason."),
        anchor="story",
    )


@blueprint.post("/cases/<case_id>/records-sent")
@require_permission(CasePermission.CASE_WRITE)
def post_records_sent(case_id: str) -> CasePageResponse:
    """A patient who has sent nothing since the office asked is asked once more."""
    unit, person = db_session(), current_person()
    case = cases.get_case(unit, person, case_id, policy.can_add_records)
    missing = cases.list_open_record_requests(unit, case.id)
    if (
        missing
        and person.role == Role.PATIENT
        and "nothing_more" not in request.form
        and not records.has_sent_since(unit, person, case, missing[0].asked_at)
    ):
        return render_template("portal/nothing_sent.html", case=case, missing=missing)
    return _perform_case_act(
        case_id,
        case_service.provide_records,
        N_("Thank you. The hospital will now check what you sent."),
        can=policy.can_add_records,
    )


@blueprint.post("/cases/<case_id>/close")
@require_permission(CasePermission.CASE_WITHDRAW)
def post_case_closing(case_id: str) -> CasePageResponse:
    return _perform_case_act(
        case_id,
        case_service.close_case,
        N_("The case is closed. You can still read everything in it here."),
        can=_is_patient_or_office,
    )


@blueprint.post("/cases/<case_id>/withdraw")
@require_permission(CasePermission.CASE_WITHDRAW)
def post_case_withdrawal(case_id: str) -> CasePageResponse:
    def act(unit: Session, person: Person, case: Case) -> None:
        _cancel_booking(unit, person, case)
        case_service.withdraw_case(unit, person, case)

    return _perform_case_act(
        case_id,
        act,
        N_("You withdrew your request. Nobody is working on it any more."),
        can=_is_patient_or_office,
    )


@blueprint.post("/cases/<case_id>/shares")
@require_permission(CasePermission.CASE_ASSIGN)
def post_case_share(case_id: str) -> CasePageResponse:
    office_id, reason = request.form.get("office", ""), request.form.get("share_reason", "")
    return _perform_case_act(
        case_id,
        lambda unit, person, case: sharing.share_case(unit, person, case, office_id, reason),
        N_("The other office can now see this case."),
        can=_is_own_office,
        anchor="offices",
    )


@blueprint.post("/cases/<case_id>/shares/<share_id>/end")
@require_permission(CasePermission.CASE_ASSIGN)
def post_case_share_end(case_id: str, share_id: str) -> CasePageResponse:
    return _perform_case_act(
        case_id,
        lambda unit, person, case: sharing.end_case_share(
            unit, person, sharing.get_case_share(case, share_id)
        ),
        N_("The other office can no longer see this case."),
        can=_is_own_office,
        anchor="offices",
    )


def _perform_case_act(
    case_id: str, act: CaseAct, done: str, *, can: cases.CasePolicy | None = None, anchor: str = ""
) -> CasePageResponse:
    unit, person = db_session(), current_person()
    case = cases.get_case(unit, person, case_id, can or _is_office)
    try:
        act(unit, person, case)
    except (Invalid, Conflict) as refusal:
        unit.rollback()
        return render_case_page(case, refusal), refusal.status
    flash(_(done))
    if case.stage == CaseStage.WITHDRAWN and case.submitted_at is None:
        return redirect(url_for("portal.show_home"))
    return redirect(url_for("portal.show_case", case_id=case_id, _anchor=anchor or None))


def _is_office(person: Person, case: Case, member: CaseMember | None) -> bool:
    return policy.can_run_office(person, case)


def _is_own_office(person: Person, case: Case, member: CaseMember | None) -> bool:
    return policy.can_share_case(person, case)


def _is_patient_or_office(person: Person, case: Case, member: CaseMember | None) -> bool:
    if policy.can_run_office(person, case):
        return True
    return policy.is_current_member(member) and person.id == case.patient_id


def _refuse_unqualified(unit: Session, case: Case, chosen: Person) -> None:
    """An interpreter may only be named for a pair of languages that their credential covers
    today.
    """
    if chosen.role != Role.INTERPRETER:
        return
    specialist = cases.find_member_of_role(unit, case.id, Role.SPECIALIST)
    if specialist is None:
        raise Conflict(
            N_("Choose a specialist first. The interpreter depends on the specialist’s language.")
        )
    source, target, needed = candidates.language_pair_of(case.language, specialist)
    if not needed:
        raise Invalid(
            N_("Patient and specialist share a language. No interpreter is needed."),
            field="person",
        )
    if chosen.id not in {
        one.id for one in qualified_interpreters(unit, source, target, now().date())
    }:
        raise Invalid(
            N_("%(name)s is not qualified for these two languages."),
            field="person",
            name=chosen.name,
        )


def _cancel_booking(unit: Session, person: Person, case: Case) -> None:
    """Frees everybody's time before the case ends; a meeting that has begun is left to end by
    itself.
    """
    booking = scheduling.booking_of_case(unit, case.id)
    if booking is not None and booking.starts_at > now():
        bookings.cancel_booking(unit, person, booking, _("The request was withdrawn."))
    _release_hold(unit, person, case)


def _release_hold(unit: Session, person: Person, case: Case) -> None:
    held = scheduling.hold_of_case(unit, case.id)
    if held is not None:
        bookings.release_hold(unit, person, held)
