"""What people enter about a case, one small form a step. Reading never fails: ``faults`` says
what to mend, by field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from werkzeug.datastructures import MultiDict

from app.cases.consents import CONSENT_TEXTS
from app.cases.models import Case
from app.cases.service import (
    MAX_QUESTION_CHARACTERS,
    MAX_QUESTIONS,
    MAX_STORY_CHARACTERS,
    CaseDraft,
)
from app.cases.specialties import SPECIALTIES
from app.core.errors import Invalid
from app.core.text import N_, UNSEEN_CHARACTERS, has_unseen_characters, parse_whole_number
from app.i18n.locales import LOCALES

FormFaults = Mapping[str, Invalid]
MAX_SUBJECT_NAME_CHARACTERS = 120
MAX_AUTHORITY_CHARACTERS = 500

RELATION_LABELS: dict[str, str] = {
    "child": N_("My child"),
    "parent": N_("My mother or father"),
    "spouse": N_("My husband, wife or partner"),
    "sibling": N_("My sister or brother"),
    "ward": N_("A person I am the guardian of"),
    "other": N_("Someone else"),
}


class RequestStep(StrEnum):
    """The steps of a request, in their order."""

    WHO = "who"
    STORY = "story"
    QUESTIONS = "questions"
    MEETING = "meeting"
    RECORDS = "records"
    CONSENTS = "consents"
    REVIEW = "review"

    @property
    def next(self) -> RequestStep:
        steps = list(RequestStep)
        return steps[min(steps.index(self) + 1, len(steps) - 1)]

    @property
    def before(self) -> RequestStep | None:
        place = list(RequestStep).index(self)
        return list(RequestStep)[place - 1] if place else None


STEP_TITLES: dict[RequestStep, str] = {
    RequestStep.WHO: N_("Who is it for?"),
    RequestStep.STORY: N_("What has happened"),
    RequestStep.QUESTIONS: N_("Your questions"),
    RequestStep.MEETING: N_("How would you like to receive the answer?"),
    RequestStep.RECORDS: N_("Your records"),
    RequestStep.CONSENTS: N_("Your consent"),
    RequestStep.REVIEW: N_("Check and send"),
}


def build_case_draft(case: Case) -> CaseDraft:
    """What a case holds now, as the patient would enter it."""
    return CaseDraft(
        specialty=case.specialty,
        story=case.story,
        questions=tuple(one.text for one in case.questions),
        written_only=case.written_only,
        for_self=case.for_self,
        subject_name=case.subject_name,
        subject_relation=case.subject_relation,
        subject_authority=case.subject_authority,
    )


EMPTY_CASE_DRAFT = CaseDraft(specialty="", story="", questions=())


@dataclass(frozen=True)
class WhoForm:
    for_self: bool | None
    subject_name: str = ""
    subject_relation: str = ""
    subject_authority: str = ""

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> WhoForm:
        return cls(
            for_self={"self": True, "other": False}.get(form.get("who", "")),
            subject_name=_read_text(form, "subject_name"),
            subject_relation=_read_text(form, "subject_relation"),
            subject_authority=_read_text(form, "subject_authority"),
        )

    @classmethod
    def from_draft(cls, draft: CaseDraft) -> WhoForm:
        return cls(
            draft.for_self,
            draft.subject_name or "",
            draft.subject_relation or "",
            draft.subject_authority or "",
        )

    @property
    def faults(self) -> FormFaults:
        if self.for_self is None:
            return {"who": Invalid(N_("Say who you are asking for."))}
        if self.for_self:
            return {}
        faults: dict[str, Invalid] = {}
        if not self.subject_name:
            faults["subject_name"] = Invalid(N_("Enter the name of the person you are asking for."))
        elif len(self.subject_name) > MAX_SUBJECT_NAME_CHARACTERS:
            faults["subject_name"] = _too_long_fault(MAX_SUBJECT_NAME_CHARACTERS)
        elif has_unseen_characters(self.subject_name):
            faults["subject_name"] = Invalid(UNSEEN_CHARACTERS)
        if self.subject_relation not in RELATION_LABELS:
            faults["subject_relation"] = Invalid(N_("Say how you are related to this person."))
        if not self.subject_authority:
            faults["subject_authority"] = Invalid(
                N_("Say what gives you the right to ask for this person.")
            )
        elif len(self.subject_authority) > MAX_AUTHORITY_CHARACTERS:
            faults["subject_authority"] = _too_long_fault(MAX_AUTHORITY_CHARACTERS)
        return faults

    def apply_to_draft(self, draft: CaseDraft) -> CaseDraft:
        return replace(
            draft,
            for_self=bool(self.for_self),
            subject_name=self.subject_name or None,
            subject_relation=self.subject_relation or None,
            subject_authority=self.subject_authority or None,
        )


@dataclass(frozen=True)
class StoryForm:
    specialty: str
    story: str

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> StoryForm:
        return cls(_read_text(form, "specialty"), _read_text(form, "story"))

    @classmethod
    def from_draft(cls, draft: CaseDraft) -> StoryForm:
        return cls(draft.specialty, draft.story)

    @property
    def faults(self) -> FormFaults:
        faults: dict[str, Invalid] = {}
        if self.specialty not in SPECIALTIES:
            faults["specialty"] = Invalid(N_("Choose the medical specialty of your question."))
        if not self.story:
            faults["story"] = Invalid(N_("Describe the illness in a few sentences."))
        elif len(self.story) > MAX_STORY_CHARACTERS:
            faults["story"] = _too_long_fault(MAX_STORY_CHARACTERS)
        return faults

    def apply_to_draft(self, draft: CaseDraft) -> CaseDraft:
        return replace(draft, specialty=self.specialty, story=self.story)


@dataclass(frozen=True)
class QuestionsForm:
    """``texts`` in the order of the fields, empty ones dropped. ``move`` asks to shift one
    before it is saved.
    """

    texts: tuple[str, ...]

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> QuestionsForm:
        texts = [text.replace("\r\n", "\n").strip() for text in form.getlist("question")]
        return cls(tuple(text for text in _move_question(texts, form.get("move", "")) if text))

    @classmethod
    def from_draft(cls, draft: CaseDraft) -> QuestionsForm:
        return cls(draft.questions)

    @property
    def faults(self) -> FormFaults:
        if not self.texts:
            return {
                "questions": Invalid(
                    N_("Ask at least one question, so that the specialist knows what to answer.")
                )
            }
        if len(self.texts) > MAX_QUESTIONS:
            return {"questions": Invalid(N_("Ask at most %(most)s questions."), most=MAX_QUESTIONS)}
        if any(len(text) > MAX_QUESTION_CHARACTERS for text in self.texts):
            return {
                "questions": Invalid(
                    N_("Keep each question under %(most)s characters."),
                    most=MAX_QUESTION_CHARACTERS,
                )
            }
        return {}

    def apply_to_draft(self, draft: CaseDraft) -> CaseDraft:
        return replace(draft, questions=self.texts)


@dataclass(frozen=True)
class MeetingForm:
    written_only: bool | None

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> MeetingForm:
        return cls({"meeting": False, "written": True}.get(form.get("way", "")))

    @classmethod
    def from_draft(cls, draft: CaseDraft) -> MeetingForm:
        return cls(draft.written_only)

    @property
    def faults(self) -> FormFaults:
        if self.written_only is None:
            return {"way": Invalid(N_("Choose one of the two options."))}
        return {}

    def apply_to_draft(self, draft: CaseDraft) -> CaseDraft:
        return replace(draft, written_only=bool(self.written_only))


@dataclass(frozen=True)
class ConsentsForm:
    """``shown_in`` is the language in which the page showed the texts: another tab may have changed
    the reader's language since. Empty where the page did not say.
    """

    kinds: frozenset[str]
    shown_in: str = ""

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> ConsentsForm:
        shown_in = form.get("shown_in", "")
        return cls(
            frozenset(form.getlist("consent")) & frozenset(CONSENT_TEXTS),
            shown_in if shown_in in LOCALES else "",
        )

    @property
    def faults(self) -> FormFaults:
        return {
            f"consent_{kind}": Invalid(N_("We need this consent before you can send your case."))
            for kind in CONSENT_TEXTS
            if kind not in self.kinds
        }


DraftForm = WhoForm | StoryForm | QuestionsForm | MeetingForm
DRAFT_FORMS: dict[RequestStep, type[DraftForm]] = {
    RequestStep.WHO: WhoForm,
    RequestStep.STORY: StoryForm,
    RequestStep.QUESTIONS: QuestionsForm,
    RequestStep.MEETING: MeetingForm,
}


def find_first_open_step(case: Case, consented: Sequence[str]) -> RequestStep:
    """Where a patient who comes back goes on: the first step that is not yet filled in, else the
    review.
    """
    draft = build_case_draft(case)
    for step, form in DRAFT_FORMS.items():
        if step is not RequestStep.MEETING and form.from_draft(draft).faults:
            return step
    return (
        RequestStep.REVIEW if not ConsentsForm(frozenset(consented)).faults else RequestStep.MEETING
    )


def _read_text(form: MultiDict[str, str], name: str) -> str:
    return form.get(name, "").replace("\r\n", "\n").strip()


def _too_long_fault(most: int) -> Invalid:
    return Invalid(N_("Keep this under %(most)s characters."), most=most)


def _move_question(texts: list[str], move: str) -> list[str]:
    """``move`` is «up:3», «down:1» or «remove:2», counted from 1; anything else leaves the order as
    it is.
    """
    how, _, place = move.partition(":")
    at = (parse_whole_number(place) or 0) - 1
    if not 0 <= at < len(texts):
        return texts
    text = texts.pop(at)
    if how != "remove":
        texts.insert(max(0, at + {"up": -1, "down": 1}.get(how, 0)), text)
    return texts
