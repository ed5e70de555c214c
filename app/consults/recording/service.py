"""The verbs of a recording: asking, agreeing, withdrawing, stopping, purging. None commits, none
speaks to a node.

Nothing is recorded unless everybody in the room has agreed, each for themselves.
``apply_recording_consent`` is called whenever anything about the room has changed, and holds it to
that: whoever comes in without having agreed pauses the recording, and it goes on once they agree
or leave.
"""

from __future__ import annotations

import base64

from sqlalchemy import select
from sqlalchemy.orm import Session, object_session

from app.audit import service as audit
from app.cases.verbs import CaseAuditVerb
from app.consults import policy
from app.consults.interpreting import channels
from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import InterpretingMode, SeatVoice
from app.consults.models import Consult, ConsultState, Seat
from app.consults.recording.models import Recording, RecordingConsent, RecordingState
from app.consults.room.timeline import record_consult_event
from app.consults.verbs import ConsultAuditVerb
from app.core import webm
from app.core.clock import now
from app.core.crypto import new_data_key
from app.core.errors import Conflict, Forbidden
from app.core.outbox import enqueue_job
from app.core.text import N_
from app.media.messages_recording import RecordingSet
from app.records import service as records
from app.records.models import Record

CONSENT_IS_PERSONAL = N_(
    "Each person can agree only for themselves. Nobody can agree for someone else."
)
RECORDING_NOT_ASKED = N_("Nobody has asked to record this consultation.")
RECORDING_CLOSE_JOB, RECORDING_PURGE_JOB = "recording.close", "recording.purge"
_STATES_WITHOUT_CONTENT = (RecordingState.DECLINED, RecordingState.PURGED, RecordingState.EMPTY)


def find_latest_recording(session: Session, consult_id: str) -> Recording | None:
    return session.scalars(
        select(Recording)
        .where(Recording.consult_id == consult_id)
        .order_by(Recording.number.desc())
        .limit(1)
    ).first()


def find_current_recording(session: Session, consult_id: str) -> Recording | None:
    """The consult's recording, unless there is none or nothing of it is left."""
    recording = find_latest_recording(session, consult_id)
    return None if recording is None or recording.state in _STATES_WITHOUT_CONTENT else recording


# --- asking and agreeing ---


def ask_to_record(session: Session, seat: Seat) -> Recording:
    """Asks everybody in the room. Who asks, agrees by it."""
    _require_seat_for_recording(seat)
    if not policy.can_ask_to_record(seat):
        raise Forbidden(
            N_("The patient, the specialist or the international office can ask to record.")
        )
    consult, before = seat.consult, find_latest_recording(session, seat.consult_id)
    if before is not None and before.is_open:
        raise Conflict(N_("Everyone has already been asked."))
    if before is not None and before.state == RecordingState.STOPPED:
        recording = before
        recording.state, recording.asked_at, recording.asker = RecordingState.ASKED, now(), seat
        recording.purge_asked_of = None
        # that they were given stands in the timeline; each is asked anew
        recording.consents.clear()
        session.flush()
    else:
        recording = Recording(
            consult=consult,
            case_id=consult.case_id,
            asker=seat,
            key=base64.b64encode(new_data_key()).decode(),
            number=before.number + 1 if before else 1,
            version=before.version if before else 0,
        )
        session.add(recording)
        session.flush()
    audit.record_audit_entry(
        session,
        seat.person_id,
        ConsultAuditVerb.RECORDING_ASKED,
        "recording",
        recording.id,
        consult.case_id,
    )
    record_consult_event(session, consult, "recording_asked", seat)
    _give_recording_consent(session, recording, seat)
    return recording


def answer_recording_request(
    session: Session, seat: Seat, *, agrees: bool, of: str | None = None
) -> Recording:
    """Somebody's own answer. No is, while it records, a withdrawal: it stops at once, and they are
    asked whether what there is shall be purged. Raises ``Forbidden`` for an answer in the name of
    somebody else (``of`` is a seat).
    """
    if of is not None and of != seat.id:
        raise Forbidden(CONSENT_IS_PERSONAL)
    _require_seat_for_recording(seat)
    recording = find_current_recording(session, seat.consult_id)
    if recording is None or not recording.is_open:
        raise Conflict(RECORDING_NOT_ASKED)
    if agrees:
        _give_recording_consent(session, recording, seat)
    else:
        _withdraw_recording_consent(session, recording, seat)
    return recording


def stop_recording(session: Session, seat: Seat) -> Recording:
    """Ends it for now without withdrawing: what there is will be kept."""
    if not policy.can_ask_to_record(seat):
        raise Forbidden(
            N_("The patient, the specialist or the international office can stop the recording.")
        )
    recording = find_current_recording(session, seat.consult_id)
    if recording is None or not recording.is_open:
        raise Conflict(RECORDING_NOT_ASKED)
    _mark_recording_stopped(session, recording, seat)
    return recording


