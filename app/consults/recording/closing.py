"""What becomes of a recording after the consult: its segments, as they lie in the store, are made
one WebM.

Nothing is copied: a header with cues is written before the segments, and what is missing before or
between them (a node was killed, or the web was away) is filled with silence and a black picture, so
that sound, picture and captions stay together. Both may run twice.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.consults.recording.models import Recording, RecordingState
from app.consults.recording.service import RECORDING_CLOSE_JOB, RECORDING_PURGE_JOB
from app.consults.room.timeline import record_consult_event
from app.consults.verbs import ConsultAuditVerb
from app.core import webm
from app.core.blobs import BlobMissing, BlobStore, StoredBlob
from app.core.clock import now
from app.core.crypto import TamperedCiphertext
from app.core.outbox import JobContext, JobPayload, enqueue_job, read_payload_text
from app.core.webm import FIRST_VOICE_TRACK, WebmCluster
from app.media.messages_recording import derive_segment_id
from app.records import service as records
from app.records.inspection import kinds
from app.records.service import StoredPart

NODE_STORING_GRACE_PERIOD = timedelta(
    seconds=20
)  # how long a node that is well may still be storing the end
CLOSE_RETRY_DELAY = timedelta(seconds=2)
PURGE_LOOKAHEAD_SEGMENTS = 10
MIN_GAP_MS = 200
MAX_FILLER_CLUSTER_MS = 10_000  # a filling cluster spans at most this
HEADER_SEGMENT_NUMBER, FIRST_FILLER_SEGMENT_NUMBER = (
    -1,
    -2,
)  # numbers of what is added to the segments


@dataclass(frozen=True)
class StoredSegment:
    part: StoredPart
    clusters: list[tuple[WebmCluster, int]]


@dataclass(frozen=True)
class JoinedRecording:
    """A recording made one: its parts in order, and what all of it hashes to."""

    parts: list[StoredPart]
    sha256: str
    lasts_ms: int


def run_recording_close(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Makes the recording a record of its case. Reads without holding a transaction, for that may
    take minutes.
    """
    with context.database.unit_of_work() as before:
        recording = before.get(Recording, payload["recording_id"])
        if recording is None or recording.state != RecordingState.CLOSING:
            return
        if _is_node_still_storing(recording):
            enqueue_job(before, RECORDING_CLOSE_JOB, payload, delay=CLOSE_RETRY_DELAY)
            return
        key, languages = base64.b64decode(recording.key), list(recording.languages)
    whole = join_segments(context.blobs, read_payload_text(payload, "recording_id"), key, languages)
    recording = session.get(Recording, payload["recording_id"], with_for_update=True)
    if recording is None or recording.state != RecordingState.CLOSING:
        return
    if whole is None:
        recording.state = RecordingState.EMPTY
        record_consult_event(session, recording.consult, "recording_empty", None)
        return
    case = recording.consult.case
    record = records.add_generated_record(
        session,
        recording.asker.person,
        case,
        f"consultation-{case.number}.webm",
        kinds.WEBM.media_type,
        whole.parts,
        whole.sha256,
    )
    recording.record_id, recording.state, recording.key = record.id, RecordingState.KEPT, ""
    session.flush()
    audit.record_audit_entry(
        session,
        None,
        ConsultAuditVerb.RECORDING_KEPT,
        "recording",
        recording.id,
        case.id,
        record=record.id,
    )
    record_consult_event(
        session, recording.consult, "recording_kept", None, seconds=whole.lasts_ms // 1000
    )


