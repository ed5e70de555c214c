"""A new master key stands in front: what lies under older ones is brought under it, some at a time,
until none is left.

Two kinds of columns depend on the master keys: ``EncryptedText``, whose text is sealed anew, and
those that hold the wrapped key of an object (``info=wraps("id")``), which is wrapped anew; the
object itself is not touched.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    LargeBinary,
    func,
    literal,
    not_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.orm import Session

from app.core.columns import EncryptedText
from app.core.crypto import FIELD_CONTEXT, Keyring
from app.core.db import Base

MAX_VALUES_PER_RUN = 500
LOST_KEY_NAME = ""  # stands for keys that are not in the ring
_WRAPPED_KEY_INFO = "wraps_key_of"


def describe_wrapped_key(object_column: str) -> dict[str, str]:
    """The ``info`` of a column that holds a wrapped key; ``object_column``, of the same table,
    names the object.
    """
    return {_WRAPPED_KEY_INFO: object_column}


def renew_sealed_values(session: Session, keyring: Keyring, most: int = MAX_VALUES_PER_RUN) -> int:
    """Brings up to ``most`` values under the current key. Returns how many it found under older
    ones.

    Whoever changes a value at the same moment wins: theirs lies under the current key already.
    Raises ``UnknownMasterKey`` where a value's key is no longer in the ring.
    """
    found = 0
    for sealed in _list_sealed_columns():
        key = list(sealed.column.table.primary_key)
        old = (
            select(sealed.lies, sealed.names, *key)
            .where(sealed.lies.is_not(None), not_(sealed.is_under(keyring.current)))
            .limit(most - found)
        )
        for value, name, *key_values in map(list[Any], session.execute(old).all()):
            found += 1
            session.execute(
                update(sealed.column.table)
                .where(
                    sealed.lies == value,
                    *(column == part for column, part in zip(key, key_values, strict=True)),
                )
                .values(
                    {sealed.column: literal(sealed.renewed(keyring, value, name), sealed.lies.type)}
                )
            )
        if found == most:
            break
    return found


def count_values_by_key(session: Session, keyring: Keyring) -> Counter[str]:
    """How many values lie under each key of the ring, and under ``LOST_KEY_NAME`` ones."""
    count = Counter(dict.fromkeys(keyring.names, 0))
    for sealed in _list_sealed_columns():
        count[LOST_KEY_NAME] += session.scalar(select(func.count(sealed.lies))) or 0
        for name in keyring.names:
            here = session.scalar(select(func.count(sealed.lies)).where(sealed.is_under(name))) or 0
            count[name] += here
            count[LOST_KEY_NAME] -= here
    return count


# ``Any`` below: a sealed value is bytes in a column of text and str in a column of keys, and the
# primary keys beside it are of any type.


@dataclass(frozen=True)
class _SealedColumn:
    """A column of sealed values, as they lie in the database: ``kid.…``."""

    column: Column[Any]

    @property
    def is_text(self) -> bool:
        return isinstance(self.column.type, EncryptedText)

    @property
    def lies(self) -> ColumnElement[Any]:
        return type_coerce(self.column, LargeBinary) if self.is_text else self.column

    @property
    def names(self) -> ColumnElement[Any]:
        """What a wrapped key is the key of."""
        if self.is_text:
            return literal("")
        object_column: str = self.column.info[_WRAPPED_KEY_INFO]
        return self.column.table.c[object_column]

    def is_under(self, name: str) -> ColumnElement[bool]:
        if self.is_text:
            return (
                func.substr(self.lies, 1, len(name) + 1, type_=LargeBinary) == f"{name}.".encode()
            )
        return self.column.startswith(f"{name}.", autoescape=True)

    def renewed(self, keyring: Keyring, value: Any, name: str) -> Any:
        if self.is_text:
            return keyring.reencrypt_text(bytes(value).decode(), FIELD_CONTEXT).encode()
        return keyring.rewrap(value, name)


def _list_sealed_columns() -> Iterator[_SealedColumn]:
    for table in Base.metadata.sorted_tables:
        yield from (
            _SealedColumn(each)
            for each in table.columns
            if isinstance(each.type, EncryptedText) or _WRAPPED_KEY_INFO in each.info
        )
