"""The demo starts again whatever a visitor did to its consultation, and always offers one that
its patient, specialist and interpreter can join.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import create_app
from app.audit.queries import verify_audit_chain
from app.cases import service as cases
from app.cases.consents import CONSENT_TEXTS
from app.cases.demo import DEMO_REQUESTS
from app.cases.models import Case
from app.consults.demo import DEMO_CONSULT_RENEWAL_MARGIN
from app.consults.models import Consult, ConsultState
from app.consults.room import service as consults
from app.core import clock
from app.core.errors import Refusal
from app.core.ids import new_id
from app.identity.demo import DEMO_PASSWORD, DEMO_PEOPLE, format_demo_accounts
from app.identity.models import Person
from app.portal import demo
from app.scheduling import queries as scheduling
from app.scheduling.bookings import rescue
from app.scheduling.bookings import service as bookings
from app.scheduling.bookings.slot_request import SlotRequest
from app.scheduling.interpreters import credentials, ladder
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import Booking, Claim, Qualification
from app.scheduling.time.quarters import instant_of, quarter_of
from config import Settings
from tests.conftest import test_settings
from tests.people import an_accepted_case

# The demo is made at the start of a quarter of an hour: its meeting begins at the next one.
# What visitors do happens while there is still time to cancel it.
SEEDED_AT = instant_of(quarter_of(clock.now()))
VISITED_AT = SEEDED_AT + timedelta(minutes=12)
MEETING_HAS_BEGUN = timedelta(minutes=20)


@pytest.fixture(scope="module")
def seeded_database(tmp_path_factory: pytest.TempPathFactory, _empty_sqlite: Path) -> Path:
    folder = tmp_path_factory.mktemp("demo")
    shutil.copy(_empty_sqlite, folder / "consilium.db")
    settings = test_settings(folder)
    app = create_app(settings)
    with (
        app.app_context(),
        clock.shift_clock(SEEDED_AT - clock.now()),
        app.extensions["database"].unit_of_work() as session,
    ):
        demo.seed_demo_data(session, settings)
    app.extensions["database"].close()
    return folder / "consilium.db"


@pytest.fixture
def settings(tmp_path: Path, seeded_database: Path) -> Settings:
    shutil.copy(seeded_database, tmp_path / "consilium.db")
    return test_settings(tmp_path)


@pytest.fixture
def _during_the_visit() -> Iterator[None]:
    with clock.freeze_clock(VISITED_AT):
        yield


@dataclass
class DemoScene:
    """The demo's people and its open consultation, in the session of one unit of work."""

    session: Session
    people: dict[str, Person]
    consult: Consult

    def __getitem__(self, key: str) -> Person:
        return self.people[key]

    def seat(self, key: str) -> Any:
        return consults.ensure_seat(self.session, self.people[key], self.consult)

    def enter(self, key: str) -> None:
        seat = self.seat(key)
        consults.take_seat(self.session, self.people[key], seat, new_id(), new_id())
        if key == "interpreter" or key == "patient":
            consults.admit_seat(
                self.session, self.people["specialist"], self.seat("specialist"), seat
            )
        consults.enter_consult(self.session, seat, mic=True, camera=True)

    def everyone_enters(self) -> None:
        for key in ("specialist", "interpreter", "patient"):
            self.enter(key)


def a_scene(session: Session, consult: Consult) -> DemoScene:
    everyone = session.scalars(select(Person).where(Person.email.endswith("@demo.example")))
    return DemoScene(
        session, {person.email.partition("@")[0]: person for person in everyone}, consult
    )


def find_joinable_consult(session: Session) -> Consult | None:
    """The first consultation that the three printed accounts can enter, by trying the door."""
    for consult in session.scalars(select(Consult).order_by(Consult.id)).all():
        if not consult.booking.is_confirmed:
            continue
        consults.ensure_consult(session, consult.booking)  # as the page of the room does
        trial = session.begin_nested()
        try:
            a_scene(session, consult).everyone_enters()
            return consult
        except Refusal:
            continue
        finally:
            trial.rollback()
    return None


