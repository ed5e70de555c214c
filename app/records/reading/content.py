"""A record's bytes as one whole, across the encrypted parts that they lie in."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from app.core.blobs import BlobStore
from app.records.models import UploadPart

_MAX_READ_BYTES = 64 << 20


@dataclass(frozen=True)
class _StoredPiece:
    id: str
    start: int
    size: int
    wrapped_key: str


class RecordBytes:
    """Reads need no database any more, so that nothing is held while they last."""

    def __init__(self, blobs: BlobStore, parts: Sequence[UploadPart]) -> None:
        self._blobs = blobs
        self._pieces = [
            _StoredPiece(part.id, part.start, part.size, part.wrapped_key) for part in parts
        ]
        self.size = sum(piece.size for piece in self._pieces)

    def stream(self, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """Yields the bytes from ``start`` up to ``end``. The first part is looked up at once:
        what is missing is known before an answer has begun.
        """
        stop = self.size if end is None else min(end, self.size)
        wanted = [
            piece
            for piece in self._pieces
            if piece.start < stop and piece.start + piece.size > start
        ]
        runs = (
            self._blobs.read(
                piece.id,
                piece.wrapped_key,
                max(start - piece.start, 0),
                min(stop - piece.start, piece.size),
            )
            for piece in wanted
        )
        first = next(runs, None)
        return iter(()) if first is None else chain(first, chain.from_iterable(runs))

    def read(self, start: int, end: int) -> bytes:
        return b"".join(self.stream(start, end))

    def open(self) -> SeekableBytes:
        return SeekableBytes(self)


class SeekableBytes(io.RawIOBase):
    """The same as a file that can be sought in; a step forward in order does not open a part
    anew.
    """

    def __init__(self, whole: RecordBytes) -> None:
        self._whole = whole
        self._at = 0
        self._source: Iterator[bytes] | None = None
        self._waiting = memoryview(b"")

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._whole.size}[whence]
        target = origin + offset
        if target < 0:
            raise OSError("before the beginning")
        if target != self._at:
            self._at, self._source, self._waiting = target, None, memoryview(b"")
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Refuses a single read of more than 64 MiB: what asks for it trusts a length that a file
        claims.
        """
        wanted = (
            self._whole.size - self._at
            if size is None or size < 0
            else min(size, self._whole.size - self._at)
        )
        if wanted > _MAX_READ_BYTES:
            raise OverflowError("too much at once")
        pieces, missing = [], max(wanted, 0)
        while missing:
            piece = self._next(missing)
            if not piece:
                break
            pieces.append(piece)
            missing -= len(piece)
        return b"".join(pieces)

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self, most: int) -> bytes:
        if not self._waiting:
            if self._source is None:
                self._source = self._whole.stream(self._at)
            self._waiting = memoryview(next(self._source, b""))
        piece, self._waiting = bytes(self._waiting[:most]), self._waiting[most:]
        self._at += len(piece)
        return piece
