"""Each role's home and view of a case: what is shown, what is not, and to whom."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest

from app.audit import service as audit
from app.cases import service as cases
from app.cases.models import Case
from app.core import clock
from app.core.permissions import Role
from app.identity.models import Person
from app.opinions.verbs import OpinionAuditVerb
from app.portal import emergency
from tests.people import an_accepted_case

STORY, QUESTION = "A lump, found in May.", "Should I have surgery?"


def test_anyone_reads_what_this_is_and_that_it_is_not_for_emergencies(visit):
    stranger = visit()
    landing = stranger.get("/", headers={"Accept-Language": "es-MX,es;q=0.9"})
    assert (
        landing.status_code == 200
        and 'href="tel:911"' in landing.text
        and 'lang="es"' in landing.text
    )
    assert stranger.get("/how-it-works").status_code == 200
    start = stranger.get("/start").text
    assert 'href="/emergency"' in start and "/sign-up?next=" in start
    assert 'href="tel:997"' in stranger.get("/emergency", headers={"Accept-Language": "ar-SA"}).text
    assert 'href="tel:112"' in stranger.get("/emergency", headers={"Accept-Language": "eo"}).text


@pytest.mark.parametrize(
    "tags, country", [(["es-MX", "es"], "MX"), (["es"], None), (["zh-Hant-TW"], "TW"), ([], None)]
)
def test_the_country_is_guessed_only_where_the_browser_says_it(tags, country):
    assert emergency.guess_country(tags) == country


def test_signed_in_people_go_home_and_nobody_else_does(visit, hospital):
    assert visit(hospital.patient).get("/").request.path == "/home"
    assert visit().get("/home").request.path == "/sign-in"


def test_a_patient_without_a_case_is_shown_what_will_be_here(visit, hospital):
    page = visit(hospital.patient).get("/home?lang=en").text
    assert "No case yet" in page and 'href="/start"' in page


def test_the_patient_sees_the_way_the_next_action_and_the_due_date(visit, hospital, sent, look):
    patient = visit(hospital.patient)
    waiting = patient.get(f"/cases/{sent.id}?lang=en").text
    assert "Your waiting time starts when your records are complete" in waiting
    assert 'aria-current="step"' in waiting and STORY in waiting and QUESTION in waiting
    assert "We have your request" in waiting

    def accept(session):
        case, office = (
            session.get_one(Case, sent.id),
            session.get_one(Person, hospital.coordinator.id),
        )
        cases.begin_triage(session, office, case)
        cases.assign_person_to_case(
            session, office, case, session.get_one(Person, hospital.specialist.id)
        )
        cases.accept_case(session, office, case)

    look(accept)
    page = patient.get(f"/cases/{sent.id}").text
    assert "Choose a time for the consultation" in page and f"/cases/{sent.id}/times" in page
    assert (
        "The records are complete" in page and hospital.specialist.name in page and "Due " in page
    )


def test_the_meeting_is_shown_in_three_times(visit, hospital, booked):
    page = visit(hospital.patient).get(f"/cases/{booked.case_id}?lang=en").text
    assert hospital.specialist.name in page and hospital.interpreter.name in page
    assert page.count(booked.starts_at.isoformat()) >= 3


def test_the_interpreter_reads_the_brief_and_nothing_of_the_file(visit, hospital, booked):
    interpreter = visit(hospital.interpreter)
    home = interpreter.get("/home?lang=en").text
    assert "Can you interpret?" in home
    brief = interpreter.get(f"/cases/{booked.case_id}").text
    assert QUESTION in brief and "Arabic" in brief and "English" in brief
    assert STORY not in brief and 'id="records"' not in brief and 'id="timeline"' not in brief
    with clock.shift_clock(timedelta(days=4)):
        late = visit(hospital.interpreter)
        assert late.get(f"/cases/{booked.case_id}").status_code == 404


def test_the_specialist_finds_files_to_read_and_opinions_to_write(visit, hospital, accepted, look):
    specialist = visit(hospital.specialist)
    home = specialist.get("/home").text
    assert "Files to read" in home and accepted.number in home
    page = specialist.get(f"/cases/{accepted.id}").text
    assert STORY in page and QUESTION in page and "Who at the office" not in page

    def written(session):
        people = (hospital.patient, hospital.coordinator, hospital.specialist)
        return an_accepted_case(
            session, *(session.get_one(Person, one.id) for one in people), written_only=True
        )

    case = look(written)
    home = specialist.get("/home").text
    assert f"Write the opinion for case {case.number}" in home


def test_people_of_another_case_find_nothing(visit, hospital, accepted, person):
    strangers = [person(role) for role in Role if role is not Role.COORDINATOR]
    for one in strangers:
        assert visit(one).get(f"/cases/{accepted.id}").status_code == 404, one.role
    assert visit(hospital.patient).get("/cases/" + "0" * 32).status_code == 404


def test_somebody_who_was_replaced_sees_the_case_no_more(visit, hospital, accepted, person, look):
    other = person(Role.SPECIALIST, specialties=["oncology"])
    assert visit(hospital.specialist).get(f"/cases/{accepted.id}").status_code == 200
    visit(hospital.coordinator).post(f"/cases/{accepted.id}/assign", person=other.id)
    assert visit(hospital.specialist).get(f"/cases/{accepted.id}").status_code == 404
    assert visit(other).get(f"/cases/{accepted.id}").status_code == 200


def test_the_auditor_reads_the_trail_filters_it_and_checks_the_chain(
    visit, hospital, accepted, person
):
    auditor = visit(person(Role.AUDITOR))
    trail = auditor.get("/home?lang=en")
    assert trail.request.path == "/audit" and "Moved a case to another stage" in trail.text
    assert STORY not in trail.text
    assert "The audit trail is intact" in auditor.get("/audit?check=1").text
    only = auditor.get(f"/audit?case={accepted.number}&verb=case.created").text
    assert only.count('data-label="Action"') == 1
    assert "No matching entries" in auditor.get("/audit?person=nobody@test.example").text


def test_the_trail_is_paged_both_ways_and_keeps_what_is_looked_for(app, visit, person):
    auditor = visit(person(Role.AUDITOR))
    with app.extensions["database"].unit_of_work() as session:
        for number in range(120):
            audit.record_audit_entry(
                session, None, OpinionAuditVerb.OPINION_RENDERED, "opinion", f"{number}"
            )

    def shown(page) -> list[int]:
        return [int(number) for number in re.findall(r'data-label="Number">(\d+)<', page.text)]

    def follow(page, rel: str):
        link = re.search(rf'rel="{rel}" href="([^"]+)"', page.text)
        assert link, rel
        assert "verb=opinion.rendered" in link[1]
        return auditor.get(html.unescape(link[1]))

    first = auditor.get("/audit?lang=en&verb=opinion.rendered&person=")
    newest = shown(first)[0]
    assert shown(first) == list(range(newest, newest - 50, -1)) and 'rel="prev"' not in first.text
    second = follow(first, "next")
    third = follow(second, "next")
    assert (
        shown(second)[0] == newest - 50
        and len(shown(third)) == 20
        and 'rel="next"' not in third.text
    )
    assert shown(follow(third, "prev")) == shown(second)
    back = follow(second, "prev")
    assert shown(back) == shown(first) and 'rel="prev"' not in back.text


def test_the_administrator_sees_how_the_house_stands(visit, person):
    page = visit(person(Role.ADMINISTRATOR)).get("/home?lang=en").text
    assert "No media server" in page and "waiting jobs" in page and "/audit" in page
