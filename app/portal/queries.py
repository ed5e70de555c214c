"""What each home page shows: composed from the slices, each list with what its lines need and no
query per line.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, joinedload, selectinload

from app.audit.models import AuditEntry
from app.cases import policy
from app.cases import queries as cases
from app.cases.models import Case
from app.cases.page.facts import CaseFacts, load_case_facts
from app.cases.page.next_steps import NextStep, choose_next_step
from app.cases.queries import WorklistFilter
from app.cases.states import END_STAGES, CaseStage
from app.consults.models import Consult, MediaNode
from app.consults.queries import CONSULT_CLOSES_AFTER, BookedConsult
from app.core.clock import now
from app.core.outbox import Job
from app.core.permissions import Role
from app.identity.models import Person
from app.organizations.models import Affiliation
from app.organizations.queries import affiliation_holds_now
from app.portal.journey import classify_deadline
from app.scheduling.interpreters.missing import AGREED_ENGAGEMENT_STATES, lacks_interpreter
from app.scheduling.models import Booking, BookingState, Engagement, EngagementState
from app.scheduling.queries import list_cases_without_interpreter

WORKLIST_PAGE_SIZE = 30
AUDIT_PAGE_SIZE = 50
WRITTEN_STAGES = (CaseStage.OPINION_SIGNED, CaseStage.RELEASED, CaseStage.CLOSED)
ACTIVE_STAGES = (
    CaseStage.SUBMITTED,
    CaseStage.TRIAGE,
    CaseStage.RECORDS_REQUESTED,
    CaseStage.ACCEPTED,
    CaseStage.SCHEDULED,
    CaseStage.CONSULTED,
)
OPEN_STAGES = tuple(
    stage for stage in CaseStage if stage not in END_STAGES and stage != CaseStage.DRAFT
)


@dataclass(frozen=True)
class CaseRow:
    """One case in a list: who is on it, what is next, how its clock stands."""

    case: Case
    specialist: Person | None
    interpreter: Person | None
    meeting: BookedConsult | None
    step: NextStep
    lacks: tuple[str, ...]
    clock: str


@dataclass(frozen=True)
class WorklistPage:
    rows: list[CaseRow]
    wanted: WorklistFilter
    page: int
    last: int
    total: int
    by_stage: dict[str, int]
    late: int
    unfilled: int


def load_worklist_page(
    session: Session,
    reader: Person,
    wanted: WorklistFilter,
    page: int,
    *,
    only_unfilled: bool = False,
) -> WorklistPage:
    """One page of the office's worklist, and the counts beside it. Pages are numbered from 1.

    With ``only_unfilled``, only cases whose coming meeting has no interpreter who said yes.
    """
    unfilled = list_cases_without_interpreter(session, reader)
    if only_unfilled:
        wanted = replace(wanted, among=unfilled)
    total = cases.count_worklist_cases(session, reader, wanted)
    last = max(1, -(-total // WORKLIST_PAGE_SIZE))
    page = min(max(page, 1), last)
    found = cases.list_worklist_cases(
        session, reader, wanted, offset=(page - 1) * WORKLIST_PAGE_SIZE, limit=WORKLIST_PAGE_SIZE
    )
    return WorklistPage(
        rows=build_case_rows(session, found, Role.COORDINATOR),
        wanted=wanted,
        page=page,
        last=last,
        total=total,
        by_stage=cases.count_cases_by_stage(session, reader),
        late=cases.count_worklist_cases(session, reader, WorklistFilter(late=True)),
        unfilled=len(unfilled),
    )


def build_case_rows(session: Session, found: Sequence[Case], role: str) -> list[CaseRow]:
    """The cases as lines for a reader of this role. The cases come with their members and people
    loaded.
    """
    facts = load_case_facts(session, found)
    return [_build_case_row(case, facts[case.id], role) for case in found]


def _build_case_row(case: Case, facts: CaseFacts, role: str) -> CaseRow:
    specialist = _find_case_member(case, Role.SPECIALIST)
    meeting = facts.find(BookedConsult)
    lacks = []
    if specialist is None and case.stage in cases.UNASSIGNED_STAGES:
        lacks.append("specialist")
    if meeting is not None and lacks_interpreter(meeting.booking):
        lacks.append("interpreter")
    return CaseRow(
        case,
        specialist,
        _find_case_member(case, Role.INTERPRETER),
        meeting,
        choose_next_step(case, role, facts),
        tuple(lacks),
        classify_deadline(case.act_by),
    )


def _find_case_member(case: Case, role: Role) -> Person | None:
    return next(
        (
            member.person
            for member in reversed(case.members)
            if member.role == role and policy.is_current_member(member)
        ),
        None,
    )


@dataclass(frozen=True)
class PatientHome:
    open: list[CaseRow]
    ended: list[CaseRow]


def load_patient_home(session: Session, person: Person) -> PatientHome:
    rows = build_case_rows(session, cases.list_cases(session, person, limit=50), Role.PATIENT)
    waiting_first = {"you": 0, "go": 1, "wait": 2, "done": 3, "stopped": 4}
    rows.sort(
        key=lambda row: waiting_first[row.step.kind]
    )  # stable: among equals the latest change first
    return PatientHome(
        [row for row in rows if row.case.stage not in END_STAGES],
        [row for row in rows if row.case.stage in END_STAGES],
    )


@dataclass(frozen=True)
class SpecialistHome:
    """``to_write`` opinions first, the one due soonest on top; ``others`` ends with the last few
    that are written.
    """

    to_write: list[CaseRow]
    meetings: list[CaseRow]
    to_read: list[CaseRow]
    others: list[CaseRow]


def load_specialist_home(session: Session, person: Person) -> SpecialistHome:
    found = cases.list_cases(session, person, 50, ACTIVE_STAGES) + cases.list_cases(
        session, person, 10, WRITTEN_STAGES
    )
    rows = build_case_rows(session, found, Role.SPECIALIST)
    to_write = [row for row in rows if row.step.act == "write_opinion"]
    meetings = [
        row for row in rows if row.meeting and not row.meeting.is_over and row not in to_write
    ]
    meetings.sort(key=lambda row: row.meeting.booking.starts_at if row.meeting else now())
    to_read = [
        row
        for row in rows
        if row.case.stage == CaseStage.ACCEPTED and row not in to_write + meetings
    ]
    others = [row for row in rows if row not in to_write + meetings + to_read]
    for part in (to_write, to_read):
        part.sort(key=lambda row: row.case.due_at or now())
    return SpecialistHome(to_write, meetings, to_read, others)


@dataclass(frozen=True)
class InterpreterHome:
    """``proposals`` wait for an answer; ``sessions`` are agreed, soonest first, with the door's
    times.
    """

    proposals: list[Engagement]
    sessions: list[tuple[Engagement, BookedConsult]]


def load_interpreter_home(session: Session, person: Person) -> InterpreterHome:
    rows = session.execute(
        select(Engagement, Consult)
        .join(Engagement.booking)
        .outerjoin(Consult, Consult.booking_id == Booking.id)
        .options(
            joinedload(Engagement.booking).options(
                joinedload(Booking.patient),
                joinedload(Booking.specialist),
                joinedload(Booking.case).options(selectinload(Case.questions)),
            )
        )
        .where(
            Engagement.interpreter_id == person.id,
            Booking.state == BookingState.CONFIRMED,
            Engagement.state.in_((EngagementState.PROPOSED, *AGREED_ENGAGEMENT_STATES)),
            or_(Booking.starts_at > now() - CONSULT_CLOSES_AFTER, Consult.closes_at > now()),
        )
    ).all()
    meetings = [
        (engagement, BookedConsult(engagement.booking, consult)) for engagement, consult in rows
    ]
    meetings.sort(key=lambda pair: pair[1].booking.starts_at)
    ahead = [(engagement, meeting) for engagement, meeting in meetings if not meeting.is_over]
    return InterpreterHome(
        [engagement for engagement, _ in ahead if engagement.state == EngagementState.PROPOSED],
        [
            (engagement, meeting)
            for engagement, meeting in ahead
            if engagement.state in AGREED_ENGAGEMENT_STATES
        ],
    )


@dataclass(frozen=True)
class SystemHealth:
    """How the house stands. A media node counts while its lease is fresh."""

    jobs_waiting: int
    jobs_failed: int
    oldest_job: datetime | None
    media_nodes: int
    media_rooms: int


def load_system_health(session: Session) -> SystemHealth:
    moment = now()
    waiting, oldest = session.execute(
        select(func.count(Job.id), func.min(Job.run_at)).where(
            Job.finished_at.is_(None), Job.run_at <= moment
        )
    ).one()
    failed = session.scalar(select(func.count(Job.id)).where(Job.failed)) or 0
    nodes, rooms = session.execute(
        select(func.count(MediaNode.id), func.coalesce(func.sum(MediaNode.rooms), 0)).where(
            MediaNode.lost_at.is_(None), MediaNode.seen_at > moment - timedelta(seconds=30)
        )
    ).one()
    return SystemHealth(waiting, failed, oldest, nodes, rooms)


def count_people_by_role(session: Session) -> dict[str, int]:
    """How many active people work as what; patients are those who work as nothing."""
    held = dict(
        session.execute(
            select(Affiliation.role, func.count(func.distinct(Affiliation.person_id)))
            .join(Affiliation.person)
            .where(Person.active, affiliation_holds_now())
            .group_by(Affiliation.role)
        ).all()
    )
    patients = session.scalar(
        select(func.count()).where(Person.active, Person.home_role == Role.PATIENT)
    )
    return held | {str(Role.PATIENT): patients or 0}


@dataclass(frozen=True)
class AuditFilter:
    """What is looked for, and whence: the entries next older than number ``before``, or next newer
    than ``after``.
    """

    verb: str | None = None
    case_id: str | None = None
    actor_id: str | None = None
    before: int | None = None
    after: int | None = None


@dataclass(frozen=True)
class AuditPage:
    """Entries, newest first. From the numbers ``older`` and ``newer`` the pages beside it go on,
    where there are any.
    """

    entries: list[AuditEntry]
    older: int | None
    newer: int | None


def load_audit_page(
    session: Session, chosen: AuditFilter, limit: int = AUDIT_PAGE_SIZE
) -> AuditPage:
    """A page of the entries that fit, the newest where nothing else is asked for.

    A page of newer entries that would not be full is the newest page: what comes in meanwhile fills
    it.
    """
    wanted = _filter_audit_entries(chosen)
    if chosen.after is not None:
        newer = (
            wanted.where(AuditEntry.number > chosen.after)
            .order_by(AuditEntry.number)
            .limit(limit + 1)
        )
        found = list(session.scalars(newer))
        if len(found) > limit:
            entries = found[:limit][::-1]
            return AuditPage(entries, older=entries[-1].number, newer=entries[0].number)
    elif chosen.before is not None:
        wanted = wanted.where(AuditEntry.number < chosen.before)
    found = list(session.scalars(wanted.order_by(AuditEntry.number.desc()).limit(limit + 1)))
    entries = found[:limit]
    return AuditPage(
        entries,
        older=entries[-1].number if len(found) > limit else None,
        newer=(
            entries[0].number
            if entries and chosen.after is None and chosen.before is not None
            else None
        ),
    )


def _filter_audit_entries(chosen: AuditFilter) -> Select[AuditEntry]:
    wanted = select(AuditEntry)
    for column, value in (
        (AuditEntry.verb, chosen.verb),
        (AuditEntry.case_id, chosen.case_id),
        (AuditEntry.actor_id, chosen.actor_id),
    ):
        if value:
            wanted = wanted.where(column == value)
    return wanted


def find_people_by_id(session: Session, person_ids: Iterable[str | None]) -> dict[str, Person]:
    ids = {one for one in person_ids if one}
    return (
        {person.id: person for person in session.scalars(select(Person).where(Person.id.in_(ids)))}
        if ids
        else {}
    )
