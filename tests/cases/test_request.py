"""A patient asks for a second opinion, step by step, without a single script."""

from __future__ import annotations

import hashlib
import html
import re

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.cases import queries
from app.cases.consents import CONSENT_TEXT_VERSION, CONSENT_TEXTS
from app.cases.models import Consent
from app.cases.states import CaseStage
from app.core.permissions import Role
from app.i18n.translate import make_translator
from tests.people import a_case, a_person

TEN = [f"Question {number}?" for number in range(1, 11)]


def begin(visitor) -> str:
    """Answers the first step for oneself; the id of the draft."""
    answer = visitor.post("/cases/new", who="self")
    assert answer.status_code == 200, answer.text
    found = re.search(r"/cases/([0-9a-f]{32})/request/story", answer.request.path)
    assert found, answer.request.path
    return found.group(1)


def test_a_consent_keeps_the_language_of_its_page_not_of_another_tab(visit, person, look):
    """The page was read in Spanish; before it was sent, another tab turned to Chinese."""
    patient = visit(person(Role.PATIENT, language="es"))
    case_id = begin(patient)
    step = f"/cases/{case_id}/request/consents"
    page = patient.get(step).text
    shown_in = re.search(r'name="shown_in" value="([^"]*)"', page)
    patient.get("/?lang=zh-Hans")

    patient.post(step, consent=list(CONSENT_TEXTS), shown_in=shown_in.group(1) if shown_in else "")

    given = look(lambda session: session.scalars(select(Consent)).all())
    assert len(given) == len(CONSENT_TEXTS)
    for one in given:
        assert one.language == "es" and one.text == make_translator("es")(CONSENT_TEXTS[one.kind])
        assert one.text in html.unescape(page)


@pytest.mark.parametrize("shown_in", ["tlh", "", "x" * 500])
def test_a_consent_in_no_language_of_ours_keeps_that_of_the_page(visit, person, look, shown_in):
    patient = visit(person(Role.PATIENT, language="es"))
    case_id = begin(patient)
    patient.post(
        f"/cases/{case_id}/request/consents", consent=list(CONSENT_TEXTS), shown_in=shown_in
    )
    given = look(lambda session: session.scalars(select(Consent)).all())
    assert {one.language for one in given} == {"es"}


def test_a_request_goes_from_the_first_question_to_the_hospital(visit, person, the_case, look):
    person(Role.COORDINATOR)
    patient = visit(person(Role.PATIENT, language="es"))
    case_id = begin(patient)
    step = f"/cases/{case_id}/request"
    assert patient.post(
        f"{step}/story", specialty="oncology", story="Todo empezó en mayo."
    ).request.path.endswith("/questions")
    assert patient.post(
        f"{step}/questions", question=["¿Es correcto?", "", "¿Debo operarme?"]
    ).request.path.endswith("/meeting")
    assert patient.post(f"{step}/meeting", way="meeting").request.path.endswith("/records")
    assert patient.post(f"{step}/consents", consent=list(CONSENT_TEXTS)).request.path.endswith(
        "/review"
    )
    review = patient.get(f"{step}/review").text
    assert "Todo empezó en mayo." in review and "¿Debo operarme?" in review

    sent = patient.post(f"/cases/{case_id}/send")

    assert sent.status_code == 200 and sent.request.path == f"/cases/{case_id}"
    case = the_case()
    assert (
        case.stage == CaseStage.SUBMITTED
        and case.submitted_at is not None
        and case.act_by is not None
    )
    assert [(one.number, one.text) for one in case.questions] == [
        (1, "¿Es correcto?"),
        (2, "¿Debo operarme?"),
    ]
    given = look(lambda session: session.scalars(select(Consent)).all())
    assert {(one.kind, one.text_version, one.language) for one in given} == {
        (kind, CONSENT_TEXT_VERSION, "es") for kind in CONSENT_TEXTS
    }
    say = make_translator("es")
    for one in given:  # the very text that the page showed, and its hash
        assert one.text == say(CONSENT_TEXTS[one.kind]) != CONSENT_TEXTS[one.kind]
        assert one.text_hash == hashlib.sha256(one.text.encode()).hexdigest()
        assert one.text in html.unescape(patient.get(f"/cases/{case_id}").text)
    verbs = look(
        lambda session: set(
            session.scalars(select(AuditEntry.verb).where(AuditEntry.case_id == case.id))
        )
    )
    assert {"case.created", "consent.given", "case.advanced", "case.read"} <= verbs


def test_a_proxy_says_for_whom_and_by_what_right(visit, person, the_case):
    patient = visit(person())
    refused = patient.post("/cases/new", who="other", subject_name="Lucía")
    assert refused.status_code == 422
    assert "how you are related" in refused.text and "what gives you" in refused.text
    assert 'value="Lucía"' in refused.text  # what was entered is still there
    assert the_case() is None

    patient.post(
        "/cases/new",
        who="other",
        subject_name="Lucía",
        subject_relation="child",
        subject_authority="I am her mother.",
    )
    case = the_case()
    assert (case.for_self, case.subject_name, case.subject_relation) == (False, "Lucía", "child")


