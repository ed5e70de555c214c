"""Scheduling from the outside: as a patient, a coordinator, an interpreter and a stranger meet it
over HTTP.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest

from app.core.db import Database
from app.core.permissions import Role
from app.identity.models import Person
from app.scheduling.availability.queries import (
    availability_exceptions_of,
    availability_windows_of,
    qualifications_of,
)
from app.scheduling.bookings import service
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import Booking, BookingState, Claim
from tests.people import Visitor, a_person, an_accepted_case
from tests.scheduling import clinic as c
from tests.scheduling.clinic import next_noon


@pytest.fixture
def clinic(database: Database) -> c.Clinic:
    """The clinic, with a patient and an interpreter who can sign in."""
    with database.unit_of_work() as session:
        made = c.a_clinic(session)
        patient = a_person(session, Role.PATIENT, language="en", timezone="Africa/Cairo")
        patient.language = "ar"
        made.patient = patient
        made.case = an_accepted_case(session, patient, made.coordinator, made.specialist)
        session.flush()
        return made


@pytest.fixture
def patient(clinic: c.Clinic, visit: Callable[..., Visitor]) -> Visitor:
    visitor = visit(clinic.patient)
    visitor.get("/?lang=en")
    return visitor


def signs_in(database: Database, visit: Callable[..., Visitor], person: Person) -> Visitor:
    """Gives somebody of the clinic a password, and signs them in."""
    with database.unit_of_work() as session:
        session.get_one(Person, person.id).password = a_person(session, Role.PATIENT).password
    visitor = visit(person)
    visitor.get("/?lang=en")
    return visitor


def slots_on(page: str) -> list[str]:
    return re.findall(r'name="slot" value="([^"]+)"', page)


def chosen(clinic: c.Clinic, at=None) -> str:
    return f"{(at or next_noon()).isoformat()} {clinic.specialist.id} {clinic.interpreter.id}"


class TestChoosing:
    def test_hold_look_and_book(self, clinic: c.Clinic, patient: Visitor, database: Database):
        page = patient.get(f"/cases/{clinic.case.id}/times")
        assert page.status_code == 200 and slots_on(page.text)
        held = patient.post(
            f"/cases/{clinic.case.id}/hold", slot=slots_on(page.text)[0], form_token="t"
        )
        assert "Does this time suit you?" in held.text
        assert clinic.specialist.name in held.text and clinic.interpreter.name in held.text
        path = re.search(r"/bookings/[0-9a-f]{32}/confirm", held.text)[0]
        booked = patient.post(path)
        assert booked.status_code == 200 and "Your consultation is booked" in booked.text
        assert "Back to the case" in patient.get(f"/cases/{clinic.case.id}/times").text
        with database.sessions() as session:
            assert session.query(Claim).count() == 9

    def test_the_office_chooses_how_long_and_a_long_meeting_takes_two(
        self, clinic: c.Clinic, patient: Visitor, database: Database, visit: Callable[..., Visitor]
    ):
        office = signs_in(database, visit, clinic.coordinator)
        alone = office.get(f"/cases/{clinic.case.id}/times?length=6").text
        assert not slots_on(alone) and "needs two interpreters, who take turns" in alone
        assert (
            "With one interpreter, a consultation of 60 minutes is possible" in alone
            and "length=4" in alone
        )
        with database.unit_of_work() as session:
            c.an_interpreter(session, clinic.coordinator)
        page = office.get(f"/cases/{clinic.case.id}/times?length=6").text
        slot = slots_on(page)[0]
        assert len(slot.split(" ")) == 4 and 'name="length" value="6"' in page
        assert "90 minutes" not in patient.get(f"/cases/{clinic.case.id}/times?length=6").text
        held = office.post(f"/cases/{clinic.case.id}/hold", slot=slot, form_token="t", length="6")
        assert "and take turns" in held.text and "90 minutes" in held.text
        booked = office.post(re.search(r"/bookings/[0-9a-f]{32}/confirm", held.text)[0]).text
        assert booked.count("has not answered yet") == 2 and "two interpreters take turns" in booked

    def test_pressing_twice_holds_once(
        self, clinic: c.Clinic, patient: Visitor, database: Database
    ):
        for _ in range(2):
            patient.post(f"/cases/{clinic.case.id}/hold", slot=chosen(clinic), form_token="t")
        with database.sessions() as session:
            assert session.query(Booking).count() == 1

    def test_a_lost_race_shows_fresh_slots_with_a_sentence(
        self, clinic: c.Clinic, patient: Visitor, database: Database
    ):
        with database.unit_of_work() as session:
            other = c.another_case(session, clinic)
            service.book_slot(session, other.patient, other, clinic.wish(), "other")
        answer = patient.post(f"/cases/{clinic.case.id}/hold", slot=chosen(clinic), form_token="t")
        assert answer.status_code == 409
        assert "has just booked this time" in answer.text
        assert slots_on(answer.text) and chosen(clinic) not in slots_on(answer.text)

    @pytest.mark.parametrize(
        "at, words",
        [
            (next_noon().replace(tzinfo=None).isoformat(), "no time zone"),
            ((next_noon() + timedelta(minutes=5)).isoformat(), "full quarter"),
            ((next_noon() - timedelta(days=30)).isoformat(), "already passed"),
            ((next_noon() + timedelta(days=900)).isoformat(), "too far ahead"),
            ("tomorrow at noon", "could not read"),
            ("", "could not read"),
        ],
    )
    def test_a_time_that_cannot_be_is_refused_with_its_sentence(
        self, clinic, patient: Visitor, at, words
    ):
        slot = f"{at.replace(' ', '_')} {clinic.specialist.id} {clinic.interpreter.id}"
        answer = patient.post(f"/cases/{clinic.case.id}/hold", slot=slot, form_token="t")
        assert answer.status_code == 422 and words in answer.text and slots_on(answer.text)

    def test_json_for_a_script(self, clinic: c.Clinic, patient: Visitor):
        slots = patient.get(f"/cases/{clinic.case.id}/slots.json").json["slots"]
        assert slots[0]["kind"] and slots[0]["interpreter"] == clinic.interpreter.id
        refused = patient.post(
            f"/cases/{clinic.case.id}/hold",
            starts_at="2020-01-01T09:00:00+00:00",
            specialist=clinic.specialist.id,
            interpreter=clinic.interpreter.id,
            headers={"Accept": "application/json"},
        )
        assert refused.status_code == 422 and "already passed" in refused.json["error"]

    def test_when_nothing_fits_it_says_why(
        self, clinic: c.Clinic, patient: Visitor, database: Database
    ):
        with database.unit_of_work() as session:
            for held in qualifications_of(session, clinic.interpreter):
                session.delete(held)
        page = patient.get(f"/cases/{clinic.case.id}/times")
        assert page.status_code == 200 and "No interpreter for Arabic and English" in page.text

    def test_anybody_elses_case_is_not_found(self, clinic: c.Clinic, visit, person):
        stranger = visit(person(Role.PATIENT))
        assert stranger.get(f"/cases/{clinic.case.id}/times").status_code == 404
        assert (
            stranger.post(f"/cases/{clinic.case.id}/hold", slot=chosen(clinic)).status_code == 404
        )


class TestMeeting:
    @pytest.fixture
    def booking(self, clinic: c.Clinic, database: Database) -> Booking:
        with database.unit_of_work() as session:
            patient, case = session.merge(clinic.patient), session.merge(clinic.case)
            return service.book_slot(session, patient, case, clinic.wish(), "t")

    def test_shows_everyones_time(self, clinic: c.Clinic, patient: Visitor, booking: Booking):
        page = patient.get(f"/bookings/{booking.id}").text
        assert (
            clinic.specialist.name in page
            and "Central European" in page
            and "Eastern European" in page
        )

    def test_moving(self, clinic: c.Clinic, patient: Visitor, booking: Booking, database: Database):
        page = patient.get(f"/bookings/{booking.id}/move")
        answer = patient.post(
            f"/bookings/{booking.id}/move", slot=slots_on(page.text)[0], form_token="t"
        )
        assert "The consultation was moved" in answer.text
        with database.sessions() as session:
            assert session.get_one(Booking, booking.id).sequence == 1

    def test_cancelling(
        self, clinic: c.Clinic, patient: Visitor, booking: Booking, database: Database
    ):
        patient.post(f"/bookings/{booking.id}/cancel")
        with database.sessions() as session:
            assert session.get_one(Booking, booking.id).state == BookingState.CANCELLED
            assert session.query(Claim).count() == 0

    def test_the_interpreter_sees_it_and_cannot_change_it(
        self, clinic, booking: Booking, database, visit
    ):
        interpreter = signs_in(database, visit, clinic.interpreter)
        assert interpreter.get(f"/bookings/{booking.id}").status_code == 200
        assert interpreter.post(f"/bookings/{booking.id}/cancel").status_code == 404
        assert interpreter.get(f"/bookings/{booking.id}/move").status_code == 404

    def test_accepting_and_declining(self, clinic, booking: Booking, database, visit):
        interpreter = signs_in(database, visit, clinic.interpreter)
        engagement = booking.engagement.id
        assert "Arabic and English" in interpreter.get("/engagements").text
        assert interpreter.get(f"/engagements/{engagement}").status_code == 200
        assert "Thank you" in interpreter.post(f"/engagements/{engagement}/accept").text
        interpreter.post(f"/engagements/{engagement}/decline", reason="ill")
        with database.sessions() as session:
            assert session.get_one(Booking, booking.id).interpreter_id is None

    def test_nobody_else_answers(self, clinic, booking: Booking, visit, person):
        other = visit(person(Role.INTERPRETER))
        assert other.get(f"/engagements/{booking.engagement.id}").status_code == 404
        assert other.post(f"/engagements/{booking.engagement.id}/accept").status_code == 404
        assert other.get(f"/bookings/{booking.id}").status_code == 404


class TestHours:
    @pytest.fixture
    def specialist(self, clinic, database, visit) -> Visitor:
        return signs_in(database, visit, clinic.specialist)

    def test_a_week_is_saved_and_shown(self, specialist: Visitor, clinic, database: Database):
        fields = {
            "start-0-0": "09:00",
            "end-0-0": "12:00",
            "start-0-1": "14:00",
            "end-0-1": "00:00",
        }
        answer = specialist.post("/hours", zone="Asia/Kathmandu", **fields)
        assert answer.status_code == 200 and 'value="14:00"' in answer.text
        with database.sessions() as session:
            rows = availability_windows_of(session, clinic.specialist)
            assert [(w.weekday, w.start_minute, w.end_minute, w.zone) for w in rows] == [
                (0, 540, 720, "Asia/Kathmandu"),
                (0, 840, 1440, "Asia/Kathmandu"),
            ]

    @pytest.mark.parametrize(
        "fields, words",
        [
            ({"start-0-0": "09:00"}, "start and an end time"),
            ({"start-0-0": "09:07", "end-0-0": "10:00"}, "full quarter"),
            ({"start-0-0": "25:00", "end-0-0": "26:00"}, "start and an end time"),
            ({"zone": "Mars/Olympus"}, "do not know the time zone"),
        ],
    )
    def test_what_cannot_be_is_refused_and_kept(self, specialist: Visitor, fields, words):
        answer = specialist.post("/hours", **({"zone": "UTC"} | fields))
        assert answer.status_code == 422 and words in answer.text

    def test_days_away(self, specialist: Visitor, clinic, database: Database):
        day = next_noon().date().isoformat()
        answer = specialist.post("/hours/days", first=day, kind="closed")
        assert "Closed" in answer.text
        with database.sessions() as session:
            assert not any(
                s.starts_at.date().isoformat() == day
                for s in find_slots_for_case(session, session.merge(clinic.case)).slots
            )
            row = availability_exceptions_of(session, clinic.specialist)[0].id
        specialist.post(f"/hours/days/{row}/remove")
        with database.sessions() as session:
            assert not availability_exceptions_of(session, clinic.specialist)

    def test_anybody_elses_hours_are_not_found(self, specialist: Visitor, clinic):
        assert specialist.get(f"/hours?person={clinic.interpreter.id}").status_code == 404
        assert (
            specialist.post("/hours", person=clinic.interpreter.id, zone="UTC").status_code == 404
        )

    def test_the_office_keeps_them_for_others(self, clinic, database, visit):
        office = signs_in(database, visit, clinic.coordinator)
        assert clinic.interpreter.name in office.get(f"/hours?person={clinic.interpreter.id}").text
        answer = office.post(
            "/hours",
            person=clinic.interpreter.id,
            zone="UTC",
            **{"start-2-0": "10:00", "end-2-0": "11:00"},
        )
        assert answer.status_code == 200 and 'value="10:00"' in answer.text


class TestCalendars:
    def test_a_private_address_shows_meetings_and_can_be_stopped(
        self, clinic: c.Clinic, patient: Visitor, database, visit
    ):
        with database.unit_of_work() as session:
            booking = service.book_slot(
                session,
                session.merge(clinic.patient),
                session.merge(clinic.case),
                clinic.wish(),
                "t",
            )
        page = patient.post("/calendar")
        path = re.search(r'value="http[^"]*(/calendar/[\w-]+\.ics)"', page.text)[1]
        stranger = visit()
        answer = stranger.get(path)
        assert answer.status_code == 200 and answer.mimetype == "text/calendar"
        assert f"UID:{booking.id}@consilium" in answer.text
        patient.post("/calendar/stop")
        assert stranger.get(path).status_code == 404
        assert stranger.get("/calendar/guess.ics").status_code == 404

    def test_one_meeting_as_a_file(
        self, clinic: c.Clinic, patient: Visitor, database, visit, person
    ):
        with database.unit_of_work() as session:
            booking = service.book_slot(
                session,
                session.merge(clinic.patient),
                session.merge(clinic.case),
                clinic.wish(),
                "t",
            )
        assert patient.get(f"/bookings/{booking.id}/meeting.ics").mimetype == "text/calendar"
        assert (
            visit(person(Role.SPECIALIST)).get(f"/bookings/{booking.id}/meeting.ics").status_code
            == 404
        )


def test_the_office_enters_a_credential(clinic: c.Clinic, database: Database, visit):
    office = signs_in(database, visit, clinic.coordinator)
    fields = {
        "person": clinic.interpreter.id,
        "source": "es",
        "target": "en",
        "credential": "CMI",
        "modes": "consecutive",
    }
    assert "Spanish and English" in office.post("/hours/pairs", **fields).text
    for wrong, sentence in (
        ("?", "a language from the list"),
        ("", "a language from the list"),
        ("en", "two different languages"),
    ):
        refused = office.post("/hours/pairs", **(fields | {"source": wrong}))
        assert refused.status_code == 422 and sentence in refused.text, wrong
    page = office.get(f"/hours?person={clinic.interpreter.id}&lang=ar").text
    assert 'value="fr" >الفرنسية<' in page and 'value="es-MX" >الإسبانية (المكسيك)<' in page
    interpreter = signs_in(database, visit, clinic.interpreter)
    assert interpreter.post("/hours/pairs", **(fields | {"source": "fr"})).status_code == 404


def test_the_office_rescues_from_the_page_of_a_meeting(clinic: c.Clinic, database: Database, visit):
    with database.unit_of_work() as session:
        second = c.an_interpreter(session, session.merge(clinic.coordinator))
        booking = service.book_slot(
            session, session.merge(clinic.patient), session.merge(clinic.case), clinic.wish(), "t"
        )
    office = signs_in(database, visit, clinic.coordinator)
    page = office.get(f"/bookings/{booking.id}").text
    assert "If something goes wrong" in page and second.name in page
    assert (
        "The next interpreter has been asked"
        in office.post(f"/bookings/{booking.id}/ask-another").text
    )
    assert "starts later" in office.post(f"/bookings/{booking.id}/postpone", quarters="2").text
    assert office.post(f"/bookings/{booking.id}/postpone", quarters="x").status_code == 422
    assert office.post(f"/bookings/{booking.id}/specialist", specialist="nobody").status_code == 422
    patient = visit(clinic.patient)
    assert patient.post(f"/bookings/{booking.id}/ask-another").status_code == 404
    assert "If something goes wrong" not in patient.get(f"/bookings/{booking.id}").text


def test_minutes_on_the_page_and_as_a_table(clinic: c.Clinic, database: Database, visit, person):
    from app.scheduling.interpreters.statements import record_minutes_worked

    with database.unit_of_work() as session:
        booking = service.book_slot(
            session, session.merge(clinic.patient), session.merge(clinic.case), clinic.wish(), "t"
        )
        record_minutes_worked(session, None, booking, clinic.interpreter.id, 47)
    interpreter, month = signs_in(database, visit, clinic.interpreter), f"{booking.starts_at:%Y-%m}"
    assert "47" in interpreter.get(f"/statement?month={month}").text
    table = interpreter.get(f"/statement.csv?month={month}")
    assert table.mimetype == "text/csv" and booking.case.number in table.text
    other = visit(person(Role.INTERPRETER))
    assert other.get(f"/statement?person={clinic.interpreter.id}").status_code == 404
    office = signs_in(database, visit, clinic.coordinator)
    assert "47" in office.get(f"/statement?month={month}&person={clinic.interpreter.id}").text


def test_wishes_reach_the_brief(clinic: c.Clinic, patient: Visitor, database: Database, visit):
    with database.unit_of_work() as session:
        booking = service.book_slot(
            session, session.merge(clinic.patient), session.merge(clinic.case), clinic.wish(), "t"
        )
    assert (
        "How do you want to receive the news?"
        in patient.get(f"/cases/{clinic.case.id}/wishes").text
    )
    patient.post(f"/cases/{clinic.case.id}/wishes", tell="me", numbers="no", gender="")
    interpreter = signs_in(database, visit, clinic.interpreter)
    page = interpreter.get(f"/engagements/{booking.engagement.id}/brief")
    assert (
        page.status_code == 200 and "No numbers, please" in page.text and "A lump" not in page.text
    )
    assert (
        "Your terms are saved"
        in interpreter.post(f"/engagements/{booking.engagement.id}/brief", **{"term-x": "y"}).text
    )
    assert interpreter.get(f"/cases/{clinic.case.id}/wishes").status_code == 404