Act = Callable[[DemoScene], None]
Look = Callable[[Callable[[Session], Any]], Any]


@pytest.fixture
def play(look: Look, _during_the_visit: None) -> Callable[[Act], None]:
    """``play(act)``: a visitor does something to the demo's open consultation."""

    def act_on_the_open_consult(act: Act) -> None:
        def within(session: Session) -> None:
            consult = find_joinable_consult(session)
            assert consult is not None
            act(a_scene(session, consult))

        look(within)

    return act_on_the_open_consult


@pytest.fixture
def restart(look: Look, settings: Settings) -> Callable[[], None]:
    """Starts the demo again, and checks what holds afterwards."""
    return lambda: look(lambda session: start_again(session, settings))


def start_again(session: Session, settings: Settings) -> None:
    """Holds afterwards: a consultation can be joined, the audit trail is whole, and a further
    start adds nothing.
    """
    assert demo.seed_demo_data(session, settings) is None
    consult = find_joinable_consult(session)
    assert consult is not None
    assert consult.closes_at - clock.now() >= DEMO_CONSULT_RENEWAL_MARGIN
    before = count_consults(session)
    assert demo.seed_demo_data(session, settings) is None
    assert count_consults(session) == before
    assert verify_audit_chain(session).broken_at is None


def count_consults(session: Session) -> int:
    return len(session.scalars(select(Consult.id)).all())


def end_after_meeting(scene: DemoScene) -> None:
    scene.everyone_enters()
    consults.end_consult(scene.session, scene["specialist"], scene.seat("specialist"))
    assert scene.consult.case.stage == "consulted"


def end_before_anyone_came(scene: DemoScene) -> None:
    consults.end_consult(scene.session, scene["coordinator"], scene.seat("coordinator"))


def cancel_as_patient(scene: DemoScene) -> None:
    bookings.cancel_booking(scene.session, scene["patient"], scene.consult.booking, "ill")


def cancel_as_office(scene: DemoScene) -> None:
    bookings.cancel_booking(scene.session, scene["coordinator"], scene.consult.booking, "ill")


def move_by(**later: int) -> Act:
    def move(scene: DemoScene) -> None:
        booking = scene.consult.booking
        bookings.move_booking(
            scene.session,
            scene["coordinator"],
            booking,
            booking.starts_at + timedelta(**later),
            "later",
            override_reason="later",
        )

    move.__name__ = f"move_by_{'_'.join(f'{value}_{unit}' for unit, value in later.items())}"
    return move


def postpone(scene: DemoScene) -> None:
    rescue.postpone_booking(scene.session, scene["coordinator"], scene.consult.booking, 4)


def replace_interpreter(scene: DemoScene) -> None:
    new = rescue.ask_another_interpreter(
        scene.session, scene["coordinator"], scene.consult.booking, scene["interpreter"]
    )
    assert new is not scene["interpreter"]


def interpreter_declines(scene: DemoScene) -> None:
    ladder.decline_engagement(scene.session, scene["interpreter"], scene.consult.booking.engagement)


def every_interpreter_declines(scene: DemoScene) -> None:
    while (engagement := scene.consult.booking.engagement) is not None:
        ladder.decline_engagement(scene.session, engagement.interpreter, engagement)
    assert scene.consult.booking.interpreter is None


def withdraw_case(scene: DemoScene) -> None:
    cases.withdraw_case(scene.session, scene["patient"], scene.consult.case)


def remove_patient_from_room(scene: DemoScene) -> None:
    scene.everyone_enters()
    consults.remove_seat(
        scene.session, scene["specialist"], scene.seat("specialist"), scene.seat("patient")
    )


def change_language(scene: DemoScene) -> None:
    rescue.change_booking_language(scene.session, scene["coordinator"], scene.consult.booking, "es")
    assert scene["interpreter"] not in scene.consult.booking.people


def begin_meeting(scene: DemoScene) -> None:
    scene.everyone_enters()
    assert scene.consult.state == ConsultState.LIVE


