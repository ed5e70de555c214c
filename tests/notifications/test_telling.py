"""What people are told: once, in their language and zone, without a clinical word."""

from __future__ import annotations

import ast
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app.cases import service as cases
from app.cases.models import Case
from app.core.db import Database
from app.core.outbox import enqueue_job
from app.core.permissions import Role
from app.core.slices import get_slices
from app.identity.models import Person
from app.notifications import queries
from app.notifications.models import Mail, Notice
from app.notifications.service import render_notice
from app.notifications.wording import UnknownNoticeKind, render_notice_wording
from tests.people import a_person, an_accepted_case
from tests.work import run_jobs

# Monday, 26 October 2026: Europe left summer time the night before, the United States have not yet,
# Egypt neither.
AT = datetime(2026, 10, 26, 14, 0, tzinfo=UTC)
CLINICAL = ("lump", "oncology", "cancer", "diagnosis", "surgery", "biopsy")


@pytest.fixture
def people(database: Database) -> dict[str, Person]:
    with database.unit_of_work() as session:
        return {
            "patient": a_person(
                session, Role.PATIENT, name="أمل حسن", language="ar", timezone="Africa/Cairo"
            ),
            "specialist": a_person(
                session, Role.SPECIALIST, timezone="Europe/Berlin", specialties=["oncology"]
            ),
            "interpreter": a_person(
                session, Role.INTERPRETER, language="es", timezone="America/New_York"
            ),
            "coordinator": a_person(session, Role.COORDINATOR, timezone="Asia/Tokyo"),
        }


@pytest.fixture
def case(database: Database, people: dict[str, Person]) -> Case:
    with database.unit_of_work() as session:
        return an_accepted_case(
            session,
            people["patient"],
            people["coordinator"],
            people["specialist"],
            people["interpreter"],
        )


def tell(database: Database, case: Case, kind: str, *people: Person, **facts) -> None:
    with database.unit_of_work() as session:
        cases.notify_people(
            session, kind, session.get_one(Case, case.id), [person.id for person in people], **facts
        )


def mails(database: Database, person: Person) -> list[Mail]:
    with database.unit_of_work() as session:
        return list(session.scalars(select(Mail).where(Mail.to == person.email).order_by(Mail.id)))


def notices(database: Database, person: Person) -> list[Notice]:
    with database.unit_of_work() as session:
        return queries.notices_of(session, person)


def test_a_meeting_is_told_in_everyones_own_time(app, database, case, people):
    tell(database, case, "booking_confirmed", *people.values(), starts_at=AT.isoformat())
    run_jobs(app)
    body = mails(database, people["specialist"])[-1].body
    assert "Monday, October 26, 2026, 3:00\u202fPM (Central European Standard Time)" in body
    assert "Monday, October 26, 2026, 4:00\u202fPM (Eastern European Standard Time)" not in body
    assert "Monday, October 26, 2026, 5:00\u202fPM (Eastern European Summer Time)" in body
    assert "Monday, October 26, 2026, 10:00\u202fAM (Eastern Daylight Time)" in body

    office = mails(database, people["coordinator"])[-1].body
    assert "11:00\u202fPM (Japan Standard Time)" in office
    assert office.count("October 26") == 5, "in the sentence, the reader’s own, and the other three"


def test_each_reader_has_their_own_language(app, database, case, people):
    tell(
        database,
        case,
        "booking_confirmed",
        people["patient"],
        people["interpreter"],
        starts_at=AT.isoformat(),
    )
    run_jobs(app)
    arabic, spanish = (mails(database, people[who])[-1] for who in ("patient", "interpreter"))
    assert "الاثنين، 26 أكتوبر 2026" in arabic.body or "الاثنين، ٢٦ أكتوبر ٢٠٢٦" in arabic.body
    assert "lunes, 26 de octubre de 2026" in spanish.body
    assert "hora de verano oriental" in spanish.body


def test_no_mail_holds_a_clinical_word(app, database, case, people):
    facts = {
        "starts_at": AT.isoformat(),
        "signed_in_at": AT.isoformat(),
        "device_name": "Firefox, Linux",
        "link_id": "a link",
    }
    kinds = get_slices().notice_kinds
    for kind in kinds:
        tell(database, case, kind, *people.values(), **facts)
    run_jobs(app)
    with database.unit_of_work() as session:
        everything = list(session.scalars(select(Mail)))
    assert len(everything) >= len(kinds) * 4
    for mail in everything:
        text = f"{mail.subject} {mail.body}".lower()
        assert not [word for word in CLINICAL if word in text], mail.subject
        assert case.patient.name not in mail.body
        assert "%(" not in text


def test_told_once_however_often_the_job_runs(app, database, case, people):
    for _ in range(2):
        with database.unit_of_work() as session:
            enqueue_job(
                session,
                "notify",
                {
                    "kind": "case_accepted",
                    "person_id": people["patient"].id,
                    "case_id": case.id,
                    "facts": {},
                    "key": "accepted",
                },
            )
    run_jobs(app)
    told = [
        notice
        for notice in notices(database, people["patient"])
        if notice.key.startswith("accepted")
    ]
    assert len(told) == 1


