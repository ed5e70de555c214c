"""The runners that are running."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.core.clock import now
from app.core.columns import UtcDateTime
from app.core.db import Base


class RunnerHeartbeat(Base):
    """A jobs process, and when it last reported that it is alive."""

    __tablename__ = "runners"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
