"""Roles come from affiliations; a person acts in one of theirs at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.clock import now, shift_clock
from app.core.db import Database
from app.core.errors import Conflict, Invalid
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.models import DEFAULT_ORGANISATION_ID, Office
from app.organizations.queries import has_role, list_affiliations, list_people_of_role
from app.organizations.service import end_affiliation, ensure_default_office, grant_affiliation
from tests.people import Visitor, a_person


def test_the_first_role_makes_somebody_staff_and_the_last_one_ends_it(session: Session):
    office, admin = ensure_default_office(session), a_person(session, Role.ADMINISTRATOR)
    person = a_person(session)
    given = grant_affiliation(session, admin, person, office, Role.SPECIALIST)
    assert person.role == Role.SPECIALIST and has_role(person, Role.SPECIALIST)
    second = grant_affiliation(session, admin, person, office, Role.COORDINATOR)
    assert person.role == Role.SPECIALIST, "they go on as they are, until they switch"
    end_affiliation(session, admin, given)
    assert person.role == Role.COORDINATOR and not has_role(person, Role.SPECIALIST)
    end_affiliation(session, admin, second)
    end_affiliation(session, admin, second)
    assert person.role == Role.PATIENT and list_affiliations(session, person) == []


def test_what_was_given_and_ended_is_in_the_audit_trail(database: Database, look: Callable):
    with database.unit_of_work() as session:
        admin, person = a_person(session, Role.ADMINISTRATOR), a_person(session)
        office = ensure_default_office(session)
        given = grant_affiliation(session, admin, person, office, Role.SPECIALIST)
        end_affiliation(session, admin, given)
        end_affiliation(session, admin, given)
        wanted, about = AuditEntry.verb.like("affiliation.%"), AuditEntry.actor_id == admin.id
    verbs = look(lambda s: list(s.scalars(select(AuditEntry.verb).where(wanted, about))))
    assert verbs == ["affiliation.granted", "affiliation.ended"]


def test_the_same_role_given_again_moves_its_end(session: Session):
    office, person = ensure_default_office(session), a_person(session, Role.INTERPRETER)
    (held,) = list_affiliations(session, person)
    end = now() + timedelta(days=30)
    assert grant_affiliation(session, None, person, office, Role.INTERPRETER, until=end) is held
    assert held.until == end and list_people_of_role(session, Role.INTERPRETER) == [person]


def test_what_makes_no_sense_is_refused(session: Session):
    office, admin = ensure_default_office(session), a_person(session, Role.ADMINISTRATOR)
    for role in (Role.PATIENT, Role.GUEST):
        with pytest.raises(Invalid):
            grant_affiliation(session, admin, a_person(session), office, role)
    with pytest.raises(Invalid):
        grant_affiliation(
            session, admin, a_person(session), office, Role.AUDITOR, until=now() - timedelta(1)
        )
    (own,) = list_affiliations(session, admin)
    with pytest.raises(Conflict):
        end_affiliation(session, admin, own)


@pytest.fixture
def surgeon(database: Database) -> Person:
    """A specialist at home who also coordinates another office."""
    with database.unit_of_work() as session:
        person = a_person(session, Role.SPECIALIST, specialties=["oncology"], name="Vera Lind")
        ensure_default_office(session)
        office = Office(organisation_id=DEFAULT_ORGANISATION_ID, name="Office Gulf")
        session.add(office)
        session.flush()
        grant_affiliation(session, None, person, office, Role.COORDINATOR)
    return person


def test_a_person_switches_between_their_roles(
    surgeon: Person, visit: Callable[..., Visitor], look: Callable
):
    browser = visit(surgeon)
    page = browser.get("/home").text
    assert "Coordinator, Office Gulf" in page and browser.get("/worklist").status_code == 404
    coordinating = look(lambda s: [one.id for one in list_affiliations(s, s.merge(surgeon))][1])
    assert browser.post("/act-as", **{"as": coordinating}).request.path == "/worklist"
    assert browser.get("/start").request.path == "/worklist", "a coordinator asks for nothing"
    browser.post("/act-as", **{"as": "patient"})
    assert browser.get("/worklist").status_code == 404
    assert browser.get("/cases/new").status_code == 200, "everybody may be a patient"
    other = visit(surgeon)
    assert other.get("/worklist").status_code == 404, "another device acts as it did"


def test_nobody_acts_as_what_they_are_not(
    surgeon: Person, visit: Callable[..., Visitor], database: Database
):
    with database.unit_of_work() as session:
        admin = a_person(session, Role.ADMINISTRATOR)
        (foreign,) = list_affiliations(session, admin)
        foreign_id = foreign.id
    browser = visit(surgeon)
    for chosen in (foreign_id, "administrator", "", "x" * 500):
        assert "no longer have this role" in browser.post("/act-as", **{"as": chosen}).text
        assert browser.get("/audit").status_code == 404
    patient = visit(database_patient(database))
    assert "no longer have this role" in patient.post("/act-as", **{"as": foreign_id}).text
    assert "act-as" not in patient.get("/account").text, "there is nothing to choose"


def database_patient(database: Database) -> Person:
    with database.unit_of_work() as session:
        return a_person(session)


def test_a_role_that_ends_is_over_on_every_open_device(
    surgeon: Person, visit: Callable[..., Visitor], database: Database
):
    browser = visit(surgeon)
    with database.unit_of_work() as session:
        admin = a_person(session, Role.ADMINISTRATOR)
        person = session.merge(surgeon)
        first, coordinating = list_affiliations(session, person)
        end_affiliation(session, admin, first)
        end_affiliation(session, admin, coordinating)
    assert browser.get("/hours").status_code == 404
    assert browser.get("/cases/new").status_code == 200


def test_a_role_that_begins_later_begins_by_itself(
    visit: Callable[..., Visitor], database: Database
):
    with database.unit_of_work() as session:
        person = a_person(session)
        office = ensure_default_office(session)
        begins = now() + timedelta(days=2)
        grant_affiliation(session, None, person, office, Role.SPECIALIST, since=begins)
    assert visit(person).get("/hours").status_code == 404, "until then they are a patient"
    with shift_clock(timedelta(days=3)):
        assert visit(person).get("/hours").status_code == 200
