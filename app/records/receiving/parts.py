"""How a request's body becomes encrypted parts, such that whatever arrived before a cut stays.

The body goes through memory into one object after another. A part is closed when it is large
enough, when it has been open for some seconds (a bad line), or when the line is cut; each is
committed in a short transaction of its own, in which it is asked again whether the person still
may. With a checksum nothing is committed before it has been compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from sqlalchemy.orm import Session

from app.core.blobs import BlobStore
from app.core.clock import monotonic
from app.core.db import Database
from app.core.errors import Forbidden
from app.core.ids import new_id
from app.identity.models import Person
from app.records import queries, service
from app.records.inspection import kinds
from app.records.permissions import RecordPermission
from app.records.receiving import tus
from app.records.service import StoredPart

PIECE_BYTES = 16 << 10
PART_BYTES = 16 << 20
PART_SECONDS = 4.0


@dataclass
class UploadSender:
    """Whose bytes these are and where they belong: what every short transaction needs to ask
    again.
    """

    database: Database
    blobs: BlobStore
    person_id: str
    upload_id: str
    origin: str
    writer: str
    size: int
    received: int
    sniffs: bool


def receive_upload(
    sender: UploadSender, stream: IO[bytes], checksum: tus.UploadChecksum | None = None
) -> int:
    """Keeps what ``stream`` gives and returns how many bytes the upload has now.

    Raises ``service.KindRefused`` when the first bytes are of no kind that we accept,
    ``ChecksumMismatch`` (nothing of this request was kept), ``WrongOffset`` when another request
    took over, ``Forbidden`` when the person may no longer.
    """
    body = _RequestBody(stream, sender.size - sender.received, checksum)
    waiting: list[StoredPart] = []
    try:
        while first := body.piece():
            if sender.sniffs and sender.received == 0 and not waiting:
                _refuse_other_kinds(sender, first)
            part = _store_part(
                sender, body, first, sender.received + sum(one.blob.size for one in waiting)
            )
            waiting.append(part)
            if checksum is None:
                _commit_parts(sender, waiting)
                waiting = []
        if checksum is not None:
            if body.digest() != checksum.digest:
                raise tus.ChecksumMismatch()
            _commit_parts(sender, waiting)
            waiting = []
    finally:
        for part in waiting:
            sender.blobs.delete(part.id)
    return sender.received


class _RequestBody:
    """A request's body in small pieces. A cut line is its end, not an error: what came before it
    counts.
    """

    def __init__(self, stream: IO[bytes], most: int, checksum: tus.UploadChecksum | None) -> None:
        self._stream, self._left = stream, most
        self._digest = tus.CHECKSUM_ALGORITHMS[checksum.algorithm]() if checksum else None
        self._ended = False

    def piece(self) -> bytes:
        if self._ended or not self._left:
            return b""
        try:
            piece = self._stream.read(min(PIECE_BYTES, self._left))
        except Exception:  # each server has its own error for a browser that is gone
            piece = b""
        self._ended = not piece
        self._left -= len(piece)
        if self._digest is not None:
            self._digest.update(piece)
        return piece

    def run(self, first: bytes) -> Iterator[bytes]:
        """The pieces of one part."""
        began, size, piece = monotonic(), 0, first
        while piece:
            yield piece
            size += len(piece)
            if size >= PART_BYTES or monotonic() - began > PART_SECONDS:
                return
            piece = self.piece()

    def digest(self) -> bytes:
        assert self._digest is not None, "only where the sender gave a checksum"
        return self._digest.digest()


def _store_part(sender: UploadSender, body: _RequestBody, first: bytes, start: int) -> StoredPart:
    part_id = new_id()
    return StoredPart(part_id, start, sender.blobs.put(part_id, body.run(first)))


def _commit_parts(sender: UploadSender, parts: list[StoredPart]) -> None:
    with sender.database.unit_of_work() as session:
        person = _load_allowed_person(session, sender)
        upload = queries.load_upload(session, person, sender.upload_id)
        service.append_parts(session, person, upload, sender.writer, parts)
        received = upload.received
    sender.received = received


def _refuse_other_kinds(sender: UploadSender, head: bytes) -> None:
    with sender.database.unit_of_work() as session:
        person = _load_allowed_person(session, sender)
        upload = queries.load_upload(session, person, sender.upload_id)
        refusal = service.refuse_arriving_upload(session, person, upload, head[: kinds.HEAD_BYTES])
    if refusal is not None:
        raise refusal


def _load_allowed_person(session: Session, sender: UploadSender) -> Person:
    session.info["origin"] = sender.origin
    person = session.get(Person, sender.person_id)
    if person is None or not person.may(RecordPermission.RECORD_WRITE):
        raise Forbidden()
    return person
