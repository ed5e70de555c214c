"""From a patient's question to a signed opinion: the real processes, real browsers, one person each
(issue 2, 1-9).
"""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pypdf
import pytest
from playwright.sync_api import Page, Playwright, expect
from sqlalchemy import select

from app.audit.queries import verify_audit_chain
from app.cases.models import Case
from app.consults.models import ChatMessage, Consult
from app.consults.room.service import ensure_consult
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.notifications.models import Mail
from app.records.models import Record
from app.scheduling.availability import hours
from app.scheduling.interpreters import credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import Booking, Claim
from tests.axe import faults
from tests.consults.meeting import DESK, PHONE, Guest, guest
from tests.people import PASSWORD, a_person
from tests.processes import House, running, wait_for
from tests.world import ALWAYS

pytestmark = pytest.mark.journey


@dataclass(frozen=True)
class Traveller:
    """The patient of a story. ``interpreted`` is the language that the interpreter speaks."""

    language: str
    interpreted: str
    name: str
    email: str
    country: str
    zone: str
    direction: str
    letters: str
    """A pattern of the letters in which the language is written."""
    interpreted_name: str
    story: str
    questions: tuple[str, str]
    answers: tuple[str, str]


TRAVELLERS = (
    Traveller(
        "ar",
        "ar",
        "ليلى الحربي",
        "layla@test.example",
        "SA",
        "Asia/Riyadh",
        "rtl",
        "[\u0600-\u06ff]",
        "Arabic",
        "بدأ الألم في شهر أيار، ووجد الأطباء كتلة في الثدي الأيسر.",
        ("هل التشخيص صحيح؟", "هل أحتاج إلى عملية جراحية؟"),
        ("نعم، التشخيص صحيح. Yes, the biopsy leaves no doubt.", "Surgery first, then tablets."),
    ),
    Traveller(
        "zh-Hans",
        "zh",
        "王小芳",
        "xiaofang@test.example",
        "CN",
        "Asia/Shanghai",
        "ltr",
        "[\u4e00-\u9fff]",
        "Chinese",
        "五月开始疼痛，医生在左侧乳房发现一个肿块。",
        ("诊断正确吗？", "我需要做手术吗？"),
        ("诊断正确。 Yes, the biopsy leaves no doubt.", "Surgery first, then tablets."),
    ),
)
PDF = (
    b"%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count"
    b" 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


class Office:
    """The house and the people who work in it, before the patient comes."""

    def __init__(self, house: House, database: Database, traveller: Traveller) -> None:
        self.house, self.database, self.url = house, database, house.url
        self.traveller = traveller
        with database.unit_of_work() as session:
            self.coordinator = a_person(
                session, Role.COORDINATOR, name="Maria Ortega", timezone="Europe/Berlin"
            )
            self.specialist = a_person(
                session,
                Role.SPECIALIST,
                name="Anna Bergmann",
                specialties=["oncology"],
                timezone="Europe/Berlin",
                title="Dr.",
            )
            self.interpreter = a_person(
                session,
                Role.INTERPRETER,
                name="Omar Haddad",
                language=traveller.interpreted,
                speaks=["en"],
                timezone="Africa/Cairo",
            )
            credentials.add_qualification(
                session,
                self.coordinator,
                self.interpreter,
                InterpreterCredential(traveller.interpreted, "en", "CHI"),
            )
            for person in (self.specialist, self.interpreter):
                hours.set_availability(session, person, person, ALWAYS, person.timezone)

    def one(self, model: Any, **facts: Any) -> Any:
        """The one row of the model with these facts."""
        with self.database.sessions() as session:
            return session.scalars(select(model).filter_by(**facts)).one()

    def all(self, model: Any, **facts: Any) -> list[Any]:
        with self.database.sessions() as session:
            return list(session.scalars(select(model).filter_by(**facts)))


@pytest.fixture(params=TRAVELLERS, ids=lambda traveller: traveller.language)
def office(tmp_path: Path, settings: Any, request: pytest.FixtureRequest) -> Iterator[Office]:
    database = Database(settings.database_url)
    with running(House(tmp_path, settings.database_url, mode="demo")) as house:
        yield Office(house, database, request.param)
    database.close()


def press(page: Page, action: str) -> None:
    """Presses the button of the form that goes to an address ending so."""
    page.locator(f"main form[action$='{action}'] button:visible:not([type=button])").first.click()
    page.wait_for_load_state()


def onward(page: Page) -> None:
    page.locator("main .step-actions .btn-primary").first.click()
    page.wait_for_load_state()


def is_at_home(page: Page, traveller: Traveller) -> None:
    """In the patient's language and direction, as wide as the phone, and without a fault that axe
    knows.
    """
    expect(page.locator("html")).to_have_attribute("lang", traveller.language)
    expect(page.locator("html")).to_have_attribute("dir", traveller.direction)
    assert re.search(traveller.letters, page.locator("main").inner_text()), page.url
    assert faults(page) == [], page.url


def patient_asks(page: Page, office: Office, folder: Path) -> Case:
    """Steps 1-3: reads what it is, says that it is no emergency, signs up, tells, asks, agrees,
    sends records.
    """
    page.goto(f"{office.url}/?lang={office.traveller.language}")
    is_at_home(page, office.traveller)
    page.locator("main a[href*='/start']").first.click()
    expect(page.locator("main a[href*='/emergency']").first).to_be_visible()
    is_at_home(page, office.traveller)
    page.locator("main a.btn:not([href*='/emergency'])").first.click()
    if "/sign-up" not in page.url:
        page.locator("main a[href*='/sign-up']").first.click()
    expect(page.locator("#f-timezone")).to_have_value(
        office.traveller.zone
    )  # proposed by the browser
    page.fill("#f-name", office.traveller.name)
    page.select_option("#f-language", office.traveller.language)
    page.select_option("#f-country", office.traveller.country)
    page.fill("#f-email", office.traveller.email)
    page.fill("#f-password", PASSWORD)
    press(page, "/sign-up")
    page.wait_for_url("**/cases/new*")
    is_at_home(page, office.traveller)
    page.check("input[name=who][value=self]")
    onward(page)
    page.select_option("#f-specialty", "oncology")
    page.fill("#f-story", office.traveller.story)
    onward(page)
    for number, question in enumerate(office.traveller.questions, 1):
        page.fill(f"#f-question-{number}", question)
    onward(page)
    page.check("input[name=way][value=meeting]")
    onward(page)
    send_records(page, office, folder)
    case: Case = office.one(Case)
    wait_for(
        lambda: [record.state for record in office.all(Record, case_id=case.id)] == ["ready"] * 2,
        40,
        office.house.logs,
    )
    onward(page)
    for box in page.locator("input[name=consent]").all():
        box.check()
    onward(page)
    confirm_address(page, office)
    press(page, "/send")
    assert office.one(Case, id=case.id).stage == "submitted"
    return case


def confirm_address(page: Page, office: Office) -> None:
    """Opens the link in the mail, in another tab of the same browser."""
    expect(page.locator("#f-email")).to_contain_text(office.traveller.email)
    [mail] = [one for one in office.all(Mail, to=office.traveller.email) if "/confirm-" in one.body]
    tab = page.context.new_page()
    tab.goto(re.findall(r"http\S+/confirm-email/\S+", mail.body)[0])
    is_at_home(tab, office.traveller)
    tab.locator("main form button[type=submit]").click()
    tab.wait_for_url("**/home")
    tab.close()
    page.reload()
    expect(page.locator("#f-email")).to_have_count(0)


def send_records(page: Page, office: Office, folder: Path) -> None:
    """Two good files at once, and one that is refused in a sentence."""
    (folder / "report.pdf").write_bytes(PDF)
    (folder / "notes.txt").write_text("Blood count normal.\n" * 50)
    (folder / "virus.exe").write_bytes(b"MZ\x90\x00" + bytes(200))
    page.set_input_files(
        "#records-files", [folder / "report.pdf", folder / "notes.txt", folder / "virus.exe"]
    )
    expect(page.locator(".records")).to_contain_text("report.pdf")
    expect(page.locator("#records")).to_contain_text(
        "DICOM", timeout=20000
    )  # the refusal says what is accepted
    is_at_home(page, office.traveller)


def office_takes_it(page: Page, patient: Page, office: Office, case: Case) -> None:
    """Step 4: the worklist, a missing record, the people, and yes."""
    page.goto(office.url + "/home")
    page.locator(f"a[href*='/cases/{case.id}']").first.click()
    press(page, "/triage")
    page.fill("textarea[name=what]", "Pathology report")
    press(page, "/ask")
    patient.goto(f"{office.url}/cases/{case.id}")
    expect(patient.locator("main")).to_contain_text("Pathology report")
    is_at_home(patient, office.traveller)
    press(patient, "/records-sent")
    expect(patient.locator("[name=nothing_more]")).to_be_attached()
    press(patient, "/records-sent")
    page.goto(f"{office.url}/cases/{case.id}")
    assign(page, office.specialist)
    assign(page, office.interpreter)
    press(page, "/accept")
    assert faults(page) == []
    accepted = office.one(Case, id=case.id)
    assert accepted.stage == "accepted" and accepted.due_at is not None


def assign(page: Page, person: Person) -> None:
    page.locator(f"form[action$='/assign']:has(input[value='{person.id}']) button").click()
    page.wait_for_load_state()


def patient_chooses_a_time(page: Page, office: Office, case: Case) -> Booking:
    """Step 5: a slot with three local times; claims for all three people."""
    page.goto(f"{office.url}/cases/{case.id}/times")
    slot = page.locator(".day:visible button.slot:visible").first
    expect(slot.locator(".slot-other")).to_have_count(2)
    slot.click()
    page.wait_for_load_state()
    is_at_home(page, office.traveller)
    press(page, "/confirm")
    booking: Booking = office.one(Booking, case_id=case.id, state="confirmed")
    claims = office.all(Claim, booking_id=booking.id)
    assert {claim.person_id for claim in claims} >= {
        booking.patient_id,
        office.specialist.id,
        office.interpreter.id,
    }
    assert office.one(Case, id=case.id).stage == "scheduled"
    return booking


def everyone_is_told(patient: Page, office: Office, case: Case) -> None:
    """Step 6: in the app and by mail, each in their language and zone, nothing clinical."""
    wait_for(lambda: len({mail.to for mail in office.all(Mail)}) >= 3, 20, office.house.logs)
    patient.goto(office.url + "/messages")
    expect(patient.locator("main")).to_contain_text(case.number)
    is_at_home(patient, office.traveller)
    mails = office.all(Mail)
    traveller = office.traveller
    theirs = [mail for mail in mails if mail.language == traveller.language]
    assert theirs and all(re.search(traveller.letters, mail.subject) for mail in theirs)
    for mail in mails:
        for clinical in ("Pathology", traveller.story[:12], traveller.questions[0], "report.pdf"):
            assert clinical not in mail.subject + mail.body
    patient.goto(office.url + "/outbox")
    expect(patient.locator("main")).to_contain_text("@test.example")


def interpreter_accepts(page: Page, office: Office) -> None:
    page.goto(office.url + "/engagements")
    press(page, "/accept")


def they_meet(
    patient: Guest, specialist: Guest, interpreter: Guest, office: Office, booking: Booking
) -> None:
    """Step 7: waiting room, admission, three who see and hear one another, chat, screen, leaving,
    the end.
    """
    with office.database.unit_of_work() as session:
        consult = ensure_consult(session, session.get(Booking, booking.id))  # type: ignore[arg-type]
        consult.opens_at, consult.closes_at = now() - timedelta(hours=1), now() + timedelta(days=60)
    everyone = (patient, specialist, interpreter)
    for one in everyone:
        one.open(office.url, consult.id)
    is_at_home(patient.page, office.traveller)
    specialist.enter()
    specialist.is_inside()
    for one in (patient, interpreter):
        one.enter()
    for role in ("patient", "interpreter"):
        let_in(specialist, role)
    for one in everyone:
        one.is_inside()
    for one in everyone:
        for other in everyone:
            if other is not one:
                one.sees(other.role, within=20)
                one.hears(other.role, within=20)
    expect(specialist.by("tile-interpreter")).to_contain_text(office.traveller.interpreted_name)
    expect(specialist.by("tile-interpreter")).to_contain_text("English")
    for one in everyone:
        assert faults(one.page) == [], f"the room of the {one.role}"
    they_chat(patient, specialist, office)
    they_switch_things_off_and_on(patient, specialist, interpreter)
    specialist.page.locator("[data-testid=leave]:visible").first.click()
    specialist.page.locator("[data-testid=end]:visible").first.click()
    for one in everyone:
        one.page.wait_for_url("**/after", timeout=20000)
        expect(one.page.locator("main h1")).to_be_visible()
    wait_for(lambda: office.one(Consult, id=consult.id).state == "ended", 10)


def let_in(specialist: Guest, role: str) -> None:
    """Admits one person, through the banner or through the list of people."""
    shown = specialist.page.locator(f"[data-testid=admit-{role}]:visible")
    specialist.page.locator(f"[data-testid=admit-{role}]").first.wait_for(
        state="attached", timeout=20000
    )
    if not shown.count():
        specialist.page.locator("[data-testid=people-toggle]:visible").first.click()
    shown.first.click()


def they_chat(patient: Guest, specialist: Guest, office: Office) -> None:
    if not specialist.by("chat-input").first.is_visible():
        specialist.page.locator("[data-testid=chat-toggle]:visible").first.click()
    specialist.by("chat-input").first.fill("Please bring the slides.")
    specialist.by("chat-send").first.click()
    expect(patient.by("chat-lines")).to_contain_text("Please bring the slides.", timeout=10000)
    assert office.one(ChatMessage).text == "Please bring the slides."


def they_switch_things_off_and_on(patient: Guest, specialist: Guest, interpreter: Guest) -> None:
    patient.by("mic").first.click()
    expect(specialist.by("tile-patient").locator(".tile-mic")).to_be_visible(timeout=10000)
    patient.by("mic").first.click()
    patient.by("camera").first.click()
    expect(specialist.by("tile-patient")).to_have_class(re.compile("no-picture"), timeout=10000)
    patient.by("camera").first.click()
    expect(specialist.by("tile-patient")).not_to_have_class(re.compile("no-picture"), timeout=10000)
    specialist.sees("patient", within=15)
    patient.page.reload()  # the seat stays theirs
    patient.is_inside()
    patient.sees("interpreter", within=20)
    interpreter.hears("patient", within=20)


def specialist_writes(page: Page, office: Office, case: Case) -> None:
    """Step 8: every question answered, saved, read through, signed."""
    page.goto(f"{office.url}/cases/{case.id}/opinion/edit")
    expect(page.locator("main")).to_contain_text(office.traveller.questions[0])
    assert faults(page) == []
    for number, answer in enumerate(office.traveller.answers, 1):
        page.fill(f"#f-answer-{number}", answer)
    page.check("input[name=agreement][value=agree]")
    page.fill("#f-diagnosis", "Breast cancer, hormone sensitive.")
    page.fill("#f-rec-0-text", "Begin with surgery.")
    page.fill("#f-rec-0-rationale", "The tumour is small.")
    page.fill("#f-further_tests", "Ki-67 on the core biopsy.")
    page.fill("#f-limits", "I could not examine you in person.")
    page.locator("button[name=sign]").click()
    page.wait_for_load_state()
    press(page, "/opinion/sign")
    assert office.one(Case, id=case.id).stage == "opinion_signed"


def opinion_goes_home(coordinator: Page, patient: Page, office: Office, case: Case) -> None:
    """The draft was never the patient's; released, it is read and downloaded."""
    assert patient.goto(f"{office.url}/cases/{case.id}/opinion").status == 404  # type: ignore[union-attr]
    wait_for(
        lambda: (
            coordinator.goto(f"{office.url}/cases/{case.id}")
            and coordinator.locator("form[action$='/opinion/release'] button").count()
        ),
        60,
        office.house.logs,
    )
    press(coordinator, "/opinion/release")
    patient.goto(f"{office.url}/cases/{case.id}/opinion")
    is_at_home(patient, office.traveller)
    expect(patient.locator("main")).to_contain_text(office.traveller.answers[1])
    with patient.expect_download() as download:
        patient.locator(f"a[href*='/cases/{case.id}/opinion.pdf']").first.click()
    check_pdf(Path(download.value.path()).read_bytes(), office.traveller)


def check_pdf(pdf: bytes, traveller: Traveller) -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf))
    text = "\n".join(page.extract_text() for page in reader.pages)
    for words in (traveller.answers[1], "Begin with surgery.", "Ki-67 on the core biopsy."):
        assert words in text
    shapes: dict[str, set[str]] = defaultdict(set)
    for page in reader.pages:
        for name, font in page["/Resources"]["/Font"].items():
            descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
            assert {"/FontFile2", "/FontFile3"} & set(descriptor), f"{name} is not embedded"
            cmap = font["/ToUnicode"].get_data().decode("latin-1")
            for glyph, letters in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", cmap):
                shapes[bytes.fromhex(letters).decode("utf-16-be")].add(f"{name}:{glyph}")
    if traveller.language == "ar":
        assert len(shapes["\u064a"]) >= 2, "Arabic letters are not joined: yeh has one shape only"
    else:
        assert traveller.questions[0] in text.replace("\n", "")