def run_recording_purge(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Deletes every segment for good. A node may still be storing the last of them, so this looks a
    second time.
    """
    recording = session.get(Recording, payload["recording_id"])
    if recording is None:
        return
    recording.key = ""
    number, before = 0, payload.get("before")
    reached = before if isinstance(before, int) else 0
    while number < reached + PURGE_LOOKAHEAD_SEGMENTS or context.blobs.exists(
        derive_segment_id(recording.id, number)
    ):
        context.blobs.delete(derive_segment_id(recording.id, number))
        number += 1
    if before is None:
        enqueue_job(
            session,
            RECORDING_PURGE_JOB,
            {**payload, "before": number},
            delay=NODE_STORING_GRACE_PERIOD,
        )


def join_segments(
    blobs: BlobStore, recording_id: str, key: bytes, languages: list[str]
) -> JoinedRecording | None:
    """The whole recording out of its segments; None when there is none. A torn or spoilt segment is
    left out.
    """
    segments = sorted(
        _read_segments(blobs, recording_id, key), key=lambda one: one.clusters[0][0].at
    )
    if not segments:
        return None
    segments = list(_fill_gaps(blobs, recording_id, segments, len(languages)))
    clusters = [one for segment in segments for one in segment.clusters]
    size = next(
        (
            cluster.size
            for cluster, _ in clusters
            if cluster.size not in (None, webm.BLACK_KEY_FRAME_SIZE)
        ),
        next((cluster.size for cluster, _ in clusters if cluster.size), None),
    )
    tracks = frozenset[int]().union(*(cluster.tracks for cluster, _ in clusters))
    head = webm.write_header(
        clusters,
        {
            number: tag
            for number, tag in enumerate(languages, FIRST_VOICE_TRACK)
            if number in tracks
        },
        size,
    )
    parts = [_store_part(blobs, recording_id, HEADER_SEGMENT_NUMBER, head)]
    for segment in segments:
        start = parts[-1].start + parts[-1].blob.size
        parts.append(StoredPart(segment.part.id, start, segment.part.blob))
    digest = hashlib.sha256()
    for part in parts:
        for chunk in blobs.read(part.id, part.blob.wrapped_key):
            digest.update(chunk)
    return JoinedRecording(parts, digest.hexdigest(), clusters[-1][0].ends)


def _read_segments(blobs: BlobStore, recording_id: str, key: bytes) -> Iterator[StoredSegment]:
    number = 0
    while True:
        object_id = derive_segment_id(recording_id, number)
        wrapped = blobs.wrap(key, object_id)
        try:
            content = b"".join(blobs.read(object_id, wrapped))
            clusters = webm.read_clusters(content)
        except BlobMissing:
            return
        except (TamperedCiphertext, webm.MalformedWebm):
            clusters, content = [], b""
        number += 1
        if clusters:
            stored = StoredBlob(len(content), hashlib.sha256(content).hexdigest(), wrapped)
            yield StoredSegment(StoredPart(object_id, 0, stored), clusters)


def _fill_gaps(
    blobs: BlobStore, recording_id: str, segments: list[StoredSegment], voices: int
) -> Iterator[StoredSegment]:
    tracks, ends, filled = range(FIRST_VOICE_TRACK, FIRST_VOICE_TRACK + voices), 0, 0
    for segment in segments:
        begins = segment.clusters[0][0].at
        while begins - ends > MIN_GAP_MS:
            stop = min(begins, ends + MAX_FILLER_CLUSTER_MS)
            black = webm.WebmBlock(ends + 1, webm.PICTURE_TRACK, webm.BLACK_KEY_FRAME)
            piece = webm.write_cluster([black, *webm.make_silence(ends + 1, stop, tracks)])
            yield StoredSegment(
                _store_part(blobs, recording_id, FIRST_FILLER_SEGMENT_NUMBER - filled, piece),
                webm.read_clusters(piece),
            )
            filled, ends = filled + 1, stop
        yield segment
        ends = max(ends, *(cluster.ends for cluster, _ in segment.clusters))


def _store_part(blobs: BlobStore, recording_id: str, number: int, content: bytes) -> StoredPart:
    object_id = derive_segment_id(recording_id, number)
    return StoredPart(object_id, 0, blobs.put(object_id, [content]))


def _is_node_still_storing(recording: Recording) -> bool:
    switched_off = recording.runs[-1][1]
    assert switched_off is not None  # a recording that closes has been stopped
    ended = datetime.fromisoformat(switched_off)
    if recording.stored_at is not None and recording.stored_at >= ended - timedelta(seconds=1):
        return False
    return now() - ended < NODE_STORING_GRACE_PERIOD


RECORDING_JOB_HANDLERS = {
    RECORDING_CLOSE_JOB: run_recording_close,
    RECORDING_PURGE_JOB: run_recording_purge,
}
