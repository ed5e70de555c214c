"""The demo: invented people, cases at every stage, and one consultation that is always open.

Everything is made by the services' own functions, with the clock set to the day on which it is
said to have happened.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from argon2 import PasswordHasher
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as case_queries
from app.cases import service as cases
from app.cases.consents import CONSENT_TEXTS
from app.cases.models import Case
from app.cases.states import CaseStage
from app.consults.models import Consult
from app.consults.room import service as consults
from app.core import clock
from app.core.blobs import BlobStore
from app.core.crypto import Keyring
from app.core.errors import Refusal
from app.core.ids import new_id
from app.core.permissions import Role
from app.identity.models import Person
from app.identity.queries import find_person_by_email
from app.identity.verbs import IdentityAuditVerb
from app.opinions import service as opinions
from app.opinions.content import RecommendationContent
from app.portal.demo_texts import (
    DEMO_MISSING_RECORD,
    DEMO_PEOPLE,
    DEMO_RECORDS,
    DEMO_REQUESTS,
    SHOWN_DEMO_ACCOUNTS,
    DemoPerson,
)
from app.records import service as records
from app.records.service import NewUpload, StoredPart
from app.scheduling import queries as scheduling
from app.scheduling.availability import hours
from app.scheduling.availability.hours import WeeklyHours
from app.scheduling.bookings import service as bookings
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import credentials, ladder
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import DEFAULT_LENGTH_QUARTERS, Booking, BookingState, Claim
from app.scheduling.time.quarters import QUARTER_MINUTES, instant_of, quarter_of

DEMO_PASSWORD = "consilium-demo"
DEMO_CONSULT_OPEN_DURATION = timedelta(days=30)
# An open consultation that closes sooner than this is replaced by a new one.
DEMO_CONSULT_RENEWAL_MARGIN = timedelta(days=2)
# A booking is checked a moment after its time was chosen, and must not have begun by then.
DEMO_BOOKING_LEAD_TIME = timedelta(minutes=1)
# Who can join the open consultation.
CONSULT_KEYS = ("patient", "specialist", "interpreter")


def seed_demo_data(session: Session, settings: Any) -> str | None:
    """Fills an empty database with people and cases. On a later start it only makes sure that one
    consultation is open for the demo's patient, specialist and interpreter.

    Returns None. Where visitors changed the demo so much that no consultation can be opened,
    returns a sentence that says why: the demo starts without one.
    """
    people = _find_demo_people(session)
    if people is None:
        people = {
            one.key: _add_demo_person(session, one, hashed)
            for hashed in [PasswordHasher().hash(DEMO_PASSWORD)]
            for one in DEMO_PEOPLE
        }
        _open_hours(session, people)
        _play_demo_weeks(
            session, people, BlobStore(settings.storage_url, Keyring(settings.master_keys))
        )
        _keep_consult_open(session, people)
        return None
    try:
        with session.begin_nested():
            _keep_consult_open(session, people)
    except Refusal as refusal:
        return f"The demo has no open consultation now: {refusal}"
    return None


def format_demo_accounts() -> str:
    """The demo accounts and their password, to be printed."""
    rows = [
        (f"{one.key}@demo.example", str(one.role), one.name)
        for one in DEMO_PEOPLE
        if one.key in SHOWN_DEMO_ACCOUNTS
    ]
    rows.sort(key=lambda row: SHOWN_DEMO_ACCOUNTS.index(row[0].partition("@")[0]))
    width = max(len(address) for address, _, _ in rows)
    lines = [f"  {address:<{width}}  {role:<13}  {name}" for address, role, name in rows]
    return "\n".join([f"Demo accounts (password of all: {DEMO_PASSWORD})", *lines])


def _find_demo_people(session: Session) -> dict[str, Person] | None:
    """The demo people by key, None where they have not joined yet."""
    if find_person_by_email(session, "patient@demo.example") is None:
        return None
    found = session.scalars(select(Person).where(Person.email.endswith("@demo.example")))
    return {person.email.partition("@")[0]: person for person in found}


def _add_demo_person(session: Session, one: DemoPerson, hashed: str) -> Person:
    person = Person(
        email=f"{one.key}@demo.example",
        name=one.name,
        password=hashed,
        role=one.role,
        language=one.language,
        timezone=one.timezone,
        country=one.country,
        title=one.title,
        specialties=list(one.specialties),
        speaks=list(one.speaks),
        created_at=clock.now() - timedelta(days=60),
    )
    session.add(person)
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.PERSON_REGISTERED, "person", person.id
    )
    return person


def _open_hours(session: Session, people: dict[str, Person]) -> None:
    for one in DEMO_PEOPLE:
        owner = people[one.key]
        if one.hours:
            start, end = one.hours
            week = [WeeklyHours(day, start * 60, end * 60) for day in range(5)]
            hours.set_availability(session, owner, owner, week, one.timezone)
        for source, target in one.pairs:
            credentials.add_qualification(
                session,
                people["coordinator"],
                owner,
                InterpreterCredential(
                    source,
                    target,
                    credential="CHI",
                    number=f"CHI-{one.key.upper()}",
                    issuer="CCHI",
                    valid_until=(clock.now() + timedelta(days=900)).date(),
                ),
            )


# --- what has happened so far ---

DemoAct = Callable[[], object]


def _play_demo_weeks(session: Session, people: dict[str, Person], blobs: BlobStore) -> None:
    """Plays the weeks before today in order, each act on its day."""
    diary: list[tuple[timedelta, DemoAct]] = []
    made: dict[str, Case] = {}
    office = people["coordinator"]

    def on(days: float, act: DemoAct) -> None:
        diary.append((timedelta(days=-days), act))

    def sent(key: str, days: float) -> None:
        def act() -> None:
            made[key] = _submit_demo_case(session, people[key])
            for name, text in DEMO_RECORDS.get(key, ()):
                _send_record(session, blobs, made[key], name, text.encode())

        on(days, act)

    def checked(key: str, days: float) -> None:
        on(days, lambda: cases.begin_triage(session, office, made[key]))

    def accepted(key: str, days: float, specialist: str, interpreter: str | None = None) -> None:
        def act() -> None:
            cases.assign_person_to_case(session, office, made[key], people[specialist])
            if interpreter:
                cases.assign_person_to_case(session, office, made[key], people[interpreter])
            cases.accept_case(session, office, made[key])

        on(days, act)

    sent("patient9", 13)
    checked("patient9", 12.8)
    accepted("patient9", 12, "cardiologist")
    on(1, lambda: _write_and_sign(session, people["cardiologist"], made["patient9"]))
    sent("patient7", 12)
    checked("patient7", 11.5)
    accepted("patient7", 11, "specialist", "interpreter")
    on(4, lambda: _book_demo_consult(session, people, made["patient7"]))
    on(2.9, lambda: cases.mark_case_consulted(session, people["specialist"], made["patient7"]))
    sent("patient6", 11)
    checked("patient6", 10.5)
    accepted("patient6", 8.5, "specialist")
    sent("patient", 6)
    checked("patient", 5.7)
    accepted("patient", 5, "specialist", "interpreter")
    sent("patient4", 5)
    checked("patient4", 4.6)
    accepted("patient4", 3, "specialist", "interpreter")
    on(0.4, lambda: _choose_a_fair_time(session, made["patient4"]))
    sent("patient3", 4)
    checked("patient3", 3.5)
    on(2, lambda: cases.request_records(session, office, made["patient3"], DEMO_MISSING_RECORD))
    sent("patient2", 3)
    sent("patient5", 3)
    checked("patient5", 2.5)
    accepted("patient5", 1, "surgeon")
    sent("patient8", 0.6)
    checked("patient8", 0.2)
    for ago, act in sorted(diary, key=lambda entry: entry[0]):
        with clock.shift_clock(ago):
            act()


def _submit_demo_case(session: Session, patient: Person) -> Case:
    case = cases.create_case(session, patient, DEMO_REQUESTS[patient.email.partition("@")[0]])
    cases.give_consents(session, patient, case, list(CONSENT_TEXTS))
    cases.submit_case(session, patient, case)
    return case


def _send_record(session: Session, blobs: BlobStore, case: Case, name: str, content: bytes) -> None:
    patient = case.patient
    upload = records.begin_upload(
        session, patient, case, NewUpload("single", name, len(content), content)
    )
    writer, part = records.take_over_upload(session, upload, 0), new_id()
    records.append_parts(
        session, patient, upload, writer, [StoredPart(part, 0, blobs.put(part, [content]))]
    )


def _choose_a_fair_time(session: Session, case: Case) -> Booking:
    """The patient takes the fairest time from two days on."""
    search = find_slots_for_case(session, case, first=clock.now() + timedelta(days=2))
    slot = search.slots[0]
    wish = SlotRequest(instant_of(slot.quarter), slot.specialist_id, slot.interpreter_id)
    return bookings.book_slot(session, case.patient, case, wish, new_id())


def _book_demo_consult(session: Session, people: dict[str, Person], case: Case) -> None:
    """A meeting a day later, which the interpreter has accepted."""
    booking = _book_at(session, people, case, _next_quarter(clock.now() + timedelta(days=1)))
    _accept_engagement(session, booking)


def _book_at(session: Session, people: dict[str, Person], case: Case, at: datetime) -> Booking:
    wish = SlotRequest(at, people["specialist"].id, people["interpreter"].id)
    return bookings.book_slot(
        session, people["coordinator"], case, wish, new_id(), override_reason="Demonstration"
    )


def _accept_engagement(session: Session, booking: Booking) -> None:
    engagement = booking.engagement
    if engagement is not None and booking.interpreter is not None:
        ladder.accept_engagement(session, booking.interpreter, engagement)


def _write_and_sign(session: Session, specialist: Person, case: Case) -> None:
    draft = opinions.OpinionDraft(
        version=0,
        agreement="partly",
        answers={
            1: (
                "Ablation is a good choice if the palpitations trouble you or medicines do not"
                " help. It is not urgent."
            ),
            2: (
                "Yes. Your risk of stroke is high enough that an anticoagulant is advised, with or"
                " without an ablation."
            ),
        },
        diagnosis="Paroxysmal atrial fibrillation with well controlled blood pressure.",
        recommendations=(
            RecommendationContent(
                text="Begin an oral anticoagulant after your kidney values have been checked.",
                rationale=(
                    "The score of your risk factors is above the threshold of current guidelines."
                ),
                urgency="soon",
                citations=("Ambulatory electrocardiogram",),
            ),
        ),
        further_tests="Echocardiogram, thyroid values, kidney values.",
        limits="This opinion rests on the records that were sent. I have not examined you.",
    )
    opinion = opinions.save_opinion_draft(session, specialist, case, draft)
    opinions.sign_opinion(session, specialist, case, opinion.version)


# --- the open consultation ------------------------------------------------------------------------


def _keep_consult_open(session: Session, people: dict[str, Person]) -> None:
    """Holds afterwards: the demo's patient, specialist and interpreter can join one consultation
    from now on, for weeks.
    """
    consult = _find_open_consult(session, people)
    if consult is None:
        case = _get_case_for_consult(session, people)
        booking = _book_at(session, people, case, _find_free_time(session, people))
        _accept_engagement(session, booking)
        consult = consults.ensure_consult(session, booking)
        consult.opens_at = clock.now()
        consult.closes_at = clock.now() + DEMO_CONSULT_OPEN_DURATION
    for member in case_queries.list_members(session, consult.case_id):
        if member.person_id == people["interpreter"].id:
            member.until = consult.closes_at
    session.flush()


def _find_open_consult(session: Session, people: dict[str, Person]) -> Consult | None:
    """The consultation that the three can join now and for some time, if there is one.

    One that was cancelled, moved to a later time or given to another interpreter does not count.
    """
    candidates = session.scalars(
        select(Consult)
        .join(Consult.booking)
        .where(
            Booking.patient_id == people["patient"].id,
            Booking.state == BookingState.CONFIRMED,
            Consult.closes_at > clock.now(),
        )
        .order_by(Consult.closes_at.desc())
    ).all()
    for consult in candidates:
        consults.follow_booking(session, consult)
        if _is_joinable_for_some_time(session, people, consult):
            return consult
    return None


def _is_joinable_for_some_time(
    session: Session, people: dict[str, Person], consult: Consult
) -> bool:
    return (
        consult.is_open
        and consult.closes_at > clock.now() + DEMO_CONSULT_RENEWAL_MARGIN
        and consult.case.stage == CaseStage.SCHEDULED
        and all(
            people[key] in consult.booking.people
            and case_queries.find_membership(session, people[key], consult.case_id) is not None
            for key in CONSULT_KEYS
        )
    )


def _get_case_for_consult(session: Session, people: dict[str, Person]) -> Case:
    """An accepted case that waits for a meeting of just these people, or else a new one."""
    patient, office = people["patient"], people["coordinator"]
    accepted = case_queries.list_cases(session, patient, stages=[CaseStage.ACCEPTED])
    for case in accepted:
        if _waits_for_demo_meeting(session, people, case):
            return case
    case = _submit_demo_case(session, patient)
    cases.begin_triage(session, office, case)
    cases.assign_person_to_case(session, office, case, people["specialist"])
    cases.assign_person_to_case(session, office, case, people["interpreter"])
    cases.accept_case(session, office, case)
    return case


def _waits_for_demo_meeting(session: Session, people: dict[str, Person], case: Case) -> bool:
    specialist = case_queries.find_member_of_role(session, case.id, Role.SPECIALIST)
    return (
        specialist is people["specialist"]
        and case.patient_id == people["patient"].id
        and not case.written_only
        and case.language == people["patient"].language
        and scheduling.hold_of_case(session, case.id) is None
    )


def _find_free_time(session: Session, people: dict[str, Person]) -> datetime:
    """The next time at which patient, specialist and interpreter have no other meeting."""
    first = quarter_of(_next_quarter(clock.now() + DEMO_BOOKING_LEAD_TIME))
    claimed = set(
        session.scalars(
            select(Claim.quarter).where(
                Claim.person_id.in_([people[key].id for key in CONSULT_KEYS]),
                Claim.quarter >= first,
                or_(Claim.expires_at.is_(None), Claim.expires_at > clock.now()),
            )
        )
    )
    start = next(
        quarter
        for quarter in count(first)
        if claimed.isdisjoint(range(quarter, quarter + DEFAULT_LENGTH_QUARTERS))
    )
    return instant_of(start)


def _next_quarter(at: datetime) -> datetime:
    """The first full quarter of an hour after `at`."""
    return instant_of(quarter_of(at + timedelta(minutes=QUARTER_MINUTES)))