@pytest.mark.timeout(420)
def test_from_a_question_to_a_signed_opinion(
    playwright: Playwright, office: Office, tmp_path: Path
) -> None:
    with ExitStack() as doors:

        def enters(person: Person, **options: Any) -> Guest:
            return doors.enter_context(guest(playwright, office.url, person, tmp_path, **options))

        stranger = doors.enter_context(a_stranger(playwright, tmp_path, office.traveller))
        case = patient_asks(stranger.page, office, tmp_path)
        coordinator = enters(office.coordinator)
        office_takes_it(coordinator.page, stranger.page, office, case)
        booking = patient_chooses_a_time(stranger.page, office, case)
        everyone_is_told(stranger.page, office, case)
        interpreter = enters(office.interpreter)
        interpreter_accepts(interpreter.page, office)
        specialist = enters(office.specialist, viewport=DESK)
        they_meet(stranger, specialist, interpreter, office, booking)
        specialist_writes(specialist.page, office, case)
        opinion_goes_home(coordinator.page, stranger.page, office, case)
        everyone_has_a_home(office, stranger, specialist, interpreter, coordinator)
        for one in (stranger, coordinator, interpreter, specialist):
            assert [
                line for line in one.complaints if "404" not in line and "415" not in line
            ] == []
    the_record_holds(office, case, tmp_path)