ACTS: list[Act] = [
    end_after_meeting,
    end_before_anyone_came,
    cancel_as_patient,
    cancel_as_office,
    move_by(hours=1),
    move_by(days=7),
    postpone,
    replace_interpreter,
    interpreter_declines,
    every_interpreter_declines,
    withdraw_case,
    remove_patient_from_room,
    change_language,
    begin_meeting,
]
FIRST_RESTARTS = {
    "at once": timedelta(0),
    "an hour later": timedelta(hours=1),
    "the next day": timedelta(days=1),
    "a month later": timedelta(days=31),
}


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_it_starts_again_after_whatever_became_of_its_meeting(play, look, settings, act):
    play(act)

    def try_each_delay(session: Session) -> None:
        for how_late, after in FIRST_RESTARTS.items():
            trial = session.begin_nested()
            with clock.freeze_clock(VISITED_AT + after):
                try:
                    start_again(session, settings)
                except Exception as failure:
                    failure.add_note(f"restarted {how_late}")
                    raise
            trial.rollback()
            session.expire_all()

    look(try_each_delay)


def test_it_starts_again_after_the_interpreter_did_not_come(play, restart):
    def report(scene: DemoScene) -> None:
        rescue.report_no_show(
            scene.session, scene["specialist"], scene.consult.booking, scene["interpreter"]
        )

    with clock.freeze_clock(VISITED_AT + MEETING_HAS_BEGUN):
        play(report)
        restart()


def test_it_starts_again_and_again_each_time_after_its_meeting_was_ended(play, restart, look):
    for _ in range(5):
        play(end_after_meeting)
        restart()
    assert look(count_consults) == 6


def test_a_meeting_that_still_runs_is_not_replaced_by_another(play, restart, look):
    play(begin_meeting)
    before = look(find_joinable_consult).id
    with clock.freeze_clock(VISITED_AT + timedelta(hours=1)):
        restart()
        assert look(find_joinable_consult).id == before
    assert look(count_consults) == 1


def test_an_interpreter_who_was_let_in_for_an_hour_only_gets_in_for_as_long_as_it_is_open(
    play, restart, look
):
    """Putting a meeting off shortens the interpreter's access to an hour after its end."""
    play(postpone)
    with clock.freeze_clock(VISITED_AT + timedelta(hours=1, minutes=5)):
        restart()
    with clock.freeze_clock(VISITED_AT + timedelta(hours=5)):
        assert look(find_joinable_consult) is not None


def test_the_new_meeting_takes_nobody_elses_time(play, restart, look):
    """A visitor booked the specialist again, half an hour after the meeting that was ended."""

    def book_for_another_patient(scene: DemoScene) -> None:
        end_after_meeting(scene)
        case = an_accepted_case(
            scene.session, scene["patient4"], scene["coordinator"], scene["specialist"]
        )
        at = scene.consult.booking.ends_at + timedelta(minutes=30)
        bookings.book_slot(
            scene.session,
            scene["coordinator"],
            case,
            SlotRequest(at, scene["specialist"].id, scene["interpreter2"].id),
            new_id(),
            override_reason="visitor",
        )

    play(book_for_another_patient)
    restart()

    def check_claims(session: Session) -> None:
        booking = find_joinable_consult(session).booking
        claimed = session.scalars(select(Claim).where(Claim.booking_id == booking.id)).all()
        assert len(claimed) == 3 * booking.length

    look(check_claims)


@pytest.mark.parametrize("kind", ["written only", "of another specialist", "in another language"])
def test_an_accepted_case_that_does_not_fit_is_left_alone(play, restart, look, kind):
    def end_and_have_another_case_accepted(scene: DemoScene) -> None:
        end_after_meeting(scene)
        patient, office = scene["patient"], scene["coordinator"]
        draft, specialist = DEMO_REQUESTS["patient"], scene["specialist"]
        if kind == "written only":
            draft = replace(draft, written_only=True)
        if kind == "of another specialist":
            draft, specialist = replace(draft, specialty="cardiology"), scene["cardiologist"]
        case = cases.create_case(scene.session, patient, draft)
        if kind == "in another language":
            case.language = "es"
        cases.give_consents(scene.session, patient, case, list(CONSENT_TEXTS))
        cases.submit_case(scene.session, patient, case)
        cases.begin_triage(scene.session, office, case)
        cases.assign_person_to_case(scene.session, office, case, specialist)
        cases.accept_case(scene.session, office, case)

    play(end_and_have_another_case_accepted)
    restart()
    accepted = look(
        lambda session: session.scalars(
            select(Case)
            .join(Person, Case.patient_id == Person.id)
            .where(Person.email == "patient@demo.example", Case.stage == "accepted")
        ).all()
    )
    assert len(accepted) == 1


