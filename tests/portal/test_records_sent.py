"""Who says that everything was sent is believed when something was."""

from __future__ import annotations

from app.cases.models import Case
from app.cases.states import CaseStage
from app.core.clock import now
from app.core.ids import new_id
from app.records.models import Record, RecordState, Upload


def test_after_something_was_sent_it_is_not_asked_again(
    visit, hospital, sent, look, database
) -> None:
    office = visit(hospital.coordinator)
    office.post(f"/cases/{sent.id}/triage")
    office.post(f"/cases/{sent.id}/ask", what="The pathology report of May")
    with database.unit_of_work() as session:
        upload = Upload(
            id=new_id(),
            case_id=sent.id,
            person_id=hospital.patient.id,
            size=1,
            received=1,
            expires_at=now(),
            finished_at=now(),
        )
        session.add(upload)
        session.flush()
        session.add(
            Record(
                case_id=sent.id,
                upload_id=upload.id,
                uploaded_by=hospital.patient.id,
                name="report.pdf",
                size=1,
                state=RecordState.INSPECTING,
                arrived_at=now(),
            )
        )
    visit(hospital.patient).post(f"/cases/{sent.id}/records-sent")
    stage = look(lambda session: session.get_one(Case, sent.id)).stage
    assert stage == CaseStage.TRIAGE
