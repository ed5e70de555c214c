"""A whole case with everything that can hang on it, its people, and outsiders with a case of their
own.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases import service as cases
from app.cases.models import Case, CaseShare
from app.consults.guests.service import invite_guest
from app.consults.models import Consult
from app.consults.room.service import ensure_consult
from app.core.clock import now
from app.core.db import Database
from app.core.permissions import Role
from app.identity.factors.models import TotpFactor
from app.identity.models import Person, SignIn
from app.notifications.models import Notice
from app.organizations.models import Office
from app.organizations.queries import list_affiliations
from app.records.imaging.models import (
    ImagingIdentity,
    ImagingInstance,
    ImagingSeries,
    ImagingStudy,
)
from app.records.models import Record, Upload
from app.records.reading.models import RecordPointer
from app.scheduling.availability import hours
from app.scheduling.availability.hours import DatedAvailability, WeeklyHours
from app.scheduling.bookings import service as scheduling
from app.scheduling.bookings import slot_request
from app.scheduling.interpreters import answers, credentials
from app.scheduling.interpreters.credentials import InterpreterCredential
from app.scheduling.models import AvailabilityWindow, Booking, BusyFeed, Engagement, Qualification
from tests.people import Visitor, a_case, a_person

ALWAYS = [WeeklyHours(weekday, 0, 24 * 60) for weekday in range(7)]


@dataclass
class Circle:
    """One case and the people on it."""

    case: Case
    patient: Person
    specialist: Person
    interpreter: Person
    left: Person
    booking: Booking
    consult: Consult
    ids: dict[str, str] = field(default_factory=dict)


def soon(days: int = 3) -> datetime:
    """Noon, UTC, some days ahead."""
    return (
        (now() + timedelta(days=days))
        .astimezone(UTC)
        .replace(hour=12, minute=0, second=0, microsecond=0)
    )


def a_circle(session: Session, coordinator: Person, *, days: int = 3) -> Circle:
    """An accepted case with a confirmed meeting, an engaged interpreter and a consult."""
    patient = a_person(session, Role.PATIENT, language="ar", timezone="Asia/Riyadh", country="SA")
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
    left = a_person(session, Role.SPECIALIST, specialties=["oncology"])
    case = a_case(session, patient)
    cases.begin_triage(session, coordinator, case)
    for person in (
        left,
        specialist,
        interpreter,
    ):  # the second specialist takes the first one's place
        cases.assign_person_to_case(session, coordinator, case, person)
    cases.accept_case(session, coordinator, case)
    wish = slot_request.SlotRequest(soon(days), specialist.id, interpreter.id)
    booking = scheduling.book_slot(session, coordinator, case, wish, f"token-{case.id}")
    consult = ensure_consult(session, booking)
    return Circle(case, patient, specialist, interpreter, left, booking, consult)


def furnish(app: Flask, database: Database, circle: Circle) -> None:
    """Adds a record, an upload and a notice, and notes every id by the name that addresses use."""
    patient = Visitor(app, circle.patient)
    patient.get("/home")
    file = (io.BytesIO(b"%PDF-1.7\n%plain\n%%EOF\n"), "report.pdf")
    answer = patient.client.post(
        f"/cases/{circle.case.id}/records", data={"csrf_token": patient.token, "files": file}
    )
    assert answer.status_code < 400, answer.text
    with database.unit_of_work() as session:
        case = session.get(Case, circle.case.id)
        assert case is not None
        notice = Notice(
            person_id=circle.patient.id,
            kind="case_accepted",
            case_id=case.id,
            facts={},
            key="notice of " + case.id,
        )
        session.add(notice)
        specialist = session.get(Person, circle.specialist.id)
        assert specialist is not None
        holiday = (now() + timedelta(days=40)).date()
        closed = hours.add_availability_exception(
            session,
            specialist,
            specialist,
            DatedAvailability(holiday, holiday),
            specialist.timezone,
        )
        feed = BusyFeed(person_id=specialist.id, url="https://calendar.example/busy.ics")
        session.add(feed)
        consult = session.get_one(Consult, circle.consult.id)
        invitation, _token = invite_guest(
            session, case.patient, consult, "Aunt Huda", "relative", "ar"
        )
        neighbour = Office(organisation_id=case.office.organisation_id, name="Neighbour")
        session.add(neighbour)
        factor = TotpFactor(person_id=a_person(session).id, secret="A" * 32)
        session.add(factor)
        share = CaseShare(case=case, office=neighbour, reason="joint board")
        session.add(share)
        session.flush()
        opening = (
            session.scalars(
                select(AvailabilityWindow.id).where(AvailabilityWindow.person_id == specialist.id)
            ).first()
            or ""
        )
        circle.ids = {
            "scheduling.post_opening_change:row_id": opening,
            "scheduling.post_opening_removal:row_id": opening,
            "scheduling.post_exception_days_change:row_id": closed.id,
            "invitation_id": invitation.id,
            "share_id": share.id,
            "factor_id": factor.id,
            **_images(session, circle, case),
            "office_id": case.office_id,
            "affiliation_id": list_affiliations(session, session.merge(circle.left))[0].id,
            # whoever left the case may also leave the hospital
            **{
                f"portal.{name}:person_id": circle.left.id
                for name in (
                    "post_deactivation",
                    "post_activation",
                    "post_role",
                    "post_role_end",
                    "post_sign_ins_end",
                    "post_factor_reset",
                )
            },
            "case_id": case.id,
            "booking_id": circle.booking.id,
            "consult_id": circle.consult.id,
            "record_id": session.scalars(select(Record.id).where(Record.case_id == case.id)).one(),
            "upload_id": (
                session.scalars(select(Upload.id).where(Upload.case_id == case.id)).first() or ""
            ),
            "engagement_id": (
                session.scalars(
                    select(Engagement.id).where(Engagement.booking_id == circle.booking.id)
                ).one()
            ),
            **_answer_links(app, session, circle),
            "notice_id": notice.id,
            "scheduling.post_exception_days_removal:row_id": closed.id,
            "feed_id": feed.id,
            "scheduling.post_qualification_removal:row_id": (
                session.scalars(
                    select(Qualification.id).where(Qualification.person_id == circle.interpreter.id)
                ).one()
            ),
            "sign_in_id": (
                session.scalars(
                    select(SignIn.id).where(SignIn.person_id == circle.patient.id)
                ).first()
                or ""
            ),
            "person_id": circle.specialist.id,
        }


def _images(session: Session, circle: Circle, case: Case) -> dict[str, str]:
    """A study with one image, whose patient is not the case's, and a marked place in a record."""
    record_id = session.scalars(select(Record.id).where(Record.case_id == case.id)).one()
    identity = ImagingIdentity(case_id=case.id, name="Somebody^Else", verdict="differs")
    study = ImagingStudy(case_id=case.id, uid="1.2.3")
    pointer = RecordPointer(
        case_id=case.id,
        record_id=record_id,
        person_id=circle.specialist.id,
        kind="page",
        place="{}",
        note="look here",
    )
    session.add_all([identity, study, pointer])
    session.flush()
    series = ImagingSeries(study_id=study.id, uid="1.2.3.4")
    session.add(series)
    session.flush()
    image = ImagingInstance(
        series_id=series.id,
        record_id=record_id,
        identity_id=identity.id,
        uid="1.2.3.4.5",
        frames=1,
        header="{}",
    )
    session.add(image)
    session.flush()
    return {
        "identity_id": identity.id,
        "pointer_id": pointer.id,
        "study_uid": study.uid,
        "series_uid": series.uid,
        "uid": image.uid,
        "numbers": "1",
        "number": "1",
    }


def _answer_links(app: Flask, session: Session, circle: Circle) -> dict[str, str]:
    """The signed link of the interpreter's mail, as it stands behind ``/answers/``."""
    engagement = session.scalars(
        select(Engagement).where(Engagement.booking_id == circle.booking.id)
    ).one()
    path = answers.build_answer_path(
        app.extensions["settings"].secret_key,
        engagement.id,
        circle.interpreter.id,
        answers.EngagementAnswer.ACCEPT,
        now() + timedelta(days=1),
    )
    token = path.rpartition("/")[2]
    return {"scheduling.show_answer_link:token": token, "scheduling.post_answer_link:token": token}
