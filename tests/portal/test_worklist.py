"""What is burning, on top; everything that narrows it lives in the address."""

from __future__ import annotations

import re
from datetime import timedelta

from app.cases.queries import WorklistFilter, list_worklist_cases
from app.core import clock
from app.core.permissions import Role
from app.portal.queries import WORKLIST_PAGE_SIZE
from tests.people import a_case, a_person, an_accepted_case


def numbers_on(page: str) -> list[str]:
    return re.findall(r'class="work-title"[^>]*><bdi>(C-\d{4}-\d{5})', page)


def test_the_case_that_has_waited_longest_past_its_time_comes_first(visit, hospital, look):
    def arrange(session):
        made = {}
        for name, days in (("fresh", 0), ("old", 9), ("older", 12)):
            with clock.shift_clock(timedelta(days=-days)):
                made[name] = a_case(session, a_person(session, Role.PATIENT)).number
        a_case(session, a_person(session, Role.PATIENT), sent=False)
        return made

    made, office = look(arrange), visit(hospital.coordinator)
    assert numbers_on(office.get("/worklist").text) == [made["older"], made["old"], made["fresh"]]
    late = office.get("/worklist?show=late").text
    assert numbers_on(late) == [made["older"], made["old"]] and "Late since" in late


def test_filters_by_stage_specialty_number_and_what_is_missing(visit, hospital, look, booked):
    def arrange(session):
        patient = a_person(session, Role.PATIENT)
        return (
            a_case(session, patient, specialty="cardiology").number,
            session.merge(booked).case.number,
        )

    (heart, met), office = look(arrange), visit(hospital.coordinator)
    pages = {
        query: numbers_on(office.get(f"/worklist?{query}").text)
        for query in (
            "stage=submitted",
            "stage=scheduled",
            "specialty=cardiology",
            f"q={heart}",
            f"q={int(met[-5:])}",
            "q=nothing",
            "show=specialist",
            "show=interpreter",
            "stage=ended",
            "stage=draft",
            "stage=rubbish&page=-4&specialty=x",
        )
    }
    assert pages == {
        "stage=submitted": [heart],
        "stage=scheduled": [met],
        "specialty=cardiology": [heart],
        f"q={heart}": [heart],
        f"q={int(met[-5:])}": [met],
        "q=nothing": [],
        "show=specialist": [heart],
        "show=interpreter": [met],
        "stage=ended": [],
        "stage=draft": [heart, met],
        "stage=rubbish&page=-4&specialty=x": [heart, met],
    }


def test_pages_hold_every_case_once(visit, hospital, look):
    look(
        lambda session: [
            a_case(session, session.merge(hospital.patient)) for _ in range(WORKLIST_PAGE_SIZE + 3)
        ]
    )
    office = visit(hospital.coordinator)
    first, second = (numbers_on(office.get(f"/worklist?page={page}").text) for page in (1, 2))
    assert (len(first), len(second)) == (WORKLIST_PAGE_SIZE, 3) and not set(first) & set(second)
    assert "Page 1 of 2" in office.get("/worklist").text
    assert numbers_on(office.get("/worklist?page=77").text) == second


def test_a_list_does_not_read_clinical_text(hospital, sent, look):
    (case,) = look(
        lambda session: list_worklist_cases(session, hospital.coordinator, WorklistFilter())
    )
    assert "story" not in case.__dict__


def test_each_line_offers_the_next_verb(visit, hospital, look):
    people = (hospital.patient, hospital.coordinator, hospital.specialist)
    look(lambda session: an_accepted_case(session, *(session.merge(one) for one in people)))
    look(lambda session: a_case(session, session.merge(hospital.patient)))
    page = visit(hospital.coordinator).get("/worklist").text
    assert "Start checking" in page and "Choose a time" in page and "No specialist" in page
