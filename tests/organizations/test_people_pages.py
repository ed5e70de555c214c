"""The pages of people, over HTTP: the directory, invitations, roles, leaving."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases.models import CaseMember
from app.core.clock import now
from app.core.db import Database
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.factors.models import TotpFactor
from app.identity.models import Person, SignIn
from app.organizations.models import DEFAULT_OFFICE_ID, Affiliation
from app.organizations.queries import list_affiliations
from app.scheduling.models import Booking, EngagementState
from tests.people import PASSWORD, Visitor, a_person
from tests.world import a_circle

Look = Callable[[Callable[..., Any]], Any]


@pytest.fixture
def admin(visit: Callable[..., Visitor], database: Database) -> Visitor:
    with database.unit_of_work() as session:
        person = a_person(session, Role.ADMINISTRATOR, name="Jonas Weber")
    return visit(person)


def by_email(look: Look, email: str) -> Person:
    return look(lambda session: session.scalar(select(Person).where(Person.email == email)))


def roles_of(look: Look, person: Person) -> list[str]:
    return look(lambda s: [one.role for one in list_affiliations(s, s.merge(person))])


def invite(admin: Visitor, **entered: str) -> Any:
    facts = {
        "email": "vera@test.example",
        "name": "Vera Lind",
        "role": "specialist",
        "office": DEFAULT_OFFICE_ID,
        "language": "en",
    }
    return admin.post("/people/invite", **facts | entered)


def test_somebody_is_invited_and_comes_in_with_the_link(admin: Visitor, app: Flask, look: Look):
    page = invite(admin).text
    link = re.search(r'value="(http[^"]+/set-password/[^"]+)"', page)
    assert link, page
    person = by_email(look, "vera@test.example")
    assert roles_of(look, person) == ["specialist"]
    told = look(lambda s: [job.payload["kind"] for job in s.scalars(select(Job))])
    assert "account_invited" in told
    path = "/set-password/" + link[1].rsplit("/", 1)[1]
    newcomer = Visitor(app)
    newcomer.get(path)
    newcomer.post(path, password="six green lamps on the roof", follow=False)
    assert newcomer.get("/hours").status_code == 200, "specialists have hours"
    assert "Vera Lind" in admin.get("/people?q=lind").text


def test_who_has_an_account_gets_the_role_in_it(admin: Visitor, look: Look, database: Database):
    with database.unit_of_work() as session:
        patient = a_person(session, email="sofia@test.example")
    answer = invite(admin, email="Sofia@test.example", role="interpreter")
    assert "already has an account" in answer.text
    assert roles_of(look, patient) == ["interpreter"]


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("email", "nobody", "e-mail address"),
        ("email", "", "e-mail address"),
        ("name", "  ", "Enter your name"),
        ("name", "x" * 121, "120"),
        ("role", "patient", "There is no role"),
        ("role", "", "There is no role"),
        ("office", "nowhere", "Choose an office"),
        ("office", "", "Choose an office"),
        ("language", "klingon-!!", "Choose a language"),
    ],
)
def test_a_wrong_invitation_is_refused_and_keeps_what_was_entered(
    admin: Visitor, look: Look, field: str, value: str, said: str
):
    answer = invite(admin, **{field: value})
    assert answer.status_code == 422 and said in answer.text
    if field != "name":
        assert "Vera Lind" in answer.text
    assert by_email(look, "vera@test.example") is None


TABLE = """email,name,role,office,language
vera@test.example,Vera Lind,Specialist,,de
omar@test.example,Omar Haddad,interpreter,International office,ar
omar@test.example,Omar again,interpreter
nobody,No Address,specialist
ines@test.example,Ines Costa,patient
lena@test.example,Lena Berg,coordinator,Atlantis
"""


def test_many_are_invited_after_a_preview(admin: Visitor, look: Look):
    preview = admin.post("/people/import", table=TABLE).text
    assert "2 of 6 rows can be used" in preview
    for said in ("in the table twice", "There is no role", "Choose an office from the list"):
        assert said in preview
    assert by_email(look, "vera@test.example") is None, "a preview sends nothing"
    assert "Invited: 2." in admin.post("/people/import", table=TABLE, confirmed="1").text
    vera, omar = (by_email(look, f"{name}@test.example") for name in ("vera", "omar"))
    assert (vera.language, omar.language) == ("de", "ar")
    assert roles_of(look, omar) == ["interpreter"]
    assert by_email(look, "lena@test.example") is None


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_from_a_spreadsheet_is_read(admin: Visitor, delimiter: str):
    row = delimiter.join(["vera@test.example", '"Lind, Vera"', "specialist"])
    file = (io.BytesIO(f"\ufeff{row}\r\n".encode()), "people.csv")
    answer = admin.client.post("/people/import", data={"csrf_token": admin.token, "file": file})
    assert (
        answer.status_code == 200 and "1 of 1 rows" in answer.text and "Lind, Vera" in answer.text
    )


@pytest.mark.parametrize(
    "table",
    [
        "",
        "   \n  ",
        "email,name,role",
        '"a@b.example,"Vera" Lind,specialist',
        "\x00\x01,\x02",
        "a@b.example,Vera,specialist\n" * 501,
        "x" * 300_000,
        "<script>alert(1)</script>",
    ],
    ids=["empty", "blank", "head", "quotes", "bytes", "501 rows", "long", "script"],
)
def test_what_is_no_table_is_refused_in_words(admin: Visitor, table: str):
    answer = admin.post("/people/import", table=table)
    assert answer.status_code in (200, 422)
    assert answer.status_code == 422 or "0 of 1 rows can be used" in answer.text
    assert "<script>alert" not in answer.text


def test_roles_are_given_for_a_time_and_ended(admin: Visitor, look: Look, database: Database):
    with database.unit_of_work() as session:
        person = a_person(session, name="Ines Costa")
    there = f"/people/{person.id}"
    last = f"{now() + timedelta(days=10):%Y-%m-%d}"
    office = DEFAULT_OFFICE_ID
    admin.post(f"{there}/roles", role="auditor", office=office, until=last)
    admin.post(
        f"{there}/roles",
        role="referrer",
        office=office,
        since=f"{now() + timedelta(days=5):%Y-%m-%d}",
    )
    assert roles_of(look, person) == ["auditor"], "the other one begins in five days"
    page = admin.get(there).text
    assert "Auditor" in page and "Referring doctor" in page
    held = look(lambda s: s.scalars(select(Affiliation.id).filter_by(role="auditor")).one())
    assert "The role has ended" in admin.post(f"{there}/roles/{held}/end").text
    assert roles_of(look, person) == []


@pytest.mark.parametrize(
    "entered",
    [
        {"role": "patient"},
        {"role": "king"},
        {"role": ""},
        {"office": "nowhere"},
        {"until": "yesterday"},
        {"until": "2020-01-01"},
        {"until": "99999-01-01"},
        {"since": "2026-02-30"},
    ],
)
def test_a_role_that_makes_no_sense_is_refused(
    admin: Visitor, look: Look, database: Database, entered: dict[str, str]
):
    with database.unit_of_work() as session:
        person = a_person(session)
    facts = {"role": "specialist", "office": DEFAULT_OFFICE_ID} | entered
    page = admin.post(f"/people/{person.id}/roles", **facts)
    assert page.status_code == 422 and "error-summary" in page.text
    assert entered.get("until", "") in page.text, "what was entered stays"
    assert roles_of(look, person) == []


def test_what_leaving_changes_is_shown_first_and_then_happens(
    admin: Visitor, app: Flask, look: Look, database: Database
):
    with database.unit_of_work() as session:
        circle = a_circle(session, a_person(session, Role.COORDINATOR))
        substitute = a_person(session, Role.INTERPRETER)
    interpreter, specialist = circle.interpreter, circle.specialist
    leaver = Visitor(app, interpreter)
    page = admin.get(f"/people/{interpreter.id}").text
    assert "Consultations as an interpreter: 1." in page and "Open cases: 1." in page
    assert "Consultations as a specialist: 1." in admin.get(f"/people/{specialist.id}").text
    assert "account is deactivated" in admin.post(f"/people/{interpreter.id}/deactivate").text
    assert leaver.get("/engagements", follow_redirects=False).status_code == 302, "signed out"
    answer = Visitor(app).post("/sign-in", email=interpreter.email, password=PASSWORD)
    assert answer.status_code == 422
    states = look(
        lambda s: [one.state for one in s.get_one(Booking, circle.booking.id).engagements]
    )
    assert EngagementState.REPLACED in states
    admin.post(f"/people/{specialist.id}/deactivate")
    kinds = look(lambda s: [job.payload.get("kind") for job in s.scalars(select(Job))])
    assert "specialist_left" in kinds and "person_left_case" in kinds
    live = look(
        lambda s: s.scalars(
            select(CaseMember).where(
                CaseMember.person_id.in_([interpreter.id, specialist.id]),
                CaseMember.until.is_(None) | (CaseMember.until > now()),
            )
        ).all()
    )
    assert live == []
    assert look(lambda s: s.get_one(Booking, circle.booking.id).is_confirmed)
    admin.post(f"/people/{interpreter.id}/activate")
    assert Visitor(app, interpreter).get("/engagements").status_code == 200
    assert substitute.active


def test_an_administrator_stays(admin: Visitor, look: Look):
    own = f"/people/{admin.person.id}"  # type: ignore[union-attr]
    assert "cannot deactivate your own account" in admin.post(f"{own}/deactivate").text
    held = look(lambda s: list_affiliations(s, s.merge(admin.person))[0].id)
    assert "cannot end your own role" in admin.post(f"{own}/roles/{held}/end").text
    assert admin.get("/people").status_code == 200


def test_a_person_is_signed_out_everywhere(
    admin: Visitor, visit: Callable[..., Visitor], look: Look, database: Database
):
    with database.unit_of_work() as session:
        person = a_person(session, Role.SPECIALIST)
    first, second = visit(person), visit(person)
    admin.post(f"/people/{person.id}/sign-ins/end")
    for one in (first, second):
        assert one.get("/hours", follow_redirects=False).status_code == 302
    ended = look(lambda s: s.scalars(select(SignIn.ended_at).filter_by(person_id=person.id)).all())
    assert len(ended) == 2 and all(ended)


def test_a_specialist_gets_title_languages_and_specialties(
    admin: Visitor, look: Look, database: Database
):
    with database.unit_of_work() as session:
        person = a_person(session, Role.SPECIALIST, language="en")
    there = f"/people/{person.id}/details"
    entered = {"title": "Prof.", "speaks": ["de", "en"], "specialties": ["oncology", "vascular"]}
    assert "details are saved" in admin.post(there, **entered).text
    kept = look(lambda s: s.get_one(Person, person.id))
    assert (kept.title, kept.speaks) == ("Prof.", ["de"])
    assert kept.specialties == ["oncology", "vascular"]
    assert "Cancer (oncology)" in admin.get(f"/people/{person.id}").text
    for field, value in (
        ("title", "x" * 81),
        ("speaks", "no tag"),
        ("speaks", [f"q{a}{b}" for a in "abcde" for b in "abcde"]),
        ("specialties", "astrology"),
    ):
        answer = admin.post(there, **entered | {"title": "Dr.", field: value})
        assert answer.status_code == 422 and "error-summary" in answer.text
    assert look(lambda s: s.get_one(Person, person.id)).title == "Prof."


def test_a_lost_second_step_is_removed_and_the_person_is_told(
    admin: Visitor, look: Look, database: Database
):
    with database.unit_of_work() as session:
        person = a_person(session, Role.SPECIALIST)
        factor = TotpFactor(person_id=person.id, secret="A" * 32, confirmed_at=now())
        session.add(factor)
    there = f"/people/{person.id}"
    assert "/factors/reset" in admin.get(there).text
    assert "second step is removed" in admin.post(f"{there}/factors/reset").text
    assert look(lambda s: s.get(TotpFactor, factor.id)) is None
    told = look(lambda s: [job.payload.get("person_id") for job in s.scalars(select(Job))])
    assert person.id in told
    own = f"/people/{admin.person.id}/factors/reset"  # type: ignore[union-attr]
    assert "in your account" in admin.post(own).text


def test_who_sees_whom(admin: Visitor, visit: Callable[..., Visitor], database: Database):
    with database.unit_of_work() as session:
        coordinator = a_person(session, Role.COORDINATOR)
        patient = a_person(session, name="Amal Patient", email="amal@test.example")
        specialist = a_person(session, Role.SPECIALIST, name="Erik Surgeon")
        guest = a_person(session, Role.GUEST)
    office = visit(coordinator)
    assert "Erik Surgeon" in office.get("/people").text
    assert "Amal Patient" not in office.get("/people?q=amal@test.example").text
    assert "Amal Patient" in admin.get("/people?q=amal@test.example").text
    assert "Amal Patient" not in admin.get("/people").text, "a directory of the staff"
    seen = {
        who.id: (
            office.get(f"/people/{who.id}").status_code,
            admin.get(f"/people/{who.id}").status_code,
        )
        for who in (specialist, patient, guest)
    }
    assert seen == {specialist.id: (200, 200), patient.id: (404, 200), guest.id: (404, 404)}
    page = office.get(f"/people/{specialist.id}").text
    assert "/hours?person=" in page and "/deactivate" not in page and "/roles" not in page
    for path in ("/people/invite", "/people/import"):
        assert office.get(path).status_code == 404
    for filters in ("role=interpreter", "q=zzz", "office=nowhere"):
        assert "Erik Surgeon" not in office.get(f"/people?{filters}").text
    for odd in ("role=king", "page=-1", "page=9999", "page=x", "show=all", "q=" + "x" * 3000):
        assert office.get(f"/people?{odd}").status_code == 200
