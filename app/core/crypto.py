"""Encryption at rest: Tink's streaming format for objects, envelope keys, and short texts.

Objects use the wire format of Google Tink's AES256_GCM_HKDF_1MB key type
(https://developers.google.com/tink/streaming-aead/aes_gcm_hkdf_streaming):

    header  = length byte (40) | salt (32) | nonce prefix (7)
    key     = HKDF-SHA256(data key, salt, info=associated data)
    segment = AES-256-GCM(key, nonce prefix | segment number (4, big endian) | last flag (1))

Every ciphertext segment is 1 MiB, the header counting into the first; only the last may be shorter.
The last flag makes a cut object fail, the segment number a reordered one.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
import struct
from collections.abc import Callable, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32  # AES-256
SEGMENT_BYTES = 1 << 20  # of ciphertext: the 1 MB of Tink's AES256_GCM_HKDF_1MB
TAG_BYTES = 16  # GCM's tag at full length (NIST SP 800-38D, 5.2.1.2)
NONCE_PREFIX_BYTES = 7  # Tink: prefix (7), segment number (4), last flag (1)
HEADER_BYTES = 1 + KEY_BYTES + NONCE_PREFIX_BYTES
MAX_SEGMENTS = 1 << 32  # the segment number has four bytes
NONCE_BYTES = 12  # the length that GCM is made for (NIST SP 800-38D, 5.2.1.1)

_FIRST_SEGMENT_PLAINTEXT_BYTES = SEGMENT_BYTES - HEADER_BYTES - TAG_BYTES
_LATER_SEGMENT_PLAINTEXT_BYTES = SEGMENT_BYTES - TAG_BYTES
_KEY_ID_PATTERN = re.compile(r"[A-Za-z0-9_-]{1,32}")


class TamperedCiphertext(Exception):
    """What was read is not what was written under this key and for this purpose."""


class UnknownMasterKey(Exception):
    """The key-encryption key that wrapped this is not in MASTER_KEYS."""


class BadMasterKeys(ValueError):
    """MASTER_KEYS cannot be read; the message says why and never shows a key."""


# Streaming AEAD


def encrypt_stream(key: bytes, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
    """Yield the ciphertext of ``chunks``, holding at most a segment and a chunk of it in memory."""
    salt, prefix = os.urandom(KEY_BYTES), os.urandom(NONCE_PREFIX_BYTES)
    cipher = _segment_cipher(key, salt, associated_data)
    yield bytes([HEADER_BYTES]) + salt + prefix
    number, waiting, room = 0, bytearray(), _FIRST_SEGMENT_PLAINTEXT_BYTES
    for chunk in chunks:
        waiting += chunk
        # A full segment waits for one byte more, because only the last segment carries the flag.
        while len(waiting) > room:
            yield cipher.encrypt(_nonce(prefix, number, last=False), bytes(waiting[:room]), None)
            del waiting[:room]
            number, room = number + 1, _LATER_SEGMENT_PLAINTEXT_BYTES
    yield cipher.encrypt(_nonce(prefix, number, last=True), bytes(waiting), None)


def decrypt_stream(key: bytes, chunks: Iterable[bytes], associated_data: bytes) -> Iterator[bytes]:
    """Yield the plaintext of ``chunks``, each piece authenticated before it is given out.

    Raises ``TamperedCiphertext`` for a changed, cut, lengthened or reordered stream, a wrong key or
    other associated data. What was yielded before that is authentic, but not the whole.
    """
    waiting, source = bytearray(), iter(chunks)
    for chunk in source:
        waiting += chunk
        if len(waiting) >= HEADER_BYTES:
            break
    cipher, prefix = _open_header(key, bytes(waiting[:HEADER_BYTES]), associated_data)
    del waiting[:HEADER_BYTES]
    number, room = 0, SEGMENT_BYTES - HEADER_BYTES
    while True:
        while len(waiting) > room:
            yield _open_segment(cipher, prefix, number, bytes(waiting[:room]), last=False)
            del waiting[:room]
            number, room = number + 1, SEGMENT_BYTES
        chunk = next(source, None)
        if chunk is None:
            break
        waiting += chunk
    yield _open_segment(cipher, prefix, number, bytes(waiting), last=True)


def decrypt_range(
    key: bytes,
    header: bytes,
    read: Callable[[int, int], Iterable[bytes]],
    ciphertext_bytes: int,
    start: int,
    end: int | None,
    associated_data: bytes,
) -> Iterator[bytes]:
    """Yield the plaintext from ``start`` up to, not including, ``end`` (None: the end of the
    object).

    ``header`` is the object's first HEADER_BYTES. ``read(lower, upper)`` streams ciphertext and is
    called at most once, for just the segments that hold the range. A range past the end is cut to
    it, and then the last segment is opened, so an object that lost its tail
    raises ``TamperedCiphertext`` and does not pass for a shorter one.
    """
    if start < 0 or (end is not None and end < start):
        raise ValueError("a range starts at 0 or later and does not end before it starts")
    size = compute_plaintext_size(ciphertext_bytes)
    stop = size if end is None else min(end, size)
    if start == end:
        return
    cipher, prefix = _open_header(key, header, associated_data)
    last = _segment_of(max(size - 1, 0))
    first = min(_segment_of(start), last)
    final = last if stop == size else _segment_of(stop - 1)
    lower = max(first * SEGMENT_BYTES, HEADER_BYTES)
    upper = min((final + 1) * SEGMENT_BYTES, ciphertext_bytes)
    rooms = (
        SEGMENT_BYTES - (HEADER_BYTES if number == 0 else 0) for number in range(first, final + 1)
    )
    for number, sealed in enumerate(_cut_pieces(read(lower, upper), rooms), start=first):
        plain = _open_segment(cipher, prefix, number, sealed, last=number == last)
        origin = _segment_origin(number)
        piece = plain[max(start - origin, 0) : max(stop - origin, 0)]
        if piece:
            yield piece


def _cut_pieces(chunks: Iterable[bytes], rooms: Iterable[int]) -> Iterator[bytes]:
    """Pieces of exactly the sizes of ``rooms``, the last of which may come short."""
    waiting, source = bytearray(), iter(chunks)
    for room in rooms:
        while len(waiting) < room and (chunk := next(source, None)) is not None:
            waiting += chunk
        yield bytes(waiting[:room])
        del waiting[:room]


def compute_ciphertext_size(plaintext_bytes: int) -> int:
    """The size in bytes of an object with this many bytes of plaintext."""
    segments = _segment_of(max(plaintext_bytes - 1, 0)) + 1
    return HEADER_BYTES + plaintext_bytes + segments * TAG_BYTES


def compute_plaintext_size(ciphertext_bytes: int) -> int:
    """The size in bytes of the plaintext of an object with this many bytes.

    Raises ``TamperedCiphertext`` when no plaintext could have given a ciphertext of this size.
    """
    segments = max(-(-ciphertext_bytes // SEGMENT_BYTES), 1)
    size = ciphertext_bytes - HEADER_BYTES - segments * TAG_BYTES
    if size < 0 or compute_ciphertext_size(size) != ciphertext_bytes:
        raise TamperedCiphertext("an object of this size cannot have been written here")
    return size


def _segment_of(position: int) -> int:
    return (
        0
        if position < _FIRST_SEGMENT_PLAINTEXT_BYTES
        else 1 + (position - _FIRST_SEGMENT_PLAINTEXT_BYTES) // _LATER_SEGMENT_PLAINTEXT_BYTES
    )


def _segment_origin(number: int) -> int:
    return (
        0
        if number == 0
        else _FIRST_SEGMENT_PLAINTEXT_BYTES + (number - 1) * _LATER_SEGMENT_PLAINTEXT_BYTES
    )


def _segment_cipher(key: bytes, salt: bytes, associated_data: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError("a data key has 32 bytes")
    return AESGCM(HKDF(SHA256(), KEY_BYTES, salt, associated_data).derive(key))


def _open_header(key: bytes, header: bytes, associated_data: bytes) -> tuple[AESGCM, bytes]:
    if len(header) != HEADER_BYTES or header[0] != HEADER_BYTES:
        raise TamperedCiphertext("the object's header is not one that was written here")
    return _segment_cipher(key, header[1 : 1 + KEY_BYTES], associated_data), header[1 + KEY_BYTES :]


def _open_segment(
    cipher: AESGCM, prefix: bytes, number: int, sealed: bytes, *, last: bool
) -> bytes:
    try:
        return cipher.decrypt(_nonce(prefix, number, last=last), sealed, None)
    except (InvalidTag, ValueError) as error:
        raise TamperedCiphertext(f"segment {number} is not authentic") from error


def _nonce(prefix: bytes, number: int, *, last: bool) -> bytes:
    if number >= MAX_SEGMENTS:
        raise ValueError("an object holds at most 2**32 segments")
    return prefix + struct.pack(">IB", number, last)


# Envelope keys


def new_data_key() -> bytes:
    """``KEY_BYTES`` random bytes: the key of one object."""
    return os.urandom(KEY_BYTES)


class Keyring:
    """The key-encryption keys of MASTER_KEYS, ``kid:base64,kid2:base64``: the first wraps, all
    unwrap.

    To rotate, put a new key in front and keep the old ones until nothing lies under them
    (``core/rotation.py``).
    """

    def __init__(self, master_keys: str) -> None:
        self._keys = _parse_master_keys(master_keys)
        self.names = tuple(self._keys)
        self.current = self.names[0]
        self._derived: dict[tuple[str, str], AESGCM] = {}

    def __repr__(self) -> str:
        return f"Keyring({', '.join(self._keys)})"

    def wrap(self, data_key: bytes, object_id: str) -> str:
        """The data key under the current master key, as ``kid.base64``. It opens only for this
        object.
        """
        return self._seal(self.current, "wrap", data_key, object_id)

    def unwrap(self, wrapped: str, object_id: str) -> bytes:
        """The data key of an object. Raises ``TamperedCiphertext`` when ``wrapped`` was changed or
        belongs to another object, ``UnknownMasterKey`` when its master key is not in the ring.
        """
        return self._open("wrap", wrapped, object_id)

    def rewrap(self, wrapped: str, object_id: str) -> str:
        """The same data key under the current key; the object itself need not be touched."""
        if wrapped.partition(".")[0] == self.current:
            return wrapped
        return self.wrap(self.unwrap(wrapped, object_id), object_id)

    def encrypt_text(self, text: str, context: str) -> str:
        """``context`` says where the text lives (``records.name``): it opens nowhere else."""
        return self._seal(self.current, "text", text.encode(), context)

    def decrypt_text(self, sealed: str, context: str) -> str:
        """The text. Raises ``TamperedCiphertext`` and ``UnknownMasterKey`` as ``unwrap`` does."""
        return self._open("text", sealed, context).decode()

    def reencrypt_text(self, sealed: str, context: str) -> str:
        """The same text under the current master key. Raises what ``decrypt_text`` raises."""
        if sealed.partition(".")[0] == self.current:
            return sealed
        return self.encrypt_text(self.decrypt_text(sealed, context), context)

    def _seal(self, kid: str, purpose: str, plain: bytes, bound_to: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        sealed = self._cipher(kid, purpose).encrypt(nonce, plain, bound_to.encode())
        return f"{kid}.{base64.urlsafe_b64encode(nonce + sealed).decode()}"

    def _open(self, purpose: str, sealed: str, bound_to: str) -> bytes:
        kid, _, encoded = sealed.partition(".")
        if kid not in self._keys:
            raise UnknownMasterKey(f"no key named {kid[:32]!r} in MASTER_KEYS")
        try:
            raw = base64.b64decode(encoded, altchars=b"-_", validate=True)
            nonce, body = raw[:NONCE_BYTES], raw[NONCE_BYTES:]
            return self._cipher(kid, purpose).decrypt(nonce, body, bound_to.encode())
        except (InvalidTag, ValueError) as error:
            raise TamperedCiphertext("this was changed, or belongs elsewhere") from error

    def _cipher(self, kid: str, purpose: str) -> AESGCM:
        """A key of its own for each purpose, so that neither kind of secret passes for the
        other.
        """
        cipher = self._derived.get((kid, purpose))
        if cipher is None:
            derived = HKDF(SHA256(), KEY_BYTES, None, f"consilium {purpose}".encode()).derive(
                self._keys[kid]
            )
            cipher = self._derived[kid, purpose] = AESGCM(derived)
        return cipher


FIELD_CONTEXT = "column"
"""The context of every ``EncryptedText`` column."""


class FieldCipher:
    """What ``EncryptedText`` columns write and read: UTF-8 text under the keyring, apart from other
    uses.
    """

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring

    def encrypt(self, text: str) -> bytes:
        """The column's value for a text."""
        return self._keyring.encrypt_text(text, FIELD_CONTEXT).encode()

    def decrypt(self, sealed: bytes) -> str:
        """The text. Raises ``TamperedCiphertext`` and ``UnknownMasterKey``."""
        return self._keyring.decrypt_text(sealed.decode(), FIELD_CONTEXT)


