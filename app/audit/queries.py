"""Reading the chain, and checking it."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import GENESIS_HASH, AuditEntry


@dataclass(frozen=True)
class AuditChainReport:
    """How far the chain holds: ``entries`` read, ``head`` hash, and the number of the first
    entry that does not fit.
    """

    entries: int
    head: str
    broken_at: int | None = None


def verify_audit_chain(session: Session, expected_head: str | None = None) -> AuditChainReport:
    """Walks the whole chain. With an exported head hash it also shows a tail that was cut off
    (``broken_at`` then is the number after the last entry).
    """
    previous, count, seen_head = GENESIS_HASH, 0, expected_head in (None, GENESIS_HASH)
    with closing(_walk_chain(session)) as entries:
        for entry in entries:
            count += 1
            if (
                entry.number != count
                or entry.previous_hash != previous
                or entry.digest() != entry.hash
            ):
                return AuditChainReport(count, previous, broken_at=count)
            previous = entry.hash
            seen_head = seen_head or previous == expected_head
    return AuditChainReport(count, previous, broken_at=None if seen_head else count + 1)


def _walk_chain(session: Session) -> Generator[AuditEntry, None, None]:
    with session.scalars(
        select(AuditEntry).order_by(AuditEntry.number).execution_options(yield_per=1000)
    ) as entries:
        yield from entries
