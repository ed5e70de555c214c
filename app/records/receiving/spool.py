"""Where a plain form's files wait while their request is read: a temporary file that only this
request can read.

The scripted upload never comes here. Without scripts a browser sends files inside a form, and the
form's reader would lay them on disk in the clear; this keeps that promise for every form of the
site.
"""

from __future__ import annotations

import io
import os
import tempfile

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from flask import Request

MAX_FORM_BYTES = 1_000_000_000
_MAX_MEMORY_BYTES = 1 << 20
_AES_BLOCK_BYTES = 16


class SealedSpool(io.RawIOBase):
    """A temporary file, AES-256-CTR under a key that never leaves this object. Written once, in
    order; read anywhere.

    Secrecy only: what is read back came from the same request, so there is nobody to prove it to.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_MAX_MEMORY_BYTES)  # noqa: SIM115 - closed with this object
        self._key, self._nonce = os.urandom(32), os.urandom(8)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def write(self, plain) -> int:  # type: ignore[no-untyped-def]
        data = bytes(plain)
        self._file.write(self._keystreamed(self._file.tell(), data))
        return len(data)

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        at = self._file.tell()
        sealed = self._file.read(len(buffer))
        buffer[: len(sealed)] = self._keystreamed(at, sealed)
        return len(sealed)

    def close(self) -> None:
        self._file.close()
        super().close()

    def _keystreamed(self, at: int, data: bytes) -> bytes:
        block, within = divmod(at, _AES_BLOCK_BYTES)
        counter = self._nonce + block.to_bytes(8, "big")
        cipher = Cipher(algorithms.AES(self._key), modes.CTR(counter)).encryptor()
        cipher.update(bytes(within))
        return cipher.update(data)


class SealedRequest(Request):
    """A request whose files never touch the disk in the clear, and whose uploads may be as long as
    they like.
    """

    def _get_file_stream(self, *_args, **_named) -> SealedSpool:  # type: ignore[no-untyped-def,override]
        return SealedSpool()

    @property
    def max_content_length(self) -> int | None:
        if self.mimetype == "application/offset+octet-stream":
            return None  # records.service says how large a file may be
        return (
            MAX_FORM_BYTES if self.mimetype == "multipart/form-data" else super().max_content_length
        )

    @max_content_length.setter
    def max_content_length(self, most: int | None) -> None:
        Request.max_content_length.fset(self, most)  # type: ignore[attr-defined]
