"""Which records a person sees is one rule in two forms, SQL and Python."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.cases.queries import find_membership
from app.core.clock import now
from app.core.permissions import Role
from app.records.models import Record, RecordState, Upload
from app.records.policy import can_see_record, visible_record_condition
from tests.people import a_person, an_accepted_case


@pytest.mark.parametrize("state", list(RecordState))
def test_both_forms_agree_on_which_records_are_seen(session: Session, state: RecordState):
    patient, office = a_person(session), a_person(session, Role.COORDINATOR)
    specialist = a_person(session, Role.SPECIALIST, specialties=["oncology"])
    case = an_accepted_case(session, patient, office, specialist)
    for received, removed in product((0, 10), (None, now())):
        upload = Upload(
            case_id=case.id,
            person_id=patient.id,
            size=10,
            received=received,
            expires_at=now() + timedelta(days=1),
        )
        session.add(upload)
        session.flush()
        session.add(
            Record(
                case_id=case.id,
                upload_id=upload.id,
                uploaded_by=patient.id,
                name="a.pdf",
                state=state,
                size=10,
                removed_at=removed,
            )
        )
    session.flush()
    records = session.scalars(select(Record)).all()
    for person in (patient, office, specialist):
        member = find_membership(session, person, case.id)
        listed = session.scalars(
            select(Record)
            .join(Upload, Upload.id == Record.upload_id)
            .where(visible_record_condition(person))
        ).all()
        seen = [one for one in records if can_see_record(person, one, case, member)]
        assert set(listed) == set(seen), person.role
        assert len(seen) < len(records)
