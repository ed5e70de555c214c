"""The reading room's contents, pointers, and who may see them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.core.db import Database
from app.core.errors import Invalid
from app.records.models import Record
from app.records.reading import places, service
from app.records.reading.models import RecordPointer
from tests.records.conftest import Cast, Sender, a_pdf
from tests.records.imaging.conftest import a_study

SendImages = Callable[..., None]
PLACE: dict[str, Any] = {
    "series": "1.2",
    "instance": "1.2.3",
    "frame": 1,
    "centre": 40,
    "width": 400,
    "inverted": False,
    "shapes": [{"kind": "probe", "points": [{"x": 1, "y": 2}]}],
}


@pytest.fixture
def report(cast: Cast, patient: Sender, inspect: Callable[[], None], database: Database) -> Record:
    patient.send(cast.case.id, "report.pdf", a_pdf())
    inspect()
    with database.sessions() as session:
        return session.scalars(select(Record).where(Record.name.is_not(None))).one()


def mark(browser: Sender, case_id: str, record_id: str, note: str = "See here") -> Any:
    place = {"record": record_id, "page": 2, "region": [0.1, 0.2, 0.3, 0.4]}
    browser.get(f"/cases/{case_id}/reading")
    return browser.post(
        f"/cases/{case_id}/pointers", kind="page", place=json.dumps(place), note=note
    )


def the_pointer(database: Database) -> RecordPointer:
    with database.sessions() as session:
        return session.scalars(select(RecordPointer)).one()


def test_contents_are_by_study_then_documents(
    send_images: SendImages, report: Record, cast: Cast, sender: Callable[..., Sender]
) -> None:
    send_images(*a_study(3), *a_study(2, StudyDate="20250630", StudyDescription="CT before"))
    page = sender(cast.specialist).get(f"/cases/{cast.case.id}/reading").text
    assert page.index("CT chest") < page.index("CT before") < page.index("report.pdf")
    assert "3 images" in page and "2 images" in page
    assert "IM000001" not in page


def test_a_pointer_is_listed_linked_and_removed_by_its_author(
    report: Record, cast: Cast, sender: Callable[..., Sender], database: Database
) -> None:
    specialist = sender(cast.specialist)
    assert "See here" in mark(specialist, cast.case.id, report.id).text
    pointer = the_pointer(database)
    assert json.loads(pointer.place)["region"] == [0.1, 0.2, 0.3, 0.4]
    linked = specialist.get(f"/pointers/{pointer.id}", follow_redirects=False)
    assert linked.headers["Location"].endswith(f"/reading?pointer={pointer.id}")
    patient = sender(cast.patient)
    assert "See here" in patient.get(f"/cases/{cast.case.id}/reading").text
    assert patient.post(f"/pointers/{pointer.id}/remove").status_code == 404
    specialist.get(f"/cases/{cast.case.id}/reading")
    assert "See here" not in specialist.post(f"/pointers/{pointer.id}/remove").text
    with database.sessions() as session:
        verbs = session.scalars(
            select(AuditEntry.verb).where(AuditEntry.object_id == pointer.id)
        ).all()
    assert verbs == ["pointer.added", "pointer.removed"]


def test_a_cited_pointer_stays(
    report: Record, cast: Cast, sender: Callable[..., Sender], database: Database
) -> None:
    specialist = sender(cast.specialist)
    mark(specialist, cast.case.id, report.id)
    pointer = the_pointer(database)
    with database.unit_of_work() as session:
        assert service.cite_pointers(session, cast.case.id, {pointer.id, "0" * 32}) == 1
    answer = specialist.post(f"/pointers/{pointer.id}/remove")
    assert answer.status_code == 409
    assert "An opinion cites this place" in answer.text


def test_a_note_is_needed_and_what_was_typed_stays(
    report: Record, cast: Cast, sender: Callable[..., Sender]
) -> None:
    answer = mark(sender(cast.specialist), cast.case.id, report.id, note="  ")
    assert answer.status_code == 422
    assert "Write a note" in answer.text
    assert "&#34;page&#34;: 2" in answer.text


def test_outsiders_cannot_tell_hidden_from_missing(
    report: Record, cast: Cast, sender: Callable[..., Sender], database: Database
) -> None:
    mark(sender(cast.specialist), cast.case.id, report.id)
    pointer = the_pointer(database)
    outside = (cast.other_patient, cast.other_specialist, cast.coordinator, cast.interpreter)
    for browser in map(sender, outside):
        for hidden, missing in (
            (f"/cases/{cast.case.id}/reading", f"/cases/{'0' * 32}/reading"),
            (f"/pointers/{pointer.id}", f"/pointers/{'0' * 32}"),
        ):
            assert browser.get(hidden).status_code == browser.get(missing).status_code == 404


@pytest.mark.parametrize(
    "change",
    [
        {"series": "../x"},
        {"instance": None},
        {"frame": 0},
        {"frame": True},
        {"width": 0},
        {"centre": "40"},
        {"centre": float("nan")},
        {"shapes": [{"kind": "length", "points": [{"x": 1, "y": 2}]}]},
        {"shapes": [{"kind": "circle", "points": []}]},
        {"shapes": [None]},
        {"shapes": "none"},
    ],
)
def test_a_place_of_an_image_is_checked(change: dict[str, Any]) -> None:
    assert places.read_image_place(json.dumps(PLACE)).frame == 1
    with pytest.raises(Invalid):
        places.read_image_place(json.dumps(PLACE | change))


@pytest.mark.parametrize(
    "text", ["", "[]", "{", "null", '{"record": "x"}', "[" * 10_000, "x" * 30_000]
)
def test_a_place_of_a_page_is_checked(text: str) -> None:
    with pytest.raises(Invalid):
        places.read_page_place(text)
