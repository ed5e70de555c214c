"""What is done about accounts after the answer to the visitor, so that its time tells nothing."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.core.outbox import JobContext, JobPayload, read_payload_text
from app.identity.accounts import service


def send_password_reset_job(session: Session, payload: JobPayload, _context: JobContext) -> None:
    """``{email}``, as the visitor typed it."""
    service.send_password_reset(session, read_payload_text(payload, "email"))
