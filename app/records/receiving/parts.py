"""How a request's body becomes encrypted parts, such that whatever arrived before a cut stays.

The body goes through memory into one object after another. A part is closed when it is large
enough, when it has been open for some seconds (a slow connection), when nothing comes for a second
(one that may be dead), or when the connection is cut; each is committed in a short transaction of
its own, in which it is asked again whether the person still may. With a checksum nothing is
committed before it has been compared.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
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

MIN_PIECE_BYTES = 16 << 10
MAX_PIECE_BYTES = 1 << 20
READ_AHEAD_PIECES = 3
FAST_SECONDS = 0.05
PART_BYTES = 16 << 20
PART_SECONDS = 4.0
PAUSE_SECONDS = 1.0  # a connection that is silent for so long may be dead: commit what has come
SILENT_SECONDS = 60.0  # and after so long it is: a thread of the server is worth more
CLOSE_STEP_SECONDS = 0.1


@dataclass
class UploadSender:
    """Whose bytes these are and where they belong: what every short transaction needs to ask
    again. ``connection`` is what they come on, where the server tells.
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
    connection: socket.socket | None = None


def receive_upload(
    sender: UploadSender, stream: IO[bytes], checksum: tus.UploadChecksum | None = None
) -> int:
    """Keeps what ``stream`` gives and returns how many bytes the upload has now.

    Raises ``service.KindRefused`` when the first bytes are of no kind that we accept,
    ``ChecksumMismatch`` (nothing of this request was kept), ``WrongOffset`` when another request
    took over, ``Forbidden`` when the person may no longer.
    """
    body = _RequestBody(stream, sender.size - sender.received, checksum, sender.connection)
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
        body.close()
        for part in waiting:
            sender.blobs.delete(part.id)
    return sender.received


class _RequestBody:
    """A request's body in pieces, read ahead by a thread of its own, so that a connection on which
    nothing comes does not keep what has come from being committed. A cut connection is the body's
    end, not an error: what came before it counts. So is one that is silent for too long.
    """

    def __init__(
        self,
        stream: IO[bytes],
        most: int,
        checksum: tus.UploadChecksum | None,
        connection: socket.socket | None,
    ) -> None:
        self._stream, self._left, self._connection = stream, most, connection
        if connection is not None:
            connection.settimeout(PAUSE_SECONDS)
        self._digest = tus.CHECKSUM_ALGORITHMS[checksum.algorithm]() if checksum else None
        self._pieces: queue.Queue[bytes] = queue.Queue(maxsize=READ_AHEAD_PIECES)
        self._ended = self._stopped = False
        self._reader = threading.Thread(target=self._read_ahead, name="upload-body", daemon=True)
        self._reader.start()

    def piece(self, seconds: float | None = None) -> bytes | None:
        """The next piece; empty at the end, None where nothing came within ``seconds``."""
        if self._ended:
            return b""
        try:
            piece = self._pieces.get(timeout=seconds)
        except queue.Empty:
            return None
        self._ended = not piece
        if self._digest is not None:
            self._digest.update(piece)
        return piece

    def run(self, first: bytes) -> Iterator[bytes]:
        """The pieces of one part: what comes without a pause, up to the size and time of a part."""
        began, size, piece = monotonic(), 0, first
        while piece:
            yield piece
            size += len(piece)
            if size >= PART_BYTES or monotonic() - began > PART_SECONDS:
                return
            piece = self.piece(PAUSE_SECONDS)

    def digest(self) -> bytes:
        assert self._digest is not None, "only where the sender gave a checksum"
        return self._digest.digest()

    def close(self) -> None:
        """Nobody reads from the connection any more once this has returned; else the next request
        on it would lose bytes.
        """
        self._stopped = True
        while self._reader.is_alive():
            with suppress(queue.Empty):
                self._pieces.get_nowait()  # the reader may wait for room
            self._reader.join(CLOSE_STEP_SECONDS)
        if self._connection is not None:
            self._connection.settimeout(None)

    def _read_ahead(self) -> None:
        wanted, silent = MIN_PIECE_BYTES, 0.0
        while self._left and not self._stopped and silent < SILENT_SECONDS:
            began = monotonic()
            try:
                piece = self._stream.read(min(wanted, self._left))
            except Exception as error:  # each server has its own error for a browser that is gone
                if not _is_timeout(error):
                    break
                # The server has kept what came of the piece: ask for less, and get that.
                silent, wanted = silent + PAUSE_SECONDS, max(wanted // 4, 1)
                continue
            if not piece:
                break
            self._left -= len(piece)
            self._pieces.put(piece)
            # Large pieces cost less; small ones leave less behind when a slow connection is cut.
            is_fast = monotonic() - began < FAST_SECONDS
            wanted = min(wanted * 2, MAX_PIECE_BYTES) if is_fast else MIN_PIECE_BYTES
            silent = 0.0
        self._pieces.put(b"")


def _is_timeout(error: BaseException | None) -> bool:
    """Also where the framework has put an error of its own over it."""
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__ or error.__context__
    return False


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