def note_recording_failure(session: Session, recording: Recording) -> bool:
    """The node or its store failed: nobody shall believe that it goes on. True when it was
    running.
    """
    if not recording.is_running:
        return False
    record_consult_event(session, recording.consult, "recording_broke", None)
    _mark_recording_stopped(session, recording, None)
    return True


def decide_recording_purge(session: Session, seat: Seat, *, purges: bool) -> Recording:
    """What shall become of what was recorded before somebody withdrew: they alone say, also after
    the consult.
    """
    recording = find_undecided_recording(session, seat)
    if recording is None:
        raise Forbidden(N_("Only the person who withdrew consent can decide this."))
    session.refresh(recording, with_for_update=True)  # it may just be becoming a record
    recording.purge_asked_of = None
    if not purges:
        record_consult_event(session, seat.consult, "recording_left", seat)
        return recording
    record = session.get(Record, recording.record_id) if recording.record_id else None
    if record is not None and record.removed_at is None:
        records.remove_generated_record(session, seat.person, record)
    recording.state = RecordingState.PURGED
    session.flush()
    audit.record_audit_entry(
        session,
        seat.person_id,
        ConsultAuditVerb.RECORDING_PURGED,
        "recording",
        recording.id,
        recording.case_id,
    )
    record_consult_event(session, seat.consult, "recording_purged", seat)
    enqueue_job(
        session,
        RECORDING_PURGE_JOB,
        {"recording_id": recording.id},
        key=f"{RECORDING_PURGE_JOB}:{recording.id}",
    )
    return recording


def find_undecided_recording(session: Session, seat: Seat) -> Recording | None:
    """The recording of which this seat has yet to say whether it is kept."""
    recording = find_current_recording(session, seat.consult_id)
    return recording if recording is not None and recording.purge_asked_of == seat.id else None


def end_recording(session: Session, consult: Consult) -> Recording | None:
    """The consult is over: what was recorded is made a record of the case."""
    recording = find_current_recording(session, consult.id)
    if recording is None or recording.state in (RecordingState.CLOSING, RecordingState.KEPT):
        return None
    if recording.is_open:
        _mark_recording_stopped(session, recording, None)
    if recording.state == RecordingState.STOPPED:
        recording.state = RecordingState.CLOSING
        session.flush()
        enqueue_job(session, RECORDING_CLOSE_JOB, {"recording_id": recording.id})
    return recording


# --- holding it to that ---


def apply_recording_consent(session: Session, consult: Consult) -> tuple[Recording, bool] | None:
    """The recording, if the node has to be told of it, and whether this changed it."""
    recording = find_current_recording(session, consult.id)
    if recording is None or not recording.is_open:
        return None
    inside = [seat for seat in consult.present_seats if seat.is_in_room]
    may = (
        bool(inside)
        and consult.state == ConsultState.LIVE
        and not list_seats_without_consent(recording, consult)
    )
    if may and not recording.is_running:
        was = recording.state
        recording.state = RecordingState.RUNNING
        recording.runs = [*recording.runs, (now().isoformat(), None)]
        session.flush()
        if was == RecordingState.ASKED:
            audit.record_audit_entry(
                session,
                recording.asker.person_id,
                ConsultAuditVerb.RECORDING_STARTED,
                "recording",
                recording.id,
                consult.case_id,
            )
        record_consult_event(
            session,
            consult,
            "recording_resumed" if was == RecordingState.PAUSED else "recording_started",
            None,
        )
        return recording, True
    if not may and recording.is_running:
        recording.state = RecordingState.PAUSED
        _close_open_run(recording)
        record_consult_event(session, consult, "recording_paused", None)
        return recording, True
    return recording, False


def list_seats_without_consent(recording: Recording, consult: Consult) -> list[Seat]:
    """Who is in the room and has not agreed."""
    given = {one.seat_id for one in recording.consents if one.withdrawn_at is None}
    return [seat for seat in consult.present_seats if seat.is_in_room and seat.id not in given]


# --- what the node and the pages are told ---


