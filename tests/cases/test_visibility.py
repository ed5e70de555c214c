"""The one predicate: its SQL form and its Python form agree, for every way to a case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.models import Case, CaseMember, CaseShare
from app.cases.policy import can_read_case
from app.cases.queries import find_membership
from app.cases.states import CaseStage
from app.cases.visibility import list_case_coordinator_ids, visible_cases
from app.core.clock import now
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.models import DEFAULT_ORGANISATION_ID, Affiliation, Office
from app.organizations.service import ensure_default_office, grant_affiliation
from tests.people import LONG_AGO, Visitor, a_case, a_person

# how a person and a case are connected: who sees it
WAYS = {
    "own office": True,
    "own office, a draft": False,
    "own office, the person's own case": False,
    "another office": False,
    "shared": True,
    "shared later": False,
    "shared until yesterday": False,
    "affiliation ended": False,
    "affiliation from tomorrow": False,
    "office closed": False,
    "acting for another office": False,
    "acting as a patient": False,
    "patient of the case": True,
    "specialist on the case": True,
    "specialist taken off": False,
    "specialist acting as a coordinator elsewhere": False,
    "nothing": False,
}


@pytest.fixture
def elsewhere(session: Session) -> Office:
    ensure_default_office(session)
    office = Office(organisation_id=DEFAULT_ORGANISATION_ID, name="Elsewhere")
    session.add(office)
    session.flush()
    return office


def connect(session: Session, way: str, elsewhere: Office) -> tuple[Person, Case]:
    home, moment = ensure_default_office(session), now()
    day = timedelta(days=1)
    patient = a_person(session)
    if way in ("patient of the case", "nothing") or way.startswith("specialist"):
        person = patient if way.startswith("patient") else a_person(session)
        case = a_case(session, patient)
        if way.startswith("specialist"):
            grant_affiliation(session, None, person, home, Role.SPECIALIST, since=LONG_AGO)
            until = moment - day if way.endswith("off") else None
            session.add(
                CaseMember(case=case, person=person, role="specialist", since=LONG_AGO, until=until)
            )
        if way.endswith("elsewhere"):
            person.acting_role, person.acting_office_id = Role.COORDINATOR, elsewhere.id
        return person, case
    person = a_person(session)
    office = elsewhere if way.startswith(("another", "shared")) else home
    affiliation = grant_affiliation(session, None, person, office, Role.COORDINATOR, since=LONG_AGO)
    if "own case" in way:
        person.acting_role, patient = Role.PATIENT, person
    case = a_case(session, patient, sent="draft" not in way)
    person.acting_role = None
    if way.startswith("shared"):
        case.shares.append(
            CaseShare(
                office=elsewhere,
                since=moment + day if way.endswith("later") else LONG_AGO,
                until=moment - day if way.endswith("yesterday") else None,
            )
        )
    bend(way, affiliation, person, elsewhere)
    return person, case


def bend(way: str, affiliation: Affiliation, person: Person, elsewhere: Office) -> None:
    if way == "affiliation ended":
        affiliation.until = now() - timedelta(days=1)
    elif way == "affiliation from tomorrow":
        affiliation.since = now() + timedelta(days=1)
    elif way == "office closed":
        affiliation.office.active = False
    elif way == "acting for another office":
        person.acting_role, person.acting_office_id = Role.COORDINATOR, elsewhere.id
    elif way == "acting as a patient":
        person.acting_role = Role.PATIENT


@pytest.mark.parametrize("way", WAYS)
def test_both_forms_agree_on_who_sees_a_case(session: Session, elsewhere: Office, way: str):
    person, case = connect(session, way, elsewhere)
    session.flush()
    in_sql = case in session.scalars(select(Case).where(visible_cases(person))).all()
    in_python = can_read_case(person, case, find_membership(session, person, case.id))
    assert (in_sql, in_python) == (WAYS[way], WAYS[way])


def test_nobody_else_has_a_place_in_the_predicate(session: Session, elsewhere: Office):
    """Administrators and auditors see no case, whatever their office."""
    case = a_case(session, a_person(session))
    for role in (Role.ADMINISTRATOR, Role.AUDITOR, Role.REFERRER, Role.INTERPRETER):
        person = a_person(session, role)
        assert session.scalars(select(Case).where(visible_cases(person))).all() == []
        assert not can_read_case(person, case, None)


def test_the_coordinators_who_are_told_are_those_who_see_the_case(
    session: Session, elsewhere: Office
):
    here = a_person(session, Role.COORDINATOR)
    there = a_person(session)
    grant_affiliation(session, None, there, elsewhere, Role.COORDINATOR)
    case = a_case(session, a_person(session))
    assert list_case_coordinator_ids(case) == [here.id]
    case.shares.append(CaseShare(office=elsewhere))
    session.flush()
    assert set(list_case_coordinator_ids(case)) == {here.id, there.id}


def test_a_new_case_goes_to_the_office_for_the_patients_country(
    session: Session, elsewhere: Office
):
    elsewhere.countries = ["MX", "CO"]
    session.flush()
    mexican, german = a_person(session, country="MX"), a_person(session, country="DE")
    assert a_case(session, mexican).office is elsewhere
    assert a_case(session, german).office is ensure_default_office(session)
    elsewhere.active = False
    session.flush()
    assert a_case(session, mexican).office is ensure_default_office(session)
    assert a_case(session, mexican).stage == CaseStage.SUBMITTED


def test_a_refused_share_keeps_what_was_entered(
    session: Session, elsewhere: Office, visit: Callable[..., Visitor]
):
    office = a_person(session, Role.COORDINATOR)
    case = a_case(session, a_person(session))
    session.commit()
    browser = visit(office)
    there = f"/cases/{case.id}/shares"
    for entered, said in (
        ({"office": "nowhere", "share_reason": "a joint board"}, "Choose an office"),
        ({"office": elsewhere.id, "share_reason": " "}, "Say why"),
        ({"office": elsewhere.id, "share_reason": "x" * 201}, "200 characters"),
    ):
        page = browser.post(there, **entered)
        assert page.status_code == 422 and said in page.text
        assert entered["share_reason"].strip() in page.text
    done = browser.post(there, office=elsewhere.id, share_reason="a joint board")
    assert "can now see this case" in done.text and "a joint board" in done.text
    again = browser.post(there, office=elsewhere.id, share_reason="once more")
    assert again.status_code == 409
