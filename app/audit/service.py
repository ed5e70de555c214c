"""Writing to the chain. Entries are gathered during a unit of work and sealed, under one lock, just
before commit.
"""

from __future__ import annotations

from sqlalchemy import event, select, text
from sqlalchemy.orm import Session

from app.audit.models import GENESIS_HASH, AuditEntry
from app.audit.verbs import AuditVerb
from app.core.clock import now

_PENDING_ENTRIES_KEY = "audit_pending"
_CHAIN_LOCK_KEY = 0x434F4E53  # "CONS": one advisory lock for the end of the chain


def record_audit_entry(
    session: Session,
    actor_id: str | None,
    verb: AuditVerb,
    kind: str,
    object_id: str,
    case_id: str | None = None,
    **facts: object,
) -> None:
    """Adds an entry to this transaction. ``facts`` are small, JSON-able and never clinical."""
    session.info.setdefault(_PENDING_ENTRIES_KEY, []).append(
        AuditEntry(
            at=now(),
            actor_id=actor_id,
            verb=str(verb),
            object_kind=kind,
            object_id=object_id,
            case_id=case_id,
            origin=session.info.get("origin", "system"),
            facts=facts,
        )
    )


def list_unsealed_entries(session: Session) -> list[AuditEntry]:
    """The entries of this unit of work that are not yet sealed."""
    return list(session.info.get(_PENDING_ENTRIES_KEY, ()))


@event.listens_for(Session, "before_commit")
def _seal_entries(session: Session) -> None:
    pending = session.info.get(_PENDING_ENTRIES_KEY)
    if not pending or session.in_nested_transaction():
        return
    session.flush()  # the facts first: the lock on the chain's end comes last and is held shortest
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _CHAIN_LOCK_KEY})
    last = session.execute(
        select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    ).first()
    number, previous_hash = last if last else (0, GENESIS_HASH)
    for entry in pending:
        number += 1
        entry.number, entry.previous_hash = number, previous_hash
        entry.hash = previous_hash = entry.digest()
        session.add(entry)
    session.info[_PENDING_ENTRIES_KEY] = []


@event.listens_for(Session, "after_rollback")
def _drop_pending_entries(session: Session) -> None:
    session.info.pop(_PENDING_ENTRIES_KEY, None)
