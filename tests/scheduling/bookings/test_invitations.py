"""The calendar part of a mail: what each person's calendar is told, as the meeting stands when the
mail goes out.
"""

from __future__ import annotations

import email
from email.policy import default

from sqlalchemy.orm import Session

from app.core.outbox import Job
from app.notifications.models import Mail
from app.notifications.post import compose_email
from app.scheduling.bookings import service
from app.scheduling.bookings.calendar_file import CalendarMethod
from app.scheduling.bookings.invitations import build_invitation
from app.scheduling.interpreters import ladder
from app.scheduling.models import Booking
from tests.scheduling.bookings.test_calendar_file import event_of
from tests.scheduling.clinic import Clinic, an_interpreter

AT = {"site": "https://c.example", "organizer": "office@c.example"}


def test_a_meeting_is_entered_and_a_proposal_only_pencilled_in(
    session: Session, clinic: Clinic, booking: Booking
):
    facts = ladder.build_booking_facts(booking)
    method, text = build_invitation(session, "booking_confirmed", facts, clinic.patient, **AT)
    assert method == CalendarMethod.REQUEST and event_of(text)["STATUS"] == "CONFIRMED"
    _, text = build_invitation(session, "engagement_proposed", facts, clinic.interpreter, **AT)
    assert event_of(text)["STATUS"] == "TENTATIVE"
    ladder.accept_engagement(session, clinic.interpreter, booking.engagement)
    _, text = build_invitation(session, "engagement_agreed", facts, clinic.interpreter, **AT)
    assert event_of(text)["STATUS"] == "CONFIRMED"


def test_a_message_that_comes_late_says_what_is_true_now(
    session: Session, clinic: Clinic, booking: Booking
):
    facts = ladder.build_booking_facts(booking)
    service.cancel_booking(session, clinic.patient, booking)
    assert build_invitation(session, "booking_confirmed", facts, clinic.specialist, **AT) is None
    method, text = build_invitation(session, "booking_cancelled", facts, clinic.specialist, **AT)
    assert method == CalendarMethod.CANCEL and event_of(text)["STATUS"] == "CANCELLED"


def test_who_declines_loses_the_entry_and_the_next_gets_one(
    session: Session, clinic: Clinic, booking: Booking
):
    second = an_interpreter(session, clinic.coordinator)
    ladder.decline_engagement(session, clinic.interpreter, booking.engagement)
    ended = [
        job
        for job in session.query(Job).filter_by(kind="notify")
        if job.payload["kind"] == "engagement_ended"
    ]
    assert [job.payload["person_id"] for job in ended] == [clinic.interpreter.id]
    method, text = build_invitation(
        session, "engagement_ended", ended[0].payload["facts"], clinic.interpreter, **AT
    )
    assert (
        method == CalendarMethod.CANCEL and int(event_of(text)["SEQUENCE"]) > booking.sequence
    )  # it outranks the request
    method, _ = build_invitation(
        session, "engagement_proposed", ladder.build_booking_facts(booking), second, **AT
    )
    assert method == CalendarMethod.REQUEST


def test_the_office_is_told_and_not_invited(session: Session, clinic: Clinic, booking: Booking):
    assert (
        build_invitation(
            session,
            "interpreter_replaced",
            ladder.build_booking_facts(booking),
            clinic.coordinator,
            **AT,
        )
        is None
    )
    assert build_invitation(session, "case_accepted", {}, clinic.patient, **AT) is None


def test_the_mail_carries_it_as_mail_programs_expect(
    session: Session, clinic: Clinic, booking: Booking
):
    invited = build_invitation(
        session, "booking_confirmed", ladder.build_booking_facts(booking), clinic.patient, **AT
    )
    mail = Mail(
        id="m",
        to="a@b.example",
        subject="Your consultation",
        body="It is agreed.",
        language="ar",
        created_at=booking.created_at,
    )
    message = email.message_from_bytes(
        compose_email(mail, "office@c.example", invited).as_bytes(), policy=default
    )
    parts = [part.get_content_type() for part in message.iter_parts()]
    assert parts == ["text/plain", "text/html", "text/calendar"]
    part = list(message.iter_parts())[2]
    assert part.get_param("method") == "REQUEST" and part.get_content().startswith(
        "BEGIN:VCALENDAR"
    )
