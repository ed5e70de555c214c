"""People and cases for the tests: only the facts that matter are spelled out."""

from __future__ import annotations

import itertools
import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from app.cases import service as cases
from app.cases.consents import CONSENT_TEXTS
from app.cases.models import Case
from app.core.permissions import STAFF_ROLES, Role
from app.identity.models import Person
from app.organizations.service import ensure_default_office, grant_affiliation

PASSWORD = "correct horse battery"
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_count = itertools.count(1)
TOKEN = re.compile(r'name="csrf-token" content="([^"]+)"')


def a_person(session: Session, role: Role = Role.PATIENT, **facts: Any) -> Person:
    """A registered person; ``facts`` are further columns (``specialties``, ``speaks``,
    ``language``, ``timezone`` …).
    """
    number = next(_count)
    facts = {
        "name": f"{role.capitalize()} {number}",
        "email": f"{role}{number}@test.example",
        "country": "DE",
    } | facts
    person = Person(role=role, password=_hash_of_password(), **facts)
    session.add(person)
    session.flush()
    give_role(session, person)
    return person


def give_role(session: Session, person: Person, role: Role | None = None) -> None:
    """Lets the person work in the first office as ``role``, or as what they were made."""
    wanted = Role(role or person.home_role)
    if wanted in STAFF_ROLES:
        office = ensure_default_office(session)
        grant_affiliation(session, None, person, office, wanted, since=LONG_AGO)


@lru_cache
def _hash_of_password() -> str:
    """Hashed once, and so that it is quickly checked: real hashes take their time, and sign-up has
    tests of its own.
    """
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def a_case(
    session: Session,
    patient: Person,
    *,
    specialty: str = "oncology",
    questions: tuple[str, ...] = ("Is the diagnosis right?", "Should I have surgery?"),
    sent: bool = True,
    **facts: Any,
) -> Case:
    """A case of the patient; sent to the hospital unless told otherwise."""
    case = cases.create_case(
        session, patient, cases.CaseDraft(specialty, "A lump, found in May.", questions, **facts)
    )
    if sent:
        cases.give_consents(session, patient, case, list(CONSENT_TEXTS))
        cases.submit_case(session, patient, case)
    return case


def an_accepted_case(
    session: Session,
    patient: Person,
    coordinator: Person,
    specialist: Person,
    interpreter: Person | None = None,
    **facts: Any,
) -> Case:
    """A case in triage, assigned and accepted."""
    case = a_case(session, patient, **facts)
    cases.begin_triage(session, coordinator, case)
    cases.assign_person_to_case(session, coordinator, case, specialist)
    if interpreter is not None:
        cases.assign_person_to_case(session, coordinator, case, interpreter)
    cases.accept_case(session, coordinator, case)
    return case


class Visitor:
    """A person with a browser, as far as HTTP goes: keeps cookies, follows redirects, sends the
    CSRF token.
    """

    def __init__(self, app: Flask, person: Person | None = None, password: str = PASSWORD) -> None:
        self.client: FlaskClient = app.test_client()
        self.person = person
        self._token = ""
        if person is not None:
            # the home page that follows takes longer than signing in, and few tests look at it
            answer = self.post("/sign-in", follow=False, email=person.email, password=password)
            assert answer.status_code == 302, answer.text[:2000]
            self._token = ""  # it was of the session before

    @property
    def token(self) -> str:
        """The CSRF token of the page seen last; without one, of the page after sign-in."""
        if not self._token:
            self.get("/sign-in")
        return self._token

    @token.setter
    def token(self, token: str) -> None:
        self._token = token

    def get(self, path: str, **options: Any) -> TestResponse:
        options.setdefault("follow_redirects", True)
        answer = self.client.get(path, **options)
        self._remember(answer)
        return answer

    def post(
        self,
        path: str,
        *,
        follow: bool = True,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> TestResponse:
        """Posts a form with the CSRF token."""
        answer = self.client.post(
            path,
            data={"csrf_token": self.token, **fields},
            headers=headers,
            follow_redirects=follow,
        )
        self._remember(answer)
        return answer

    def _remember(self, answer: TestResponse) -> None:
        if answer.mimetype == "text/html":
            found = TOKEN.search(answer.text)
            if found:
                self._token = found.group(1)
