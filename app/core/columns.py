"""Column types that behave the same on SQLite and PostgreSQL.

In each, ``process_bind_param`` turns a Python value into the stored one and
``process_result_value`` turns it back. None stays None.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from sqlalchemy import DateTime, Dialect, LargeBinary, Text
from sqlalchemy.types import TypeDecorator

from app.core.crypto import get_field_cipher


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Refuses naive values (``ValueError``); gives back aware UTC on every database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive time is not an instant: {value!r}")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class EncryptedText(TypeDecorator[str]):
    """Text that is encrypted in the database (AES-256-GCM under the current master key).

    Reading raises ``TamperedCiphertext`` or ``UnknownMasterKey`` (``core/crypto.py``).
    """

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        return None if value is None else get_field_cipher().encrypt(value)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        return None if value is None else get_field_cipher().decrypt(bytes(value))


class Json(TypeDecorator[object]):
    """A JSON document, kept as text with sorted keys so that it reads the same on every
    database.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: object, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, sort_keys=True, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> object:
        return None if value is None else json.loads(value)
