"""Teach-back, item by item, and captions in the listener's language."""

from __future__ import annotations

from sqlalchemy import select

from app.audit.models import AuditEntry
from app.consults.models import ConsultEvent, TeachBack
from app.consults.teachback import service as teaching
from app.core.db import Database
from tests.consults.conftest import Chair, Meeting


def test_a_point_is_said_back_rendered_and_confirmed(
    doctor: Chair, patient: Chair, interpreter: Chair, database: Database, meeting: Meeting
) -> None:
    (point,) = doctor.says("teach.ask", point="Stop the tablet three days before")["points"]
    assert patient.heard("teach")[-1]["points"][0]["point"] == "Stop the tablet three days before"
    assert doctor.says("teach.judge", item=point["id"], verdict="confirmed")["status"] == 409, (
        "nothing was said yet"
    )
    interpreter.says("teach.said", item=point["id"], said="I stop it one day before.")
    corrected = doctor.says(
        "teach.judge", item=point["id"], verdict="corrected", correction="Three days."
    )
    assert corrected["points"][0]["verdict"] == "corrected"
    again = interpreter.says("teach.said", item=point["id"], said="I stop it three days before.")
    assert again["points"][0]["verdict"] is None, "what is said anew is judged anew"
    doctor.says("teach.judge", item=point["id"], verdict="confirmed")
    with database.sessions() as session:
        item = session.scalars(select(TeachBack)).one()
        assert (item.said, item.verdict, item.correction) == (
            "I stop it three days before.",
            "confirmed",
            None,
        )
        assert item.case_id == meeting.circle.case.id
        kinds = [
            event.kind for event in session.scalars(select(ConsultEvent).order_by(ConsultEvent.id))
        ]
        assert [kind for kind in kinds if kind.startswith("teach")] == [
            "teach_back_asked",
            "teach_back_said",
            "teach_back_corrected",
            "teach_back_said",
            "teach_back_confirmed",
        ]
        assert [
            one.id
            for one in teaching.list_teach_backs_of_case(
                session, meeting.circle.patient, meeting.circle.case
            )
        ] == [item.id]
        assert (
            teaching.list_teach_backs_of_case(
                session, meeting.circle.interpreter, meeting.circle.case
            )
            == []
        )
    assert (
        "I stop it three days before."
        in doctor.visitor.get(f"/cases/{meeting.circle.case.id}").text
    )
    with database.engine.connect() as connection:
        (raw,) = connection.exec_driver_sql("SELECT point FROM teach_backs").one()
    assert b"tablet" not in bytes(raw)


def test_each_part_belongs_to_one_person(doctor: Chair, patient: Chair, interpreter: Chair) -> None:
    assert patient.says("teach.ask", point="x")["status"] == 404
    (point,) = doctor.says("teach.ask", point="Drink a lot")["points"]
    assert doctor.says("teach.said", item=point["id"], said="x")["status"] == 404
    assert interpreter.says("teach.judge", item=point["id"], verdict="confirmed")["status"] == 404
    assert interpreter.says("teach.said", item="f" * 32, said="x")["status"] == 404
    assert doctor.says("teach.ask", point="  ")["status"] == 422
    assert doctor.says("teach.ask", point="x" * 1001)["status"] == 422


def test_a_caption_reaches_those_who_listen_in_its_language_and_stays(
    doctor: Chair, patient: Chair, interpreter: Chair
) -> None:
    line = {"client_id": "client-1", "language": "ar", "text": "ثلاثة أيام"}
    assert interpreter.says("caption.say", **line)["caption"]["number"] == 1
    assert interpreter.says("caption.say", **line)["caption"]["number"] == 1, (
        "twice over a bad line is once"
    )
    assert [one["text"] for one in patient.heard("caption")] == ["ثلاثة أيام"] * 2
    assert doctor.heard("caption") == []
    assert [one["text"] for one in patient.says("teach.list")["captions"]] == ["ثلاثة أيام"]
    assert doctor.says("teach.list")["captions"] == []


def test_only_interpreters_of_the_language_write_captions(
    doctor: Chair, patient: Chair, interpreter: Chair, database: Database
) -> None:
    line = {"client_id": "client-1", "text": "bonjour"}
    assert interpreter.says("caption.say", language="fr", **line)["status"] == 422
    assert patient.says("caption.say", language="ar", **line)["status"] == 404
    with database.sessions() as session:
        refused = session.scalars(
            select(AuditEntry).where(AuditEntry.verb == "consult.refused")
        ).all()
    assert [entry.facts["event"] for entry in refused] == ["caption.say"]