def everyone_has_a_home(office: Office, *people: Guest) -> None:
    """Step 9."""
    for one in people:
        assert one.page.goto(office.url + "/home").status == 200  # type: ignore[union-attr]
        expect(one.page.locator("main h1")).to_be_visible()
        assert faults(one.page) == [], f"home of the {one.role}"


def the_record_holds(office: Office, case: Case, folder: Path) -> None:
    """The audit trail is whole, and nothing that was sent lies in the clear."""
    with office.database.sessions() as session:
        report = verify_audit_chain(session)
    assert report.broken_at is None and report.entries > 20
    stored = b"".join(
        path.read_bytes() for path in (folder / "objects").rglob("*") if path.is_file()
    )
    assert stored and b"Blood count normal" not in stored
    base = b"".join(path.read_bytes() for path in folder.glob("consilium.db*"))
    told = office.traveller
    assert told.story.encode()[:20] not in base and told.questions[0].encode() not in base


def a_stranger(playwright: Playwright, folder: Path, traveller: Traveller) -> Any:
    """Somebody with a phone abroad, whom nobody knows yet."""
    abroad = {"locale": traveller.language, "timezone_id": traveller.zone}
    return guest(playwright, "", None, folder, viewport=PHONE, role="patient", **abroad)  # type: ignore[arg-type]