def test_a_notice_is_read_in_the_language_of_the_moment(app, database, case, people):
    tell(database, case, "booking_moved", people["patient"], starts_at=AT.isoformat())
    run_jobs(app)
    notice = notices(database, people["patient"])[0]
    english = render_notice(notice, "en", "UTC")
    assert english.title == "Your consultation has a new time"
    assert "2:00\u202fPM (Coordinated Universal Time)" in english.sentences[0]
    assert [one.who for one in english.times] == ["Your time", "Specialist", "Interpreter"]


@pytest.mark.parametrize(
    "kind",
    ["booking_confirmed", "booking_moved", "reminder", "engagement_proposed", "engagement_agreed"],
)
def test_a_meeting_to_come_says_so_where_it_is_interpreted_simultaneously(kind):
    simultaneous, consecutive = (
        render_notice_wording(
            kind,
            {"starts_at": AT.isoformat(), "mode": mode},
            language="en",
            zone="UTC",
            case_id="c",
            number="1",
        )
        for mode in ("simultaneous", "consecutive")
    )
    assert "interpreted simultaneously" in simultaneous.sentences[1]
    assert "simultaneously" not in " ".join(consecutive.sentences)


def test_a_meeting_that_is_off_needs_no_mode():
    wording = render_notice_wording(
        "booking_cancelled",
        {"starts_at": AT.isoformat(), "mode": "simultaneous"},
        language="en",
        zone="UTC",
        case_id="c",
        number="1",
    )
    assert "simultaneously" not in " ".join(wording.sentences)


def test_somebody_who_is_gone_is_not_told(app, database, case, people):
    with database.unit_of_work() as session:
        session.get_one(Person, people["interpreter"].id).active = False
    tell(database, case, "booking_cancelled", people["interpreter"], starts_at=AT.isoformat())
    before = len(mails(database, people["interpreter"]))
    run_jobs(app)
    assert len(mails(database, people["interpreter"])) == before


def test_an_unknown_kind_fails_loudly():
    with pytest.raises(UnknownNoticeKind):
        render_notice_wording("surprise", {}, language="en", zone="UTC", case_id=None, number="")


def test_every_kind_that_the_house_sends_has_its_words():
    """Reads the sources: each literal kind that is sent is in the table."""
    sent = set()
    for path in Path("app").rglob("*.py"):
        names = ("notify_people", "notify_about_booking")
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            if name in names and len(node.args) > 1 and isinstance(node.args[1], ast.Constant):
                sent.add(node.args[1].value)
    assert {"records_requested", "booking_confirmed"} <= sent
    kinds = set(get_slices().notice_kinds)
    assert sent <= kinds, sent - kinds


def test_every_link_leads_to_a_page(app: Flask):
    adapter = app.url_map.bind("localhost")
    slices = get_slices()
    for kind in slices.notice_kinds.values():
        path = slices.build_path(kind.endpoint, {"case_id": "0" * 32, "consult_id": "0" * 32})
        assert adapter.match(path, method="GET"), path


def test_every_sentence_can_be_said():
    for name in get_slices().notice_kinds:
        for language in ("en", "es", "ar"):
            wording = render_notice_wording(
                name,
                {
                    "starts_at": AT.isoformat(),
                    "signed_in_at": AT.isoformat(),
                    "device_name": "Firefox, Linux",
                    "consult_id": "c",
                },
                language=language,
                zone="Africa/Cairo",
                case_id="c",
                number="C-2026-00001",
            )
            assert wording.title and all(wording.sentences)
            assert not re.search(
                r"%\(|\{", " ".join((wording.title, *wording.sentences, wording.path))
            )


def test_one_reads_only_ones_own_messages(app, database, case, people, visit):
    tell(database, case, "case_accepted", people["patient"])
    run_jobs(app)
    mine = visit(people["patient"])
    page = mine.get("/messages?lang=en")
    assert "The hospital accepted your case" in page.text
    notice = notices(database, people["patient"])[0]
    other = visit(people["specialist"])
    assert other.post(f"/messages/{notice.id}/open").status_code == 404
    opened = mine.post(f"/messages/{notice.id}/open", follow=False)
    assert opened.status_code == 303 and opened.location == f"/cases/{case.id}"
    with database.unit_of_work() as session:
        assert session.get_one(Notice, notice.id).read_at


def test_all_can_be_marked_as_read_at_once(app, database, case, people, visit):
    tell(database, case, "case_accepted", people["patient"], people["patient"])
    run_jobs(app)
    with database.unit_of_work() as session:
        assert queries.count_unread_notices(session, people["patient"]) >= 1
    mine = visit(people["patient"])
    mine.get("/messages")
    assert mine.post("/messages/read").status_code == 200
    with database.unit_of_work() as session:
        assert queries.count_unread_notices(session, people["patient"]) == 0


def test_the_outbox_is_for_the_demo_alone(visit):
    assert visit().get("/outbox").status_code == 404
