"""The same journey's server half as a hospital outgrows one machine: PostgreSQL, Redis, two web
processes.

The media node is a client of the first web process; whoever sits at the second reaches it through
Redis. A call across processes times out until the calling process's Redis listener runs (DESIGN 11,
pit 1), so the second web process makes the very first call here.
"""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
import requests
import socketio
from sqlalchemy import select

from app.audit.queries import verify_audit_chain
from app.cases.models import Case
from app.consults.models import ChatMessage, Consult
from app.consults.room.service import ensure_consult
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.models import Mail, Notice
from app.records.models import Record
from app.scheduling.availability import hours
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Claim, Engagement
from tests.people import PASSWORD, TOKEN, a_person
from tests.processes import ROOT, House, running, wait_for
from tests.world import ALWAYS, a_circle

pytestmark = pytest.mark.late

OFFER = (
    (Path(__file__).parent.parent / "media" / "offers" / "chromium.sdp")
    .read_text()
    .replace("\n", "\r\n")
)
LINES = {
    "mic": "0",
    "camera": "1",
    "screen": "2",
    "slots": [{"audio": "3", "video": "4"}, {"audio": "5", "video": "6"}],
    "stage": "7",
}
PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count"
    b" 0>>endobj\n%%EOF\n"
)


class Caller:
    """Somebody at one of the web processes, over real HTTP and a real socket."""

    def __init__(self, url: str) -> None:
        self.url, self.http, self.token = url, requests.Session(), ""
        self.heard: dict[str, list[Any]] = {}
        self.line: socketio.Client | None = None

    def get(self, path: str) -> requests.Response:
        return self._kept(self.http.get(self.url + path, timeout=30))

    def post(self, path: str, files: Any = None, **fields: Any) -> requests.Response:
        answer = self._kept(
            self.http.post(
                self.url + path, data={"csrf_token": self.token, **fields}, files=files, timeout=30
            )
        )
        assert answer.ok, (
            f"{path}: {answer.status_code} {re.sub('<[^>]+>', ' ', answer.text)[:1500]}"
        )
        return answer

    def sign_in(self, person: Person) -> Caller:
        self.get("/sign-in")
        self.post("/sign-in", email=person.email, password=PASSWORD)
        return self

    def sit(self, consult: Consult) -> dict[str, Any]:
        """Takes the seat in the consult; returns its state."""
        page = self.get(f"/consults/{consult.id}").text
        found = re.search(r'id="consult-facts">(.*?)</script>', page, re.S)
        assert found, page[:2000]
        facts = json.loads(found.group(1))
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies)
        self.line = socketio.Client(reconnection=False)
        self.line.on("*", self._hear, namespace="/consult")
        self.line.connect(
            self.url, headers={"Cookie": cookies}, namespaces=["/consult"], wait_timeout=20
        )
        self.seat = facts["seat"]
        return self.say("seat.take", ticket=facts["ticket"], tab="tab-1")

    def say(self, event: str, **message: Any) -> dict[str, Any]:
        assert self.line is not None
        answer: dict[str, Any] = self.line.call(event, message, namespace="/consult", timeout=20)
        assert "error" not in (answer or {}), (event, answer)
        return answer

    def leave(self) -> None:
        if self.line is not None:
            self.line.disconnect()

    def _hear(self, event: str, *facts: Any) -> None:
        self.heard.setdefault(event, []).append(facts[0] if facts else None)

    def _kept(self, answer: requests.Response) -> requests.Response:
        found = (
            TOKEN.search(answer.text) if "html" in answer.headers.get("Content-Type", "") else None
        )
        self.token = found.group(1) if found else self.token
        return answer


