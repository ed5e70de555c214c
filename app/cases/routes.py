"""The request, step by step: each step saves what was entered and leads to the next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases import forms, policy, queries, service
from app.cases.consents import CONSENT_LABELS as CONSENT_NAMES
from app.cases.consents import CONSENT_TEXT_VERSION, CONSENT_TEXTS
from app.cases.forms import (
    EMPTY_CASE_DRAFT,
    STEP_TITLES,
    ConsentsForm,
    DraftForm,
    RequestStep,
    WhoForm,
)
from app.cases.models import Case
from app.cases.permissions import CasePermission
from app.cases.service import MAX_QUESTION_CHARACTERS, MAX_QUESTIONS, MAX_STORY_CHARACTERS
from app.cases.specialties import SPECIALTIES, list_specialty_choices
from app.cases.states import CaseStage
from app.core.errors import Invalid
from app.organizations.institution import is_specialty_offered
from app.web.access import require_permission
from app.web.context import current_person, db_session
from app.web.errors import translate_refusal
from app.web.locale import get_current_language

blueprint = Blueprint("cases", __name__, template_folder="templates")
STEP_URL_RULE = "/cases/<case_id>/request/<any('who', 'story', 'questions', 'meeting'):name>"
RequestStepResponse = str | Response | tuple[str, int]


@blueprint.get("/cases/new")
@require_permission(CasePermission.CASE_CREATE)
def show_new_request() -> RequestStepResponse:
    return _render_step(None, RequestStep.WHO, WhoForm(for_self=None))


@blueprint.post("/cases/new")
@require_permission(CasePermission.CASE_CREATE)
def post_new_request() -> RequestStepResponse:
    entered = WhoForm.read(request.form)
    if entered.faults:
        return _render_step(None, RequestStep.WHO, entered, entered.faults)
    case = service.create_case(
        db_session(), current_person(), entered.apply_to_draft(EMPTY_CASE_DRAFT)
    )
    return redirect(_step_url(case, RequestStep.STORY))


@blueprint.get(STEP_URL_RULE)
@require_permission(CasePermission.CASE_WRITE)
def show_request_step(case_id: str, name: str) -> RequestStepResponse:
    case = _get_draft(case_id)
    here = RequestStep(name)
    return _render_step(
        case, here, forms.DRAFT_FORMS[here].from_draft(forms.build_case_draft(case))
    )


@blueprint.post(STEP_URL_RULE)
@require_permission(CasePermission.CASE_WRITE)
def post_request_step(case_id: str, name: str) -> RequestStepResponse:
    case, here = _get_draft(case_id), RequestStep(name)
    entered = forms.DRAFT_FORMS[here].read(request.form)
    if entered.faults:
        return _render_step(case, here, entered, entered.faults)
    service.change_case_draft(
        db_session(), current_person(), case, entered.apply_to_draft(forms.build_case_draft(case))
    )
    return redirect(_next_url(case, here))


@blueprint.get("/cases/<case_id>/request/consents")
@require_permission(CasePermission.CASE_WRITE)
def show_consents_step(case_id: str) -> RequestStepResponse:
    case = _get_draft(case_id)
    return _render_step(
        case, RequestStep.CONSENTS, ConsentsForm(frozenset(_list_given_consents(case)))
    )


@blueprint.post("/cases/<case_id>/request/consents")
@require_permission(CasePermission.CASE_WRITE)
def post_consents_step(case_id: str) -> RequestStepResponse:
    case, entered = _get_draft(case_id), ConsentsForm.read(request.form)
    person = current_person()
    if entered.faults:
        return _render_step(case, RequestStep.CONSENTS, entered, entered.faults)
    shown_in = entered.shown_in or get_current_language().tag
    service.give_consents(db_session(), person, case, sorted(entered.kinds), shown_in)
    return redirect(_next_url(case, RequestStep.CONSENTS))


@blueprint.get("/cases/<case_id>/request/review")
@require_permission(CasePermission.CASE_WRITE)
def show_review_step(case_id: str) -> RequestStepResponse:
    return _render_step(_get_draft(case_id), RequestStep.REVIEW, None)


@blueprint.post("/cases/<case_id>/send")
@require_permission(CasePermission.CASE_WRITE)
def post_case_submission(case_id: str) -> RequestStepResponse:
    case = _get_draft(case_id)
    try:
        service.submit_case(db_session(), current_person(), case)
    except Invalid as refusal:
        return _render_step(case, RequestStep.REVIEW, None, {refusal.field or "request": refusal})
    flash(_("Your request is with the hospital. We will tell you when someone has read it."))
    return redirect(url_for("portal.show_case", case_id=case.id))


def _get_draft(case_id: str) -> Case:
    return queries.get_case(db_session(), current_person(), case_id, policy.can_change_case)


def _list_given_consents(case: Case) -> list[str]:
    return [
        one.kind for one in queries.list_consents(db_session(), case.id) if one.withdrawn_at is None
    ]


def _next_url(case: Case, here: RequestStep) -> str:
    """Where a saved step leads: where the button says, else to the next step."""
    match request.form.get("then", ""):
        case "stay":
            return _step_url(case, here)
        case "review":
            return _step_url(case, RequestStep.REVIEW)
        case "later":
            return url_for("portal.show_home")
    if request.form.get("move"):
        return _step_url(case, here)
    return _step_url(case, here.next)


def _step_url(case: Case | None, step: RequestStep) -> str:
    if case is None:
        return url_for("cases.show_new_request")
    if step is RequestStep.RECORDS:
        return url_for("portal.show_records_step", case_id=case.id)
    if step in forms.DRAFT_FORMS:
        return url_for("cases.show_request_step", case_id=case.id, name=step)
    if step is RequestStep.CONSENTS:
        return url_for("cases.show_consents_step", case_id=case.id)
    return url_for("cases.show_review_step", case_id=case.id)


def _render_step(
    case: Case | None,
    step: RequestStep,
    form: DraftForm | ConsentsForm | None,
    faults: forms.FormFaults | None = None,
) -> RequestStepResponse:
    given = _list_given_consents(case) if case and step is RequestStep.REVIEW else []
    page = render_template(
        f"cases/{step}.html",
        case=case,
        step=step,
        form=form,
        errors=_fault_sentences(faults or {}),
        given=given,
        done=case is not None and case.stage != CaseStage.DRAFT,
        **build_request_context(case, step),
    )
    return (page, 422) if faults else page


def build_request_context(case: Case | None, step: RequestStep) -> dict[str, object]:
    """What every step's page needs: the steps with their addresses, and the limits that its fields
    show.
    """
    return {
        "steps": [(one, STEP_TITLES[one], _step_url(case, one)) for one in RequestStep],
        "step_before": _step_url(case, step.before) if step.before else None,
        "specialties": SPECIALTIES,
        "specialty_choices": _list_offered_specialties(case),
        "relation_names": dict(_translate_labels(forms.RELATION_LABELS)),
        "relations_said": _translate_labels(forms.RELATION_LABELS),
        "consent_texts": CONSENT_TEXTS,
        "consent_names": dict(_translate_labels(CONSENT_NAMES)),
        "consent_version": CONSENT_TEXT_VERSION,
        "most_questions": MAX_QUESTIONS,
        "longest_question": MAX_QUESTION_CHARACTERS,
        "longest_story": MAX_STORY_CHARACTERS,
        "next_url": _step_url(case, step.next) if case else None,
    }


def _list_offered_specialties(case: Case | None) -> list[tuple[str, str]]:
    """Those that the hospital offers, and what the draft has already."""
    chosen = case.specialty if case else ""
    return [
        (key, words)
        for key, words in list_specialty_choices(get_current_language().tag)
        if key == chosen or is_specialty_offered(db_session(), key)
    ]


def _fault_sentences(faults: forms.FormFaults) -> dict[str, str]:
    return {field: translate_refusal(fault) for field, fault in faults.items()}


def _translate_labels(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(key, _(word)) for key, word in words.items()]
