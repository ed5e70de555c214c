"""A new master key, and everything that lay under the old one read with the new one alone: on both
databases.
"""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from app.cases.models import Case
from app.core import crypto, rotation
from app.core.crypto import Keyring, UnknownMasterKey
from app.core.db import Database
from app.core.outbox import Job, JobContext
from app.core.permissions import Role
from app.identity.models import Person
from app.jobs.periodic import renew_encryption_keys
from app.opinions.models import Opinion
from tests.people import a_case, a_person
from tests.processes import MASTER_KEYS

NEW = crypto.new_master_key("2027_x")  # an underscore is a wildcard to a careless LIKE
OLD_NAME = MASTER_KEYS.partition(":")[0]


@pytest.fixture(autouse=True)
def known_keys() -> Iterator[None]:
    yield
    crypto.set_field_keyring(Keyring(MASTER_KEYS))


def some_people(database: Database, count: int = 3) -> None:
    with database.unit_of_work() as session:
        for number in range(count):
            patient = a_person(session, Role.PATIENT, name=f"عائشة {number}")
        case = a_case(session, patient)
        specialist = a_person(session, Role.SPECIALIST)
        session.add(
            Opinion(
                case_id=case.id,
                specialist_id=specialist.id,
                language="ar",
                diagnosis="Carcinoma",
                pdf_object="place",
                pdf_key=Keyring(MASTER_KEYS).wrap(bytes(32), "place"),
            )
        )


def test_afterwards_the_new_key_alone_reads_everything(any_database: Database) -> None:
    some_people(any_database)
    ring = Keyring(f"{NEW},{MASTER_KEYS}")
    with any_database.sessions() as session:
        before = rotation.count_values_by_key(session, ring)
    assert before[OLD_NAME] > 10 and before[ring.current] == before[rotation.LOST_KEY_NAME] == 0
    rounds = 0
    while True:
        with any_database.unit_of_work() as session:
            found = rotation.renew_sealed_values(session, ring, most=4)
        if not found:
            break
        assert found <= 4
        rounds += 1
    assert rounds >= before[OLD_NAME] // 4
    with any_database.sessions() as session:
        assert rotation.count_values_by_key(session, ring) == {
            ring.current: before[OLD_NAME],
            OLD_NAME: 0,
            rotation.LOST_KEY_NAME: 0,
        }
    crypto.set_field_keyring(Keyring(NEW))
    with any_database.sessions() as session:
        assert "عائشة 0" in session.scalars(select(Person.name)).all()
        assert session.scalars(select(Case.story)).one() == "A lump, found in May."
        opinion = session.scalars(select(Opinion)).one()
    assert Keyring(NEW).unwrap(opinion.pdf_key or "", "place") == bytes(32)


def test_a_key_that_is_gone_is_said_to_be_gone_and_nothing_is_spoilt(
    any_database: Database,
) -> None:
    some_people(any_database)
    alone = Keyring(NEW)
    with any_database.sessions() as session:
        assert rotation.count_values_by_key(session, alone)[rotation.LOST_KEY_NAME] > 10
        with pytest.raises(UnknownMasterKey):
            rotation.renew_sealed_values(session, alone)
    with any_database.sessions() as session:
        assert "عائشة 0" in session.scalars(select(Person.name)).all()


def test_a_change_made_meanwhile_is_not_undone(
    any_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_people(any_database, count=1)
    ring = Keyring(f"{NEW},{MASTER_KEYS}")
    seal = ring.reencrypt_text

    def slow(sealed: str, context: str) -> str:
        if ring.decrypt_text(sealed, context) == "عائشة 0":  # its owner writes just now
            session.execute(
                text("UPDATE people SET name = :name WHERE id = :id"),
                {"name": ring.encrypt_text("Aisha", context).encode(), "id": patient.id},
            )
        return seal(sealed, context)

    monkeypatch.setattr(ring, "reencrypt_text", slow)
    with any_database.unit_of_work() as session:
        patient = session.scalars(select(Person).where(Person.role == Role.PATIENT)).one()
        rotation.renew_sealed_values(session, ring)
    crypto.set_field_keyring(ring)
    with any_database.sessions() as session:
        assert session.get_one(Person, patient.id).name == "Aisha"


def test_the_job_goes_on_until_nothing_is_left(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    some_people(database)
    blobs: Any = SimpleNamespace(keyring=Keyring(f"{NEW},{MASTER_KEYS}"))
    context = JobContext(settings=None, blobs=blobs, database=database)
    runs, goes_on = 0, True
    monkeypatch.setattr(rotation.renew_sealed_values, "__defaults__", (10,))
    while goes_on:
        with database.unit_of_work() as session:
            session.query(Job).filter_by(kind="keys.renew").delete()
            renew_encryption_keys(session, {}, context)
            goes_on = session.query(Job).filter_by(kind="keys.renew").count() == 1
        runs += 1
    assert runs > 2
    with database.sessions() as session:
        assert rotation.count_values_by_key(session, blobs.keyring)[OLD_NAME] == 0


def test_the_chore_says_which_key_can_go(app: Flask, database: Database) -> None:
    some_people(database)
    said = app.test_cli_runner().invoke(args=["keys"])
    assert said.exit_code == 0 and "(the current key)" in said.output
    app.extensions["blobs"].keyring = Keyring(f"{NEW},{MASTER_KEYS}")
    assert (
        "the jobs encrypt them anew under the current key"
        in app.test_cli_runner().invoke(args=["keys"]).output
    )
    with database.unit_of_work() as session:
        rotation.renew_sealed_values(session, app.extensions["blobs"].keyring)
    assert f"{OLD_NAME}: 0 (no longer needed" in app.test_cli_runner().invoke(args=["keys"]).output
    app.extensions["blobs"].keyring = Keyring(MASTER_KEYS)
    said = app.test_cli_runner().invoke(args=["keys"])
    assert said.exit_code == 1 and "cannot be read" in said.output
