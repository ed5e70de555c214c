"""Once a day the end of the chain is written down outside the database, so that a cut tail shows
(DESIGN 4).
"""

from __future__ import annotations

from datetime import timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.core.clock import now
from app.core.outbox import JobContext, JobPayload

AUDIT_HEADS_FILE_NAME = "audit-heads.txt"
log = structlog.get_logger("audit")


def export_audit_head(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Appends ``instant number hash`` to ``audit-heads.txt`` in the data folder, and says it to the
    log.

    Either line serves ``./consilium audit verify --head HASH``.
    """
    last = session.execute(
        select(AuditEntry.number, AuditEntry.hash).order_by(AuditEntry.number.desc()).limit(1)
    ).first()
    if last is None:
        return
    folder = context.settings.data_dir
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / AUDIT_HEADS_FILE_NAME).open("a") as file:
        file.write(f"{now().isoformat()} {last.number} {last.hash}\n")
    # In the demo nothing may follow the ready line and nobody keeps the log.
    say = log.debug if context.settings.is_demo else log.info
    say("Head of the audit trail.", number=last.number, hash=last.hash)


HANDLERS = {"export_audit_head": export_audit_head}
PERIODIC = [("export_audit_head", timedelta(days=1))]