_field_cipher: FieldCipher | None = None


def set_field_keyring(keyring: Keyring) -> None:
    """From now on this process's ``EncryptedText`` columns use ``keyring``; called by whoever
    starts it.
    """
    global _field_cipher
    _field_cipher = FieldCipher(keyring)


def get_field_cipher() -> FieldCipher:
    """Raises ``RuntimeError`` before ``set_field_keyring`` was called in this process."""
    if _field_cipher is None:
        raise RuntimeError("set_field_keyring(keyring) has not been called in this process")
    return _field_cipher


def new_master_key(kid: str) -> str:
    """One entry for MASTER_KEYS."""
    return f"{kid}:{base64.b64encode(os.urandom(KEY_BYTES)).decode()}"


def _parse_master_keys(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for position, entry in enumerate(
        filter(None, (part.strip() for part in text.split(","))), start=1
    ):
        kid, colon, encoded = entry.partition(":")
        if not colon or not _KEY_ID_PATTERN.fullmatch(kid):
            raise BadMasterKeys(f"entry {position} of MASTER_KEYS is not of the form name:base64")
        if kid in keys:
            raise BadMasterKeys(f"MASTER_KEYS names {kid!r} twice")
        try:
            keys[kid] = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise BadMasterKeys(f"the key {kid!r} of MASTER_KEYS is not base64") from None
        if len(keys[kid]) != KEY_BYTES:
            raise BadMasterKeys(f"the key {kid!r} of MASTER_KEYS is not 32 bytes long")
    if not keys:
        raise BadMasterKeys(
            "MASTER_KEYS is empty; it needs at least one name:base64 of 32 random bytes"
        )
    return keys
