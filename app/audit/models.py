"""The chain of entries."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.columns import Json, UtcDateTime
from app.core.db import Base

GENESIS_HASH = "0" * 64


class AuditEntry(Base):
    """Who did or read what, when, from where. Never changed, never deleted."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_object", "object_kind", "object_id"),)

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor_id: Mapped[str | None] = mapped_column(String(32))
    verb: Mapped[str] = mapped_column(String(40))
    object_kind: Mapped[str] = mapped_column(String(32))
    object_id: Mapped[str] = mapped_column(String(64))
    case_id: Mapped[str | None] = mapped_column(String(32), index=True)
    origin: Mapped[str] = mapped_column(String(64))
    facts: Mapped[dict[str, object]] = mapped_column(Json)
    previous_hash: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))

    def digest(self) -> str:
        """SHA-256, in hex, over every field and the hash of the entry before."""
        fields = [
            self.number,
            self.at.isoformat(timespec="microseconds"),
            self.actor_id,
            self.verb,
            self.object_kind,
            self.object_id,
            self.case_id,
            self.origin,
            self.facts,
            self.previous_hash,
        ]
        return hashlib.sha256(
            json.dumps(fields, sort_keys=True, ensure_ascii=False).encode()
        ).hexdigest()