def assign_voice_tracks(
    seats: list[SeatVoice], mode: InterpretingMode, languages: list[str]
) -> dict[int, tuple[str, ...]]:
    """Whose voices belong to each language's track: those that somebody who listens in it would
    hear at full gain.

    In turn that is everyone; at the same time it is the original for those who speak the language,
    else its interpreter, and where nobody interprets into it the original. Pure.
    """
    tracks = {}
    for number, tag in enumerate(languages, webm.FIRST_VOICE_TRACK):
        listener = SeatVoice(
            id="",
            number=max((seat.number for seat in seats), default=0) + 1,
            speaks=tag,
            listens=tag,
            original_gain=0.0,
        )
        feeds = channels.route_audio([*seats, listener], mode)[listener.id]
        tracks[number] = tuple(feed.source for feed in feeds)
    return tracks


def build_recording_command(
    recording: Recording, consult: Consult, command_id: str
) -> RecordingSet:
    """What the node that carries the room shall record now; it counts as said."""
    recording.version += 1
    if not recording.is_running:
        return RecordingSet(command_id=command_id, room=consult.room, version=recording.version)
    inside = [seat for seat in consult.present_seats if seat.is_in_room]
    for tag in interpreting.list_consult_languages(consult):
        if tag not in recording.languages:
            recording.languages = [*recording.languages, tag]
    shown = [
        seat for seat in inside if not seat.pair
    ] or inside  # who is interpreted, not who interprets
    return RecordingSet(
        command_id=command_id,
        room=consult.room,
        version=recording.version,
        recording=recording.id,
        key=recording.key,
        begin_ms=recording.milliseconds(now()),
        pictures=tuple(seat.id for seat in shown),
        voices=assign_voice_tracks(
            [seat.voice for seat in inside], InterpretingMode(consult.mode), recording.languages
        ),
    )


def describe_recording(seat: Seat) -> dict[str, object] | None:
    """How the recording stands, for the page of this seat."""
    session = object_session(seat)
    recording = find_current_recording(session, seat.consult_id) if session else None
    can_ask = policy.can_ask_to_record(seat)
    if recording is None:
        return {
            "state": "none",
            "canAsk": can_ask,
            "agreed": False,
            "waitingFor": [],
            "mayPurge": False,
            "by": None,
        }
    waiting = list_seats_without_consent(recording, seat.consult) if recording.is_open else []
    return {
        "state": recording.state,
        "canAsk": can_ask,
        "by": recording.asker.person.name,
        "agreed": (
            recording.is_open and seat.is_in_room and all(one.id != seat.id for one in waiting)
        ),
        "waitingFor": [one.person.name for one in waiting],
        "mayPurge": recording.purge_asked_of == seat.id,
    }


# --- within ---


def _give_recording_consent(session: Session, recording: Recording, seat: Seat) -> None:
    consent = next((one for one in recording.consents if one.seat_id == seat.id), None)
    if consent is not None and consent.withdrawn_at is None:
        return
    if consent is None:
        consent = RecordingConsent(recording=recording, seat_id=seat.id)
        session.add(consent)
    consent.given_at, consent.withdrawn_at = now(), None
    session.flush()
    audit.record_audit_entry(
        session,
        seat.person_id,
        CaseAuditVerb.CONSENT_GIVEN,
        "recording",
        recording.id,
        recording.case_id,
    )
    record_consult_event(session, seat.consult, "recording_agreed", seat)


def _withdraw_recording_consent(session: Session, recording: Recording, seat: Seat) -> None:
    for consent in recording.consents:
        if consent.seat_id == seat.id and consent.withdrawn_at is None:
            consent.withdrawn_at = now()
    audit.record_audit_entry(
        session,
        seat.person_id,
        CaseAuditVerb.CONSENT_WITHDRAWN,
        "recording",
        recording.id,
        recording.case_id,
    )
    if not recording.runs:
        recording.state = RecordingState.DECLINED
        record_consult_event(session, seat.consult, "recording_declined", seat)
        return
    record_consult_event(session, seat.consult, "recording_withdrawn", seat)
    _mark_recording_stopped(session, recording, seat)
    recording.purge_asked_of = seat.id
    session.flush()


def _mark_recording_stopped(session: Session, recording: Recording, seat: Seat | None) -> None:
    recording.state = RecordingState.STOPPED if recording.runs else RecordingState.DECLINED
    _close_open_run(recording)
    session.flush()
    if recording.runs:
        audit.record_audit_entry(
            session,
            seat.person_id if seat else None,
            ConsultAuditVerb.RECORDING_STOPPED,
            "recording",
            recording.id,
            recording.case_id,
        )
        record_consult_event(session, recording.consult, "recording_stopped", seat)


def _close_open_run(recording: Recording) -> None:
    if recording.runs and recording.runs[-1][1] is None:
        recording.runs = [*recording.runs[:-1], (recording.runs[-1][0], now().isoformat())]


def _require_seat_for_recording(seat: Seat) -> None:
    if not seat.is_in_room:
        raise Conflict(N_("We ask you about the recording when you have been let in."))
