"""What happens to records in the background. Every handler may run twice."""

from __future__ import annotations

from datetime import timedelta
from typing import BinaryIO, cast

from clamav_client.clamd import BufferTooLongError, ClamdNetworkSocket, ClamdUnixSocket
from sqlalchemy.orm import Session

from app.cases.models import Case
from app.core.outbox import JobContext, JobPayload
from app.records import queries, service
from app.records.inspection import verdicts as inspection
from app.records.models import Record, RecordState
from app.records.reading.content import RecordBytes

_SCAN_TIMEOUT_SECONDS = 600
_ALWAYS_SCANNED_BYTES = 1 << 20


def inspect_record(session: Session, payload: JobPayload, context: JobContext) -> None:
    """Looks at a file that has arrived. Reads it without holding a transaction, for that may take
    minutes.
    """
    with context.database.unit_of_work() as before:
        record = before.get(Record, payload["record_id"])
        if (
            record is None
            or record.state != RecordState.INSPECTING
            or record.removed_at is not None
        ):
            return
        name, parts = record.name, queries.upload_parts_of(before, record.upload_id)
    scanner = make_virus_scanner(context.settings.clamd)
    finding = inspection.inspect_file(RecordBytes(context.blobs, parts), name, scanner)
    record = session.get(Record, payload["record_id"])
    case = session.get(Case, record.case_id) if record else None
    if record is not None and case is not None and record.removed_at is None:
        service.settle_inspection(session, record, case, finding)


def delete_record_objects(_session: Session, payload: JobPayload, context: JobContext) -> None:
    for object_id in cast("list[str]", payload["ids"]):
        context.blobs.delete(object_id)


def expire_uploads_job(session: Session, _payload: JobPayload, _context: JobContext) -> None:
    service.expire_uploads(session)


def make_virus_scanner(address: str | None) -> inspection.VirusScanner | None:
    """A scanner on clamd at ``host:port`` or at the path of a socket. It raises when clamd does not
    answer, and the job tries again: nothing passes because the scanner was away.
    """
    if not address:
        return None

    def scan(file: BinaryIO) -> str:
        try:
            answer = _clamd_client(address).instream(file)
        except BufferTooLongError:
            return "too_large"
        except (BrokenPipeError, ConnectionResetError):
            # At its StreamMaxLength clamd hangs up in the middle of our sending. Only if it lives
            # is that the reason.
            _clamd_client(address).ping()
            if file.tell() < _ALWAYS_SCANNED_BYTES:
                raise
            return "too_large"
        return "found" if any(status == "FOUND" for status, _ in answer.values()) else "clean"

    return scan


def _clamd_client(address: str) -> ClamdNetworkSocket | ClamdUnixSocket:
    if address.startswith("/"):
        return ClamdUnixSocket(address, timeout=_SCAN_TIMEOUT_SECONDS)
    host, _, port = address.rpartition(":")
    return ClamdNetworkSocket(host or address, int(port or 3310), timeout=_SCAN_TIMEOUT_SECONDS)


HANDLERS = {
    "inspect_record": inspect_record,
    "delete_objects": delete_record_objects,
    "expire_uploads": expire_uploads_job,
}
PERIODIC = [("expire_uploads", timedelta(hours=1))]