@pytest.mark.parametrize(
    "fields, sentence",
    [
        ({}, "who you are asking for"),
        ({"who": "other"}, "the name of the person"),
        (
            {
                "who": "other",
                "subject_name": "x" * 121,
                "subject_relation": "child",
                "subject_authority": "mother",
            },
            "under 120 characters",
        ),
        (
            {
                "who": "other",
                "subject_name": "A",
                "subject_relation": "neighbour",
                "subject_authority": "x",
            },
            "related",
        ),
    ],
)
def test_who_it_is_for_has_to_be_clear(visit, person, fields, sentence):
    answer = visit(person()).post("/cases/new", **fields)
    assert answer.status_code == 422 and sentence in answer.text


@pytest.mark.parametrize(
    "step, fields, sentence",
    [
        ("story", {"specialty": "astrology", "story": "A story"}, "specialty"),
        ("story", {"specialty": "oncology", "story": "  "}, "story of the illness"),
        ("story", {"specialty": "oncology", "story": "x" * 20_001}, "under 20000 characters"),
        ("questions", {"question": ["", "  "]}, "at least one question"),
        ("questions", {"question": [*TEN, "One more?"]}, "at most 10 questions"),
        ("questions", {"question": ["x" * 1_001]}, "under 1000 characters"),
        ("meeting", {"way": "by pigeon"}, "Choose one of the two"),
        ("consents", {"consent": ["telehealth", "everything"]}, "We need this consent"),
    ],
)
def test_each_step_says_beside_the_field_what_is_wrong_and_keeps_what_was_entered(
    visit, person, step, fields, sentence
):
    patient = visit(person())
    case_id = begin(patient)
    answer = patient.post(f"/cases/{case_id}/request/{step}", **fields)
    assert answer.status_code == 422
    assert sentence in answer.text and "error-summary" in answer.text
    if "story" in fields and fields["story"].strip():
        assert fields["story"][:50] in answer.text


def test_ten_questions_are_welcome_and_can_be_moved_and_removed_without_scripts(
    visit, person, the_case
):
    patient = visit(person())
    url = f"/cases/{begin(patient)}/request/questions"
    patient.post(url, question=TEN)
    assert [one.text for one in the_case().questions] == TEN

    moved = patient.post(url, question=["First?", "Second?", "Third?"], move="up:3")
    assert moved.request.path == url  # one stays on the page to go on ordering
    assert [one.text for one in the_case().questions] == ["First?", "Third?", "Second?"]
    patient.post(url, question=["First?", "Third?", "Second?"], move="remove:1")
    patient.post(url, question=["Third?", "Second?"], move="down:99")
    assert [(one.number, one.text) for one in the_case().questions] == [
        (1, "Third?"),
        (2, "Second?"),
    ]


def test_a_draft_is_kept_and_found_again_where_it_stopped(visit, person, the_case):
    someone = person()
    patient = visit(someone)
    case_id = begin(patient)
    home = patient.post(
        f"/cases/{case_id}/request/story", specialty="oncology", story="So far.", then="later"
    )
    assert home.request.path == "/home" and "Continue" in home.text

    later = visit(someone).get(f"/cases/{case_id}")
    assert later.request.path.endswith("/request/questions")


def test_a_request_that_lacks_something_is_not_sent(visit, person, the_case):
    patient = visit(person())
    case_id = begin(patient)
    assert patient.post(f"/cases/{case_id}/send").status_code == 422
    patient.post(f"/cases/{case_id}/request/story", specialty="oncology", story="A story.")
    patient.post(f"/cases/{case_id}/request/questions", question=["Why?"])
    without_consent = patient.post(f"/cases/{case_id}/send")
    assert without_consent.status_code == 422 and "agree to each consent" in without_consent.text
    assert the_case().stage == CaseStage.DRAFT


def test_what_was_sent_cannot_be_rewritten_and_a_stranger_finds_nothing(visit, person, the_case):
    owner = person()
    patient, stranger = visit(owner), visit(person())
    case_id = begin(patient)
    for path in (
        f"/cases/{case_id}",
        f"/cases/{case_id}/request/story",
        f"/cases/{case_id}/request/review",
    ):
        assert stranger.get(path).status_code == 404
    assert (
        stranger.post(
            f"/cases/{case_id}/request/story", specialty="oncology", story="Mine now"
        ).status_code
        == 404
    )
    assert (
        visit(person(Role.COORDINATOR)).get(f"/cases/{case_id}").status_code == 404
    )  # a draft is nobody else's
    for role in (Role.SPECIALIST, Role.INTERPRETER, Role.ADMINISTRATOR, Role.AUDITOR):
        assert visit(person(role)).get("/cases/new").status_code == 404

    patient.post(f"/cases/{case_id}/request/story", specialty="oncology", story="A story.")
    patient.post(f"/cases/{case_id}/request/questions", question=["Why?"])
    patient.post(f"/cases/{case_id}/request/consents", consent=list(CONSENT_TEXTS))
    patient.post(f"/cases/{case_id}/send")
    assert (
        patient.post(
            f"/cases/{case_id}/request/story", specialty="oncology", story="Changed"
        ).status_code
        == 404
    )
    assert the_case().story == "A story."


def test_numbers_run_on_and_none_is_given_twice(any_database):
    with any_database.unit_of_work() as unit:
        patient = a_person(unit)
        numbers = [a_case(unit, patient, sent=False).number for _ in range(3)]
    assert [number[-5:] for number in numbers] == ["00001", "00002", "00003"]
    with any_database.unit_of_work() as unit:
        assert {case.number for case in queries.list_cases(unit, patient)} == set(numbers)
