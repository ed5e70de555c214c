"""The request, step by step: each step saves what was entered and leads to the next."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.cases import forms, policy, queries, service
from app.cases.consents import CONSENTS, CURRENT_VERSION
from app.cases.consents import NAMES as CONSENT_NAMES
from app.cases.forms import EMPTY, TITLES, ConsentsForm, DraftForm, Step, WhoForm
from app.cases.models import Case
from app.cases.service import LONGEST_QUESTION, LONGEST_STORY, MOST_QUESTIONS
from app.cases.specialties import SPECIALTIES
from app.cases.states import Stage
from app.core.errors import Invalid
from app.core.permissions import Permission
from app.web.access import requires
from app.web.context import current_person, db_session
from app.web.errors import sentence_of

blueprint = Blueprint("cases", __name__, template_folder="templates")
STEP = "/cases/<case_id>/request/<any('who', 'story', 'questions', 'meeting'):name>"
Page = str | Response | tuple[str, int]


@blueprint.get("/cases/new")
@requires(Permission.CASE_CREATE)
def new() -> Page:
    return _page(None, Step.WHO, WhoForm(for_self=None))


@blueprint.post("/cases/new")
@requires(Permission.CASE_CREATE)
def create() -> Page:
    entered = WhoForm.read(request.form)
    if entered.faults:
        return _page(None, Step.WHO, entered, entered.faults)
    case = service.create_case(db_session(), current_person(), entered.onto(EMPTY))
    return redirect(_step_url(case, Step.STORY))


@blueprint.get(STEP)
@requires(Permission.CASE_WRITE)
def step(case_id: str, name: str) -> Page:
    case = _draft(case_id)
    here = Step(name)
    return _page(case, here, forms.DRAFT_FORMS[here].of(forms.draft_of(case)))


@blueprint.post(STEP)
@requires(Permission.CASE_WRITE)
def save(case_id: str, name: str) -> Page:
    case, here = _draft(case_id), Step(name)
    entered = forms.DRAFT_FORMS[here].read(request.form)
    if entered.faults:
        return _page(case, here, entered, entered.faults)
    service.change_draft(db_session(), current_person(), case, entered.onto(forms.draft_of(case)))
    return redirect(_onward(case, here))


@blueprint.get("/cases/<case_id>/request/consents")
@requires(Permission.CASE_WRITE)
def consents(case_id: str) -> Page:
    case = _draft(case_id)
    return _page(case, Step.CONSENTS, ConsentsForm(frozenset(_given(case))))


@blueprint.post("/cases/<case_id>/request/consents")
@requires(Permission.CASE_WRITE)
def agree(case_id: str) -> Page:
    case, entered = _draft(case_id), ConsentsForm.read(request.form)
    person = current_person()
    if entered.faults:
        return _page(case, Step.CONSENTS, entered, entered.faults)
    service.give_consents(db_session(), person, case, sorted(entered.kinds))
    return redirect(_onward(case, Step.CONSENTS))


@blueprint.get("/cases/<case_id>/request/review")
@requires(Permission.CASE_WRITE)
def review(case_id: str) -> Page:
    return _page(_draft(case_id), Step.REVIEW, None)


@blueprint.post("/cases/<case_id>/send")
@requires(Permission.CASE_WRITE)
def send(case_id: str) -> Page:
    case = _draft(case_id)
    try:
        service.submit(db_session(), current_person(), case)
    except Invalid as refusal:
        return _page(case, Step.REVIEW, None, {refusal.field or "request": refusal})
    flash(_("Your request is with the hospital. We will tell you as soon as somebody has read it."))
    return redirect(url_for("portal.case", case_id=case.id))


def _draft(case_id: str) -> Case:
    return queries.case_for(db_session(), current_person(), case_id, policy.can_change_case)


def _given(case: Case) -> list[str]:
    return [
        one.kind for one in queries.consents_of(db_session(), case.id) if one.withdrawn_at is None
    ]


def _onward(case: Case, here: Step) -> str:
    """Where a saved step leads: where the button says, else to the next step."""
    match request.form.get("then", ""):
        case "stay":
            return _step_url(case, here)
        case "review":
            return _step_url(case, Step.REVIEW)
        case "later":
            return url_for("portal.home")
    if request.form.get("move"):
        return _step_url(case, here)
    return _step_url(case, here.next)


def _step_url(case: Case | None, step: Step) -> str:
    if case is None:
        return url_for("cases.new")
    if step is Step.RECORDS:
        return url_for("portal.request_records", case_id=case.id)
    if step in forms.DRAFT_FORMS:
        return url_for("cases.step", case_id=case.id, name=step)
    return url_for(f"cases.{step}", case_id=case.id)


def _page(
    case: Case | None,
    step: Step,
    form: DraftForm | ConsentsForm | None,
    faults: forms.Faults | None = None,
) -> Page:
    given = _given(case) if case and step is Step.REVIEW else []
    page = render_template(
        f"cases/{step}.html",
        case=case,
        step=step,
        form=form,
        errors=_sentences(faults or {}),
        given=given,
        done=case is not None and case.stage != Stage.DRAFT,
        **request_context(case, step),
    )
    return (page, 422) if faults else page


def request_context(case: Case | None, step: Step) -> dict[str, object]:
    """What every step's page needs: the steps with their addresses, and the limits that its fields
    show.
    """
    return {
        "steps": [(one, TITLES[one], _step_url(case, one)) for one in Step],
        "step_before": _step_url(case, step.before) if step.before else None,
        "specialties": SPECIALTIES,
        "specialties_said": _said(SPECIALTIES),
        "relation_names": dict(_said(forms.RELATIONS)),
        "relations_said": _said(forms.RELATIONS),
        "consent_texts": CONSENTS,
        "consent_names": dict(_said(CONSENT_NAMES)),
        "consent_version": CURRENT_VERSION,
        "most_questions": MOST_QUESTIONS,
        "longest_question": LONGEST_QUESTION,
        "longest_story": LONGEST_STORY,
        "next_url": _step_url(case, step.next) if case else None,
    }


def _sentences(faults: forms.Faults) -> dict[str, str]:
    return {field: sentence_of(fault) for field, fault in faults.items()}


def _said(words: dict[str, str]) -> list[tuple[str, str]]:
    return [(key, _(word)) for key, word in words.items()]