def test_a_time_that_the_patient_holds_is_not_taken_away(play, restart, look):
    def end_and_hold(scene: DemoScene) -> None:
        cancel_as_patient(scene)
        slot = find_slots_for_case(scene.session, scene.consult.case).slots[0]
        bookings.hold_slot(
            scene.session,
            scene["patient"],
            scene.consult.case,
            SlotRequest(instant_of(slot.quarter), slot.specialist_id, slot.interpreter_id),
            "a hold",
        )

    play(end_and_hold)
    restart()
    assert look(lambda session: scheduling.booking_by_token(session, "a hold")).state == "held"


@pytest.mark.parametrize("seconds", [0, 0.05, 1, 30])
def test_the_meeting_never_begins_too_soon_to_be_booked(play, restart, look, seconds):
    """The booking is checked a moment after its time was chosen."""
    play(cancel_as_patient)
    with clock.freeze_clock(instant_of(quarter_of(VISITED_AT) + 1) - timedelta(seconds=seconds)):
        restart()
        starts_at = look(
            lambda session: session.scalars(
                select(Booking.starts_at).order_by(Booking.created_at.desc())
            ).first()
        )
        assert starts_at - clock.now() >= timedelta(minutes=1)


def test_where_no_meeting_can_be_booked_the_demo_starts_and_says_why(play, look, settings):
    def end_and_take_the_credential(scene: DemoScene) -> None:
        end_after_meeting(scene)
        credential = scene.session.scalars(
            select(Qualification).where(Qualification.person_id == scene["interpreter"].id)
        ).one()
        credentials.end_qualification(
            scene.session, scene["coordinator"], scene["interpreter"], credential
        )

    play(end_and_take_the_credential)
    sentence = look(lambda session: demo.seed_demo_data(session, settings))
    assert "no open consultation" in sentence and "credential" in sentence
    assert look(verify_audit_chain).broken_at is None


@pytest.mark.parametrize("shift", [timedelta(days=days, hours=5 * days) for days in (0, 4)])
def test_it_can_be_made_on_any_day_of_the_week(tmp_path_factory, _empty_sqlite, shift):
    folder = tmp_path_factory.mktemp("weekday")
    shutil.copy(_empty_sqlite, folder / "consilium.db")
    settings = test_settings(folder)
    app = create_app(settings)
    database = app.extensions["database"]
    with app.app_context(), clock.shift_clock(shift):
        with database.unit_of_work() as session:
            demo.seed_demo_data(session, settings)
        with database.unit_of_work() as session:
            assert find_joinable_consult(session) is not None
    database.close()


def test_it_has_everyone_cases_at_every_stage_and_one_open_consultation(look, _during_the_visit):
    people, stages, open_consults = look(
        lambda session: (
            len(session.scalars(select(Person)).all()),
            set(session.scalars(select(Case.stage))),
            [consult.is_open for consult in session.scalars(select(Consult))],
        )
    )
    assert people == len(DEMO_PEOPLE)
    assert stages >= {
        "submitted",
        "triage",
        "records_requested",
        "accepted",
        "scheduled",
        "consulted",
        "opinion_signed",
    }
    assert open_consults == [True]
    assert look(verify_audit_chain).broken_at is None


def test_the_accounts_are_printed_with_their_password():
    printed = format_demo_accounts()
    assert "patient@demo.example" in printed and DEMO_PASSWORD in printed
