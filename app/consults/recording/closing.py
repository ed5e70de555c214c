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
from typing import Any

from sqlalchemy.orm import Session

from app.audit import service as audit
from app.audit.verbs import Verb
from app.consults.recording.models import Recording, RecordingState
from app.consults.recording.service import CLOSE_JOB, PURGE_JOB
from app.consults.room.timeline import remember
from app.core import webm
from app.core.blobs import BlobMissing, BlobStore, StoredBlob
from app.core.clock import now
from app.core.crypto import Tampered
from app.core.outbox import JobContext, enqueue
from app.core.webm import FIRST_VOICE, Cluster
from app.media.messages_recording import segment_id
from app.records import service as records
from app.records.inspection import kinds
from app.records.service import Part

NODE_TAKES = timedelta(seconds=20)  # how long a node that is well may still be storing the end
LOOK_AGAIN = timedelta(seconds=2)
A_FEW = 10
HOLE_MS = 200
FILLED_MS = 10_000  # a filling cluster spans at most this
HEADER, FILLING = -1, -2  # numbers of what is added to the segments


@dataclass(frozen=True)
class Segment:
    part: Part
    clusters: list[tuple[Cluster, int]]


@dataclass(frozen=True)
class Whole:
    """A recording made one: its parts in order, and what all of it hashes to."""

    parts: list[Part]
    sha256: str
    lasts_ms: int


def close(session: Session, payload: dict[str, Any], context: JobContext) -> None:
    """Makes the recording a record of its case. Reads without holding a transaction, for that may
    take minutes.
    """
    with context.database.unit_of_work() as before:
        recording = before.get(Recording, payload["recording_id"])
        if recording is None or recording.state != RecordingState.CLOSING:
            return
        if _may_still_be_storing(recording):
            enqueue(before, CLOSE_JOB, payload, delay=LOOK_AGAIN)
            return
        key, languages = base64.b64decode(recording.key), list(recording.languages)
    whole = join(context.blobs, payload["recording_id"], key, languages)
    recording = session.get(Recording, payload["recording_id"], with_for_update=True)
    if recording is None or recording.state != RecordingState.CLOSING:
        return
    if whole is None:
        recording.state = RecordingState.EMPTY
        remember(session, recording.consult, "recording_empty", None)
        return
    case = recording.consult.case
    record = records.keep_made(
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
    audit.record(
        session, None, Verb.RECORDING_KEPT, "recording", recording.id, case.id, record=record.id
    )
    remember(session, recording.consult, "recording_kept", None, seconds=whole.lasts_ms // 1000)


def purge(session: Session, payload: dict[str, Any], context: JobContext) -> None:
    """Deletes every segment for good. A node may still be storing the last of them, so this looks a
    second time.
    """
    recording = session.get(Recording, payload["recording_id"])
    if recording is None:
        return
    recording.key = ""
    number, before = 0, payload.get("before")
    while number < (before or 0) + A_FEW or context.blobs.exists(segment_id(recording.id, number)):
        context.blobs.delete(segment_id(recording.id, number))
        number += 1
    if before is None:
        enqueue(session, PURGE_JOB, {**payload, "before": number}, delay=NODE_TAKES)


def join(blobs: BlobStore, recording_id: str, key: bytes, languages: list[str]) -> Whole | None:
    """The whole recording out of its segments; None when there is none. A torn or spoilt segment is
    left out.
    """
    segments = sorted(_segments(blobs, recording_id, key), key=lambda one: one.clusters[0][0].at)
    if not segments:
        return None
    segments = list(_without_holes(blobs, recording_id, segments, len(languages)))
    clusters = [one for segment in segments for one in segment.clusters]
    size = next(
        (cluster.size for cluster, _ in clusters if cluster.size not in (None, webm.BLACK_SIZE)),
        next((cluster.size for cluster, _ in clusters if cluster.size), None),
    )
    tracks = frozenset[int]().union(*(cluster.tracks for cluster, _ in clusters))
    head = webm.header(
        clusters,
        {number: tag for number, tag in enumerate(languages, FIRST_VOICE) if number in tracks},
        size,
    )
    parts = [_put(blobs, recording_id, HEADER, head)]
    for segment in segments:
        start = parts[-1].start + parts[-1].blob.size
        parts.append(Part(segment.part.id, start, segment.part.blob))
    digest = hashlib.sha256()
    for part in parts:
        for chunk in blobs.read(part.id, part.blob.wrapped_key):
            digest.update(chunk)
    return Whole(parts, digest.hexdigest(), clusters[-1][0].ends)


def _segments(blobs: BlobStore, recording_id: str, key: bytes) -> Iterator[Segment]:
    number = 0
    while True:
        object_id = segment_id(recording_id, number)
        wrapped = blobs.wrap(key, object_id)
        try:
            content = b"".join(blobs.read(object_id, wrapped))
            clusters = webm.clusters_in(content)
        except BlobMissing:
            return
        except (Tampered, webm.Malformed):
            clusters, content = [], b""
        number += 1
        if clusters:
            stored = StoredBlob(len(content), hashlib.sha256(content).hexdigest(), wrapped)
            yield Segment(Part(object_id, 0, stored), clusters)


def _without_holes(
    blobs: BlobStore, recording_id: str, segments: list[Segment], voices: int
) -> Iterator[Segment]:
    tracks, ends, filled = range(FIRST_VOICE, FIRST_VOICE + voices), 0, 0
    for segment in segments:
        begins = segment.clusters[0][0].at
        while begins - ends > HOLE_MS:
            stop = min(begins, ends + FILLED_MS)
            black = webm.Block(ends + 1, webm.PICTURE, webm.BLACK)
            piece = webm.cluster([black, *webm.silence(ends + 1, stop, tracks)])
            yield Segment(
                _put(blobs, recording_id, FILLING - filled, piece), webm.clusters_in(piece)
            )
            filled, ends = filled + 1, stop
        yield segment
        ends = max(ends, *(cluster.ends for cluster, _ in segment.clusters))


def _put(blobs: BlobStore, recording_id: str, number: int, content: bytes) -> Part:
    object_id = segment_id(recording_id, number)
    return Part(object_id, 0, blobs.put(object_id, [content]))


def _may_still_be_storing(recording: Recording) -> bool:
    ended = datetime.fromisoformat(recording.runs[-1][1])
    if recording.stored_at is not None and recording.stored_at >= ended - timedelta(seconds=1):
        return False
    return now() - ended < NODE_TAKES


HANDLERS = {CLOSE_JOB: close, PURGE_JOB: purge}
