"""The last look at a file before anybody is shown it: what it truly is, and whether it is safe. No
database, no web.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from app.core.runtime.parser_pool import ParserFailed, parse_in_child
from app.records.imaging.dicom_file import DicomFacts, DicomRefused, read_dicom_facts
from app.records.inspection import kinds
from app.records.inspection.documents import (
    MAX_DOCUMENT_BYTES,
    InspectionRefused,
    require_safe_document,
)
from app.records.inspection.kinds import FileKind
from app.records.models import RecordState
from app.records.reading.content import RecordBytes

MAX_ZIP_ENTRIES = 20_000
MAX_ZIP_RATIO = 200
ZIP_ALWAYS_ALLOWED_BYTES = 64 << 20  # what unpacks to less than this is no bomb, whatever its ratio
ZIP_FULLY_CHECKED_BYTES = (
    256 << 20
)  # up to here every file in a ZIP is read to its end and its checksum compared
_SYSTEM_FILES = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")

PDF_END_BYTES = 1 << 20  # scanners and mail gateways put their own bytes behind the end
_DOCUMENT_PARTS = {
    "word/document.xml": kinds.DOCX,
    "xl/workbook.xml": kinds.XLSX,
    "content.xml": kinds.ODT,
}

_FILE_PARSER = "app.records.inspection.verdicts:parse_file_kind"
_TOO_MUCH = ("time", "memory", "MemoryError")

VirusScanner = Callable[[BinaryIO], "str"]  # -> "clean", "found" or "too_large"


@dataclass(frozen=True)
class InspectionFinding:
    """``reason`` is a key of ``words.REASONS``; ``scan`` is what the virus scanner said, None
    where there is none; ``dicom`` is what a DICOM file says about itself.
    """

    state: RecordState
    media_type: str | None = None
    reason: str | None = None
    details: dict[str, str] = field(default_factory=dict)
    sha256: str | None = None
    scan: str | None = None
    dicom: DicomFacts | None = None


def inspect_file(
    whole: RecordBytes, name: str, scanner: VirusScanner | None = None
) -> InspectionFinding:
    """Reads the file once from end to end, looks into it, and scans it where there is a scanner.

    Raises what ``core.blobs`` and the scanner raise: then nothing is known yet, and the job tries
    again.
    """
    sha256, plain = _read_through(whole)
    try:
        kind, dicom = _judge_in_child(whole, name, plain)
    except InspectionRefused as refused:
        return InspectionFinding(RecordState.REFUSED, None, refused.reason, refused.details, sha256)
    scan = scanner(cast(BinaryIO, whole.open())) if scanner else None
    if scan == "found":
        return InspectionFinding(
            RecordState.QUARANTINED, kind.media_type, "virus", {}, sha256, scan
        )
    return InspectionFinding(
        RecordState.READY, kind.media_type, sha256=sha256, scan=scan, dicom=dicom
    )


def _read_through(whole: RecordBytes) -> tuple[str, bool]:
    head, digest, plain, wide, first = b"", hashlib.sha256(), True, False, True
    for piece in whole.stream():
        digest.update(piece)
        if len(head) < kinds.HEAD_BYTES:
            head += piece[: kinds.HEAD_BYTES - len(head)]
        if plain:
            # A piece in the middle of UTF-16 is not looked at: its beginning decides.
            if first:
                plain = kinds.is_plain_text(piece)
                wide = kinds.find_utf16_order(head) is not None
            else:
                plain = wide or kinds.has_no_control_bytes(piece)
        first = False
    return digest.hexdigest(), plain


def _judge_in_child(
    whole: RecordBytes, name: str, plain: bool
) -> tuple[FileKind, DicomFacts | None]:
    """Raises ``InspectionRefused``, also where looking into the file takes too long, takes too
    much memory, or ends the child.
    """
    arguments = {"name": name, "size": whole.size, "plain": plain}
    try:
        verdict = parse_in_child(_FILE_PARSER, whole, arguments)
    except ParserFailed as failed:
        raise InspectionRefused("too_complex" if failed.reason in _TOO_MUCH else "broken") from None
    if "reason" in verdict:
        raise InspectionRefused(verdict["reason"], **verdict["details"])
    dicom = verdict.get("dicom")
    return (
        kinds.KIND_BY_MEDIA_TYPE[verdict["media_type"]],
        DicomFacts.from_json(dicom) if dicom else None,
    )


def parse_file_kind(file: BinaryIO, name: str, size: int, plain: bool) -> dict[str, object]:
    """A parser for ``parse_in_child``: the media type (and of DICOM the facts), or a reason with
    details.
    """
    try:
        kind = _judge_file(file, name, size, plain)
        facts = read_dicom_facts(file, size) if kind is kinds.DICOM else None
        return {"media_type": kind.media_type, "dicom": facts.as_json() if facts else None}
    except DicomRefused as refused:
        return {"reason": refused.reason, "details": {}}
    except InspectionRefused as refused:
        return {"reason": refused.reason, "details": refused.details}


def _judge_file(file: BinaryIO, name: str, size: int, plain: bool) -> FileKind:
    head = file.read(kinds.HEAD_BYTES)
    kind = kinds.sniff_file_kind(head, name, whole=size <= len(head))
    if kind is None or (kind.shown == "text" and not plain):
        reason, details = kinds.explain_refusal(head)
        raise InspectionRefused(reason, **details)
    if kind is kinds.ZIP:
        return _look_into_zip(file, size, name)
    if kind is kinds.PDF:
        file.seek(max(size - PDF_END_BYTES, 0))
        if b"%%EOF" not in file.read():
            raise InspectionRefused("broken")
    require_safe_document(file, size, kind)
    return kind


def _look_into_zip(file: BinaryIO, size: int, name: str) -> FileKind:
    try:
        with zipfile.ZipFile(file) as folder:
            return _judge_folder(folder, size, name)
    except OverflowError:
        raise InspectionRefused("zip_bomb") from None
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        zlib.error,
        EOFError,
        ValueError,
        RuntimeError,
    ):
        raise InspectionRefused("zip_broken") from None


def _judge_folder(folder: zipfile.ZipFile, size: int, name: str) -> FileKind:
    entries = [
        entry
        for entry in folder.infolist()
        if not entry.is_dir() and not _is_system_file(entry.filename)
    ]
    if not entries:
        raise InspectionRefused("zip_empty")
    if any(entry.flag_bits & 0x1 for entry in entries):
        raise InspectionRefused("zip_locked")
    unpacked = sum(entry.file_size for entry in entries)
    # Entries that overlap claim more packed bytes than the file has: the "better zip bomb" (D.
    # Fifield, 2019).
    overlap = sum(entry.compress_size for entry in entries) > size
    if (
        len(entries) > MAX_ZIP_ENTRIES
        or overlap
        or unpacked > max(size * MAX_ZIP_RATIO, ZIP_ALWAYS_ALLOWED_BYTES)
    ):
        raise InspectionRefused("zip_bomb")
    names = {entry.filename for entry in entries}
    if "[Content_Types].xml" in names or _is_open_document(folder, names):
        return _judge_document(names, name)
    for entry in entries:
        _judge_entry(folder, entry, whole=unpacked <= ZIP_FULLY_CHECKED_BYTES)
    return kinds.ZIP


def _is_open_document(folder: zipfile.ZipFile, names: set[str]) -> bool:
    """OpenDocument 1.3, part 2, 3.3: the first file names the type, uncompressed."""
    if "mimetype" not in names or "META-INF/manifest.xml" not in names:
        return False
    with folder.open("mimetype") as file:
        return file.read(100).decode("ascii", "replace").strip() == kinds.ODT.media_type


def _judge_document(names: set[str], name: str) -> FileKind:
    """An Office file is a ZIP too; of these we take texts and tables without programs in them."""
    programs = {one for one in names if one.startswith(("Basic/", "Scripts/"))}
    if programs or any(PurePosixPath(one).name.lower() == "vbaproject.bin" for one in names):
        raise InspectionRefused("macros", name=name)
    for part, kind in _DOCUMENT_PARTS.items():
        if part in names:
            return kind
    raise InspectionRefused("type", name=name)


def _judge_entry(folder: zipfile.ZipFile, entry: zipfile.ZipInfo, *, whole: bool) -> None:
    shown = PurePosixPath(entry.filename.replace("\\", "/")).name
    with folder.open(entry) as file:
        head = file.read(kinds.HEAD_BYTES)
        kind = (
            kinds.sniff_file_kind(head, shown, whole=entry.file_size <= len(head))
            if head
            else kinds.TEXT
        )
        if kind is None:
            raise InspectionRefused("zip_holds", name=shown)
        if kind is kinds.ZIP:
            _judge_nested(head + file.read(MAX_DOCUMENT_BYTES), shown)
        if whole:
            while file.read(1 << 20):
                pass


def _judge_nested(packed: bytes, shown: str) -> None:
    """A Word document within a ZIP is fine; a ZIP within a ZIP is not. Looks at its list only,
    never deeper: there are ZIP folders that hold themselves.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as inner:
            names = set(inner.namelist())
    except zipfile.BadZipFile:
        names = set()
    if not names & {"[Content_Types].xml", "META-INF/manifest.xml"}:
        raise InspectionRefused("zip_nested", name=shown)
    _judge_document(names, shown)


def _is_system_file(name: str) -> bool:
    own = PurePosixPath(name).name
    return name.startswith(_SYSTEM_FILES[0]) or own in _SYSTEM_FILES[1:] or own.startswith("._")
