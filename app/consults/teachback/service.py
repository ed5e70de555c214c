"""Making sure that it was understood: teach-back, and captions that the interpreter types."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import queries as cases
from app.cases.models import Case
from app.cases.policy import can_read_file, can_run_office
from app.consults import policy
from app.consults.interpreting.channels import get_base_language
from app.consults.models import Caption, Consult, Seat, TeachBack
from app.consults.room.timeline import record_consult_event
from app.consults.verbs import ConsultAuditVerb
from app.core.clock import now
from app.core.errors import Conflict, Forbidden, Invalid, NotFound
from app.core.permissions import Role
from app.core.text import N_
from app.identity.models import Person

MAX_TEACHING_TEXT_CHARACTERS = 1_000
MAX_TEACH_BACK_POINTS = 20
TEACH_BACK_CONFIRMED, TEACH_BACK_CORRECTED = "confirmed", "corrected"


# --- teach-back ---


def ask_teach_back(session: Session, seat: Seat, point: str) -> TeachBack:
    """The specialist names a point that the patient says back."""
    if seat.role != Role.SPECIALIST:
        raise Forbidden(N_("The specialist chooses which points the patient explains back."))
    _require_seat_for_teaching(seat)
    asked = list_teach_backs(session, seat.consult)
    if len(asked) >= MAX_TEACH_BACK_POINTS:
        raise Conflict(
            N_(
                "That is enough for one consultation. The patient can explain back at most"
                " %(most)s points."
            ),
            most=MAX_TEACH_BACK_POINTS,
        )
    item = TeachBack(
        consult_id=seat.consult_id,
        case_id=seat.consult.case_id,
        number=len(asked) + 1,
        point=_clean_text(point, "point"),
    )
    session.add(item)
    record_consult_event(session, seat.consult, "teach_back_asked", seat, number=item.number)
    return item


def write_teach_back_answer(session: Session, seat: Seat, item_id: str, said: str) -> TeachBack:
    """What the patient said, in the specialist's language: by the interpreter, or by the patient
    where they share one. Saying it anew opens the question again.
    """
    if not seat.pair and seat.role != Role.PATIENT:
        raise Forbidden(N_("The interpreter writes down what the patient said."))
    _require_seat_for_teaching(seat)
    item = _get_teach_back(session, seat, item_id)
    item.said, item.said_by = _clean_text(said, "said"), seat.id
    item.verdict = item.correction = item.judged_at = None
    record_consult_event(session, seat.consult, "teach_back_said", seat, number=item.number)
    return item


def judge_teach_back(
    session: Session, seat: Seat, item_id: str, verdict: str, correction: str = ""
) -> TeachBack:
    """The specialist confirms what was said back, or says what was meant."""
    if seat.role != Role.SPECIALIST:
        raise Forbidden(N_("The specialist confirms or corrects what the patient said."))
    _require_seat_for_teaching(seat)
    item = _get_teach_back(session, seat, item_id)
    if not item.said:
        raise Conflict(N_("The patient has not explained this point yet."))
    if verdict not in (TEACH_BACK_CONFIRMED, TEACH_BACK_CORRECTED):
        raise Invalid(N_("Confirm what the patient said, or correct it."), field="verdict")
    item.correction = (
        _clean_text(correction, "correction") if verdict == TEACH_BACK_CORRECTED else None
    )
    item.verdict, item.judged_at = verdict, now()
    audit.record_audit_entry(
        session,
        seat.person_id,
        ConsultAuditVerb.TEACH_BACK_JUDGED,
        "teach_back",
        item.id,
        item.case_id,
        verdict=verdict,
    )
    record_consult_event(session, seat.consult, f"teach_back_{verdict}", seat, number=item.number)
    return item


def list_teach_backs(session: Session, consult: Consult) -> Sequence[TeachBack]:
    return session.scalars(
        select(TeachBack).where(TeachBack.consult_id == consult.id).order_by(TeachBack.number)
    ).all()


def list_teach_backs_of_case(session: Session, person: Person, case: Case) -> Sequence[TeachBack]:
    """What was said back in the meetings of a case, for those who may read its file."""
    if not (
        can_read_file(person, case, cases.find_membership(session, person, case.id))
        or can_run_office(person, case)
    ):
        return []
    return session.scalars(
        select(TeachBack)
        .where(TeachBack.case_id == case.id)
        .order_by(TeachBack.asked_at, TeachBack.number)
    ).all()


# --- captions ---


def add_caption(session: Session, seat: Seat, client_id: str, language: str, text: str) -> Caption:
    """A line for whoever listens in ``language``. The same ``client_id`` again gives back the
    line that stands already.
    """
    if not policy.can_interpret(seat, language):
        raise Invalid(
            N_("You are not booked here to interpret into this language."), field="language"
        )
    _require_seat_for_teaching(seat)
    standing = session.scalars(
        select(Caption).where(Caption.seat_id == seat.id, Caption.client_id == client_id)
    ).first()
    if standing:
        return standing
    last = (
        session.scalar(
            select(func.max(Caption.number)).where(Caption.consult_id == seat.consult_id)
        )
        or 0
    )
    line = Caption(
        consult_id=seat.consult_id,
        case_id=seat.consult.case_id,
        seat_id=seat.id,
        number=last + 1,
        client_id=client_id,
        language=get_base_language(language),
        text=_clean_text(text, "text"),
    )
    session.add(line)
    session.flush()
    return line


# --- within ---


def _get_teach_back(session: Session, seat: Seat, item_id: str) -> TeachBack:
    item = session.get(TeachBack, item_id)
    if item is None or item.consult_id != seat.consult_id:
        raise NotFound(N_("This point is not part of this consultation."))
    return item


def _require_seat_for_teaching(seat: Seat) -> None:
    if not seat.is_in_room:
        raise Conflict(N_("You can write to the others when you have been let in."))


def _clean_text(text: str, field: str) -> str:
    text = text.strip()
    if not text:
        raise Invalid(N_("Write something first, then send it."), field=field)
    if len(text) > MAX_TEACHING_TEXT_CHARACTERS:
        raise Invalid(
            N_("This is too long. Keep it under %(most)s characters."),
            field=field,
            most=MAX_TEACHING_TEXT_CHARACTERS,
        )
    return text
