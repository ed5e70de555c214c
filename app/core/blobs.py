"""The store of encrypted objects: put a stream, read a range, delete.

An object is one of ``crypto``'s streams under a data key of its own, bound to the object's id; the
key comes back wrapped, for the caller to keep in the database. Only ciphertext ever reaches the
disk or the network.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from app.core import crypto

_OBJECT_ID = re.compile(r"[A-Za-z0-9_-]{2,64}")
_WRITE_BUFFER_BYTES = 8 << 20  # a store above one machine takes parts of at least 5 MiB
_READ_CHUNK_BYTES = 1 << 20


class BlobMissing(Exception):
    """No object of this id is in the store."""


class StoreFailed(Exception):
    """The store could not take or give the object; what was asked may be tried again."""


@dataclass(frozen=True)
class StoredBlob:
    """``size`` and ``sha256`` (hex) are of the plaintext."""

    size: int
    sha256: str
    wrapped_key: str


class BlobStore:
    """``url`` is ``file:///folder`` or ``s3://bucket/prefix``; S3 credentials, region and
    endpoint come from the usual AWS_* variables. One instance serves all threads of a process.
    """

    def __init__(self, url: str, keyring: crypto.Keyring) -> None:
        self._store, self._folder = _open_store(url)
        self.keyring = keyring

    def put(self, object_id: str, chunks: Iterable[bytes]) -> StoredBlob:
        """Stores ``chunks`` in constant memory. The object is there whole or, when anything raises,
        not at all. Raises ``StoreFailed``.
        """
        path = _object_path(object_id)
        key, counted = crypto.new_data_key(), _CountedChunks(chunks)
        try:
            writer = obstore.open_writer(
                self._store, path, buffer_size=_WRITE_BUFFER_BYTES, max_concurrency=2
            )
            for sealed in crypto.encrypt_stream(key, counted, object_id.encode()):
                writer.write(sealed)
            # Not in a ``finally``: closing makes the object visible, a dropped writer discards its
            # parts.
            writer.close()
            if self._folder is not None:
                _sync_to_disk(self._folder / path)
        except BaseError as error:
            raise StoreFailed("the store did not take the object") from error
        return StoredBlob(
            counted.size, counted.sha256.hexdigest(), self.keyring.wrap(key, object_id)
        )

    def read(
        self, object_id: str, wrapped_key: str, start: int = 0, end: int | None = None
    ) -> Iterator[bytes]:
        """Yield the bytes from ``start`` up to ``end``, fetching only the segments that hold them.

        The object is looked up at once, not at the first chunk, so that a missing one can still be
        answered as an error. Raises ``BlobMissing``, ``StoreFailed``,
        ``crypto.TamperedCiphertext`` and ``crypto.UnknownMasterKey``.
        """
        key, path = self.keyring.unwrap(wrapped_key, object_id), _object_path(object_id)
        try:
            found = obstore.get(self._store, path, options={"range": (0, crypto.HEADER_BYTES)})
            header, size = bytes(found.bytes()), found.meta["size"]
        except FileNotFoundError as error:
            raise BlobMissing(object_id) from error
        except BaseError as error:
            if self._size(path) == 0:
                raise crypto.TamperedCiphertext("the object is empty") from error
            raise StoreFailed("the store did not give the object") from error

        def fetch(lower: int, upper: int) -> Iterator[bytes]:
            try:
                ranged = obstore.get(self._store, path, options={"range": (lower, upper)})
                for chunk in ranged.stream(min_chunk_size=_READ_CHUNK_BYTES):
                    yield bytes(chunk)
            except (BaseError, FileNotFoundError) as error:
                raise StoreFailed("the store stopped giving the object") from error

        return crypto.decrypt_range(key, header, fetch, size, start, end, object_id.encode())

    def delete(self, object_id: str) -> None:
        """The object is gone afterwards, also when there was none. Raises ``StoreFailed``."""
        try:
            obstore.delete(self._store, _object_path(object_id))
        except FileNotFoundError:
            pass
        except BaseError as error:
            raise StoreFailed("the store did not delete the object") from error

    def wrap(self, data_key: bytes, object_id: str) -> str:
        """A data key that ``SegmentStore`` wrote this object under, as ``read`` wants it."""
        return self.keyring.wrap(data_key, object_id)

    def exists(self, object_id: str) -> bool:
        """Raises ``StoreFailed`` when the store does not answer."""
        return self._size(_object_path(object_id)) is not None

    def _size(self, path: str) -> int | None:
        return _object_size(self._store, path)


class SegmentStore:
    """For a process that has no master key, such as a media node: adds small objects under a data
    key lent to it.

    The same store and the same format as ``BlobStore``, whose ``wrap`` makes such an object
    readable there.
    """

    def __init__(self, url: str) -> None:
        self._store, self._folder = _open_store(url)

    def add(self, object_id: str, data_key: bytes, content: bytes) -> bool:
        """Stores the object, whole or not at all. False, and nothing is changed, when there is one
        of this id.
        """
        path = _object_path(object_id)
        sealed = b"".join(crypto.encrypt_stream(data_key, [content], object_id.encode()))
        try:
            obstore.put(self._store, path, sealed, mode="create")
            if self._folder is not None:
                _sync_to_disk(self._folder / path)
        except AlreadyExistsError:
            return False
        except BaseError as error:
            raise StoreFailed("the store did not take the object") from error
        return True

    def has(self, object_id: str) -> bool:
        """Raises ``StoreFailed`` when the store does not answer."""
        return _object_size(self._store, _object_path(object_id)) is not None


class _CountedChunks:
    """Passes chunks on, counting and hashing them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self.size = 0
        self.sha256 = hashlib.sha256()

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            self.sha256.update(chunk)
            yield chunk


def _open_store(url: str) -> tuple[LocalStore | S3Store, Path | None]:
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path.strip("/"):
        folder = Path(unquote(parts.path))
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(folder), folder
    if parts.scheme == "s3" and parts.netloc:
        endpoint = os.environ.get("AWS_ENDPOINT_URL", os.environ.get("AWS_ENDPOINT", ""))
        # Plain HTTP only where the operator wrote http:// themselves, as for a store on the same
        # machine.
        return (
            S3Store.from_url(url, client_options={"allow_http": endpoint.startswith("http://")}),
            None,
        )
    raise ValueError("STORAGE_URL must be file:///folder or s3://bucket/prefix")


def _object_size(store: LocalStore | S3Store, path: str) -> int | None:
    try:
        return obstore.head(store, path)["size"]
    except FileNotFoundError:
        return None
    except BaseError as error:
        raise StoreFailed("the store does not answer") from error


def _object_path(object_id: str) -> str:
    if not _OBJECT_ID.fullmatch(object_id):
        raise ValueError("not an object id")
    # Ids begin with the time, so their ends spread evenly over the folders.
    return f"{object_id[-2:].lower()}/{object_id}"


def _sync_to_disk(path: Path) -> None:
    """A power cut must not take an object whose row is already committed."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
