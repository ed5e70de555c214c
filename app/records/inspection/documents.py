"""Documents that are read whole before they pass: what they say they are, and that no program is in
them. Runs in a child process of ``core.runtime.parser_pool``.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import BinaryIO
from xml.etree import ElementTree

from app.records.inspection import kinds
from app.records.inspection.kinds import FileKind

MAX_DOCUMENT_BYTES = 64 << 20  # of one that is read whole, and of a document within a ZIP
_CLINICAL_NAMESPACES = ("{urn:hl7-org:v3}", "{http://hl7.org/fhir}")
_WORD_STREAM = "WordDocument".encode("utf-16-le")
_MACRO_STREAMS = tuple(name.encode("utf-16-le") for name in ("_VBA_PROJECT", "Macros"))
_EMBEDDED_IN_RTF = (b"\\objdata", b"\\objupdate", b"\\objocx", b"\\objemb")


class InspectionRefused(Exception):
    """Raised within, with a key of ``words.REASONS``."""

    def __init__(self, reason: str, **details: str) -> None:
        super().__init__(reason)
        self.reason, self.details = reason, details


def require_safe_document(file: BinaryIO, size: int, kind: FileKind) -> None:
    """Raises ``InspectionRefused`` when a document is not what it says, or has a program in it."""
    if kind is kinds.ISO:
        file.seek(kinds.ISO_MARK_OFFSET)
        if file.read(len(kinds.ISO_MARK)) != kinds.ISO_MARK:
            raise InspectionRefused("broken")
    check = _CHECKS.get(kind)
    if check is None:
        return
    if size > MAX_DOCUMENT_BYTES:
        raise InspectionRefused("type")
    file.seek(0)
    check(file.read())


def _check_json(content: bytes) -> None:
    """FHIR as one document or one a line (NDJSON), and SMART Health Cards."""
    try:
        documents = _read_json(content)
    except (ValueError, RecursionError):
        raise InspectionRefused("broken") from None
    if not documents or not all(_is_clinical(document) for document in documents):
        raise InspectionRefused("type")


def _read_json(content: bytes) -> list[object]:
    try:
        return [json.loads(content)]
    except ValueError:
        lines = [line for line in content.splitlines() if line.strip()]
        if len(lines) < 2:
            raise
        return [json.loads(line) for line in lines]


def _is_clinical(document: object) -> bool:
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("resourceType"), str) or isinstance(
        document.get("verifiableCredential"), list
    )


def _check_xml(content: bytes) -> None:
    """C-CDA and FHIR. A document type could define entities that grow without end, and neither
    has one.
    """
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content:
        raise InspectionRefused("type")
    try:
        root = ElementTree.fromstring(content)  # noqa: S314 - no entities, in a child with limits
    except (ElementTree.ParseError, ValueError, LookupError):
        raise InspectionRefused("broken") from None
    if not root.tag.startswith(_CLINICAL_NAMESPACES):
        raise InspectionRefused("type")


def _check_word(content: bytes) -> None:
    if any(stream in content for stream in _MACRO_STREAMS):
        raise InspectionRefused("macros")
    if _WORD_STREAM not in content:
        raise InspectionRefused("type")


def _check_rtf(content: bytes) -> None:
    if any(word in content for word in _EMBEDDED_IN_RTF):
        raise InspectionRefused("embedded")


_CHECKS: dict[FileKind, Callable[[bytes], None]] = {
    kinds.FHIR: _check_json,
    kinds.XML: _check_xml,
    kinds.DOC: _check_word,
    kinds.RTF: _check_rtf,
}
