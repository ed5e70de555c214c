"""Reads of the index, of files that are there and have passed their inspection.

The same instance may have come twice. Then the first file that is still there counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased, defer, joinedload

from app.core.errors import NotFound
from app.records.imaging.indexing import list_identities, patient_of
from app.records.imaging.models import (
    IdentityVerdict,
    ImagingIdentity,
    ImagingInstance,
    ImagingSeries,
    ImagingStudy,
)
from app.records.models import Record, RecordState, UploadPart

_UPLOADS_PER_QUERY = 500  # SQLite takes at most 32,766 parameters


@dataclass(frozen=True)
class SeriesSummary:
    series: ImagingSeries
    instances: int
    frames: int
    first: ImagingInstance

    @property
    def has_images(self) -> bool:
        return self.frames > 0


@dataclass(frozen=True)
class StudySummary:
    study: ImagingStudy
    series: list[SeriesSummary]
    identity: ImagingIdentity

    @property
    def instances(self) -> int:
        return sum(one.instances for one in self.series)

    @property
    def modalities(self) -> list[str]:
        return sorted({one.series.modality for one in self.series} - {""})


def live_instances(
    case_id: str, *, study_uid: str = "", series_uid: str = "", uid: str = ""
) -> Select[ImagingInstance]:
    """The instances of a case, or below a study or a series, or the one; each once, in the order in
    which they are read: by place in the body where the files give it, else by number.
    """
    turn = (
        func.row_number()
        .over(
            partition_by=(ImagingInstance.series_id, ImagingInstance.uid),
            order_by=(ImagingInstance.created_at, ImagingInstance.id),
        )
        .label("turn")
    )
    live = (
        select(ImagingInstance.id, turn)
        .join(Record, Record.id == ImagingInstance.record_id)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.series_id)
        .join(ImagingStudy, ImagingStudy.id == ImagingSeries.study_id)
        .where(
            ImagingStudy.case_id == case_id,
            Record.state == RecordState.READY,
            Record.removed_at.is_(None),
            *(
                column == wanted
                for column, wanted in (
                    (ImagingStudy.uid, study_uid),
                    (ImagingSeries.uid, series_uid),
                    (ImagingInstance.uid, uid),
                )
                if wanted
            ),
        )
        .subquery()
    )
    return (
        select(ImagingInstance)
        .join(live, live.c.id == ImagingInstance.id)
        .join(ImagingSeries, ImagingSeries.id == ImagingInstance.series_id)
        .join(ImagingStudy, ImagingStudy.id == ImagingSeries.study_id)
        .where(live.c.turn == 1)
        .order_by(
            ImagingStudy.date.desc(),
            ImagingStudy.uid,
            ImagingSeries.number,
            ImagingSeries.uid,
            ImagingInstance.position.is_(None),
            ImagingInstance.position,
            ImagingInstance.number,
            ImagingInstance.uid,
        )
    )


def list_study_summaries(session: Session, case_id: str) -> list[StudySummary]:
    """The studies of a case with their series, newest study first."""
    wanted = live_instances(case_id).subquery()
    counted = session.execute(
        select(
            wanted.c.series_id,
            func.count(),
            func.sum(wanted.c.frames),
            func.min(wanted.c.id),
        ).group_by(wanted.c.series_id)
    ).all()
    firsts = _load_rows(session, ImagingInstance, [row[3] for row in counted])
    series = _load_rows(session, ImagingSeries, [row[0] for row in counted])
    summaries: dict[str, list[SeriesSummary]] = {}
    for series_id, instances, frames, first in counted:
        one = series[series_id]
        summaries.setdefault(one.study_id, []).append(
            SeriesSummary(one, instances, int(frames or 0), firsts[first])
        )
    studies = _load_rows(session, ImagingStudy, list(summaries))
    identities = {one.id: one for one in list_identities(session, case_id)}
    found = [
        StudySummary(
            studies[study_id],
            sorted(some, key=lambda one: (one.series.number or 0, one.series.uid)),
            identities[some[0].first.identity_id],
        )
        for study_id, some in summaries.items()
    ]
    return sorted(found, key=lambda one: (one.study.date, one.study.time, one.study.uid))[::-1]


def find_study(session: Session, case_id: str, study_uid: str) -> ImagingStudy:
    """Raises ``NotFound`` where no file of it may be seen."""
    study = session.scalars(
        select(ImagingStudy).where(ImagingStudy.case_id == case_id, ImagingStudy.uid == study_uid)
    ).first()
    if study is None:
        raise NotFound()
    return study


def list_live_instances(
    session: Session, case_id: str, *, study_uid: str = "", series_uid: str = "", uid: str = ""
) -> list[ImagingInstance]:
    """The instances below a study, a series, or the one. Raises ``NotFound`` where there is
    none.
    """
    wanted = live_instances(case_id, study_uid=study_uid, series_uid=series_uid, uid=uid)
    found = list(session.scalars(wanted.options(joinedload(ImagingInstance.record))))
    if not found:
        raise NotFound()
    return found


def list_instances_without_headers(
    session: Session, case_id: str, *, study_uid: str = "", series_uid: str = ""
) -> list[tuple[ImagingInstance, str, str, str]]:
    """Instances with the UIDs of their study and series, and the modality. The headers stay in the
    database, for there may be thousands.
    """
    wanted = live_instances(case_id, study_uid=study_uid, series_uid=series_uid).options(
        defer(ImagingInstance.header), defer(ImagingInstance.layout)
    )
    rows = session.execute(
        wanted.add_columns(ImagingStudy.uid, ImagingSeries.uid, ImagingSeries.modality)
    )
    return [(row[0], row[1], row[2], row[3]) for row in rows]


def list_accepted_identities(session: Session, case_id: str) -> list[ImagingIdentity]:
    """Those whose images are part of the case, and state more than nothing."""
    accepted = (IdentityVerdict.MATCHES, IdentityVerdict.ACCEPTED)
    return [one for one in list_identities(session, case_id) if one.verdict in accepted]


@dataclass(frozen=True)
class IdentityQuestion:
    """Images of a case of which a coordinator must say whose they are."""

    identity: ImagingIdentity
    files: int
    names: list[str]


def list_identity_questions(session: Session, case_id: str) -> list[IdentityQuestion]:
    """Those that wait for a decision; identities that say the same are one question."""
    questions: list[IdentityQuestion] = []
    waiting = [
        one for one in list_identities(session, case_id) if one.verdict == IdentityVerdict.DIFFERS
    ]
    while waiting:
        first = waiting[0]
        same = [one for one in waiting if patient_of(one) == patient_of(first)]
        waiting = [one for one in waiting if one not in same]
        names = session.scalars(
            select(Record.name)
            .join(ImagingInstance, ImagingInstance.record_id == Record.id)
            .where(
                ImagingInstance.identity_id.in_([one.id for one in same]),
                Record.state == RecordState.QUARANTINED,
                Record.removed_at.is_(None),
            )
        ).all()
        if names:
            questions.append(IdentityQuestion(first, len(names), sorted(names)[:5]))
    return questions


def find_identity(session: Session, case_id: str, identity_id: str) -> ImagingIdentity:
    """Raises ``NotFound``."""
    identity = session.get(ImagingIdentity, identity_id)
    if identity is None or identity.case_id != case_id:
        raise NotFound()
    return identity


def _load_rows(session: Session, table: type, ids: Sequence[str]) -> dict:  # type: ignore[type-arg]
    alias = aliased(table)
    return {row.id: row for row in session.scalars(select(alias).where(alias.id.in_(ids)))}


def list_parts_by_upload(
    session: Session, upload_ids: Sequence[str]
) -> dict[str, list[UploadPart]]:
    """The stored parts of each upload, in the order of its bytes."""
    parts: dict[str, list[UploadPart]] = {}
    for begin in range(0, len(upload_ids), _UPLOADS_PER_QUERY):
        for part in session.scalars(
            select(UploadPart)
            .where(UploadPart.upload_id.in_(upload_ids[begin : begin + _UPLOADS_PER_QUERY]))
            .order_by(UploadPart.upload_id, UploadPart.start)
        ):
            parts.setdefault(part.upload_id, []).append(part)
    return parts