@pytest.fixture
def scaled(tmp_path: Path, postgres_url: str, redis_url: str) -> Iterator[tuple[House, Database]]:
    """Migrated by the migrations, as in a hospital."""
    house = House(tmp_path, postgres_url, redis_url=redis_url, webs=2)
    environment = house.environment(1) | {"PATH": os.environ["PATH"]}
    subprocess.run(
        [sys.executable, "-m", "flask", "db", "upgrade"],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    database = Database(postgres_url)
    with running(house):
        yield house, database
    database.close()


def a_staff(database: Database) -> dict[str, Person]:
    with database.unit_of_work() as session:
        coordinator = a_person(session, Role.COORDINATOR)
        specialist = a_person(
            session, Role.SPECIALIST, specialties=["oncology"], timezone="Europe/Berlin"
        )
        interpreter = a_person(
            session, Role.INTERPRETER, language="ar", speaks=["en"], timezone="Africa/Cairo"
        )
        credentials.add_qualification(
            session, coordinator, interpreter, InterpreterCredential("ar", "en", "CHI")
        )
        for person in (specialist, interpreter):
            hours.set_availability(session, person, person, ALWAYS, person.timezone)
    return {"coordinator": coordinator, "specialist": specialist, "interpreter": interpreter}


def one(database: Database, model: Any, **facts: Any) -> Any:
    with database.sessions() as session:
        return session.scalars(select(model).filter_by(**facts)).one()


def a_sent_case(patient: Caller, database: Database, house: House) -> Case:
    patient.get("/sign-up")
    patient.post(
        "/sign-up",
        name="ليلى",
        email="layla@test.example",
        password=PASSWORD,
        language="ar",
        country="SA",
        timezone="Asia/Riyadh",
    )
    patient.post("/cases/new", who="self")
    case: Case = one(database, Case)
    for step, fields in (
        ("story", {"specialty": "oncology", "story": "كتلة في الثدي"}),
        ("questions", {"question": ["هل التشخيص صحيح؟", "هل أحتاج إلى عملية؟"]}),
        ("meeting", {"way": "meeting"}),
    ):
        patient.post(f"/cases/{case.id}/request/{step}", **fields)
    patient.post(f"/cases/{case.id}/records", files={"files": ("report.pdf", io.BytesIO(PDF))})
    wait_for(lambda: one(database, Record, case_id=case.id).state == "ready", 30, house.logs)
    patient.post(
        f"/cases/{case.id}/request/consents", consent=["telehealth", "sharing", "interpreter"]
    )
    mail = one(database, Mail, to="layla@test.example")
    [path] = re.findall(r"/confirm-email/\S+", mail.body)
    patient.post(path)
    patient.post(f"/cases/{case.id}/send")
    return case


def office_accepts(coordinator: Caller, case: Case, staff: dict[str, Person]) -> None:
    coordinator.get(f"/cases/{case.id}")
    coordinator.post(f"/cases/{case.id}/triage")
    for role in ("specialist", "interpreter"):
        coordinator.post(f"/cases/{case.id}/assign", person=staff[role].id)
    coordinator.post(f"/cases/{case.id}/accept")


def a_booking(patient: Caller, interpreter: Caller, database: Database, case: Case) -> Booking:
    page = patient.get(f"/cases/{case.id}/times").text
    slot = re.search(r'name="slot" value="([^"]+)"', page)
    token = re.search(r'name="form_token" value="([^"]+)"', page)
    assert slot and token
    patient.post(f"/cases/{case.id}/hold", slot=slot.group(1), form_token=token.group(1))
    booking: Booking = one(database, Booking, case_id=case.id)
    patient.post(f"/bookings/{booking.id}/confirm")
    interpreter.get("/engagements")
    interpreter.post(f"/engagements/{one(database, Engagement, booking_id=booking.id).id}/accept")
    with database.sessions() as session:
        claimed = set(
            session.scalars(select(Claim.person_id).where(Claim.booking_id == booking.id))
        )
    assert len(claimed) == 3
    return booking


def they_meet(
    house: House, database: Database, booking: Booking, patient: Caller, specialist: Caller
) -> None:
    """Patient at one web process, specialist at the other, the node at the first."""
    with database.unit_of_work() as session:
        row = session.get(Booking, booking.id)
        assert row is not None
        consult = ensure_consult(session, row)
        consult.opens_at, consult.closes_at = now() - timedelta(hours=1), now() + timedelta(days=60)
    specialist.sit(consult)
    specialist.say("seat.enter", mic=True, camera=True)
    answer = specialist.say(
        "media.offer", sdp=OFFER, lines=LINES, connection="connection-of-the-specialist"
    )
    assert answer["sdp"].startswith("v=0") and "a=candidate:" in answer["sdp"]
    patient.sit(consult)
    patient.say("seat.enter", mic=True, camera=True)
    specialist.say("seat.admit", seat=patient.seat)
    answer = patient.say(
        "media.offer", sdp=OFFER, lines=LINES, connection="connection-of-the-patient"
    )
    assert answer["sdp"].startswith("v=0")
    patient.say("chat.say", client_id="line-number-1", text="صباح الخير")
    wait_for(
        lambda: any(
            "صباح الخير" in json.dumps(line, ensure_ascii=False)
            for line in specialist.heard.get("chat.line", [])
        ),
        10,
        house.logs,
    )
    assert one(database, ChatMessage).text == "صباح الخير"
    specialist.say("consult.end")
    wait_for(lambda: one(database, Consult, id=consult.id).state == "ended", 10, house.logs)


def an_opinion(
    specialist: Caller,
    coordinator: Caller,
    patient: Caller,
    database: Database,
    case: Case,
    house: House,
) -> None:
    page = specialist.get(f"/cases/{case.id}/opinion/edit").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    specialist.post(
        f"/cases/{case.id}/opinion/draft",
        version=version.group(1),
        agreement="agree",
        diagnosis="Breast cancer.",
        limits="No examination.",
        further_tests="",
        **{"answer-1": "Yes.", "answer-2": "Surgery first.", "rec-0-text": "Begin with surgery."},
    )
    page = specialist.get(f"/cases/{case.id}/opinion/sign").text
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    specialist.post(f"/cases/{case.id}/opinion/sign", version=version.group(1))
    assert patient.http.get(f"{patient.url}/cases/{case.id}/opinion.pdf").status_code == 404

    def can_be_released() -> bool:
        return "/opinion/release" in coordinator.get(f"/cases/{case.id}").text

    wait_for(can_be_released, 60, house.logs)
    coordinator.post(f"/cases/{case.id}/opinion/release")
    pdf = patient.get(f"/cases/{case.id}/opinion.pdf")
    text = "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf.content)).pages)
    assert "Surgery first." in text


@pytest.mark.timeout(300)
def test_the_journey_on_postgresql_with_redis_and_two_web_processes(
    scaled: tuple[House, Database],
) -> None:
    house, database = scaled
    staff = a_staff(database)
    first, second = house.urls
    patient = Caller(first)
    case = a_sent_case(patient, database, house)
    coordinator = Caller(second).sign_in(staff["coordinator"])
    interpreter = Caller(first).sign_in(staff["interpreter"])
    specialist = Caller(second).sign_in(staff["specialist"])
    office_accepts(coordinator, case, staff)
    patient.url = second  # a sign-in is good at every process
    assert patient.get("/account").status_code == 200
    patient.url = first
    booking = a_booking(patient, interpreter, database, case)
    try:
        they_meet(house, database, booking, patient, specialist)
    finally:
        patient.leave()
        specialist.leave()
    an_opinion(specialist, coordinator, patient, database, case, house)
    wait_for(lambda: "opinion_released" in kinds_told(database), 20, house.logs)
    with database.sessions() as session:
        report = verify_audit_chain(session)
        assert report.broken_at is None and report.entries > 20
        assert session.scalars(select(Mail)).first() is not None


def kinds_told(database: Database) -> set[str]:
    with database.sessions() as session:
        return set(session.scalars(select(Notice.kind)))


@pytest.mark.timeout(120)
def test_every_call_is_answered_from_the_process_that_the_node_is_not_at(
    scaled: tuple[House, Database],
) -> None:
    """The regression of pit 1: no call of the other process waits out its time."""
    house, database = scaled
    with database.unit_of_work() as session:
        circle = a_circle(session, a_person(session, Role.COORDINATOR))
        consult = circle.consult
        consult.opens_at, consult.closes_at = now() - timedelta(hours=1), now() + timedelta(days=60)
    specialist = Caller(house.urls[1]).sign_in(circle.specialist)
    specialist.sit(consult)
    specialist.say("seat.enter", mic=True, camera=True)
    for turn in range(5):
        answer = specialist.say(
            "media.offer", sdp=OFFER, lines=LINES, connection=f"connection-{turn}"
        )
        assert answer["sdp"].startswith("v=0")
    specialist.leave()
