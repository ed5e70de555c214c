"""What kinds of file we accept, told by their first bytes; a file's name never decides on its own.

Pure: bytes in, kind out. The early look refuses what can already be known; ``inspection`` has the
last word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

import puremagic

HEAD_BYTES = 4096
MIN_SNIFFABLE_BYTES = 132  # DICOM's mark ends here
_TEXT_ENDINGS = ("", ".txt", ".text", ".asc", ".hl7", ".json")
_CONTROL_PATTERN = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
_MARKUP_PATTERN = re.compile(
    rb"\s*(?:<!doctype|<html|<head|<body|<script|<svg|<\?xml|<\?php|\{\\rtf|#!)", re.IGNORECASE
)
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


@dataclass(frozen=True)
class FileKind:
    """``shown`` says how the viewer page shows it: pdf, image, text, recording, or not at all."""

    name: str
    media_type: str
    shown: str | None = None


DICOM = FileKind("dicom", "application/dicom")
PDF = FileKind("pdf", "application/pdf", "pdf")
JPEG = FileKind("jpeg", "image/jpeg", "image")
PNG = FileKind("png", "image/png", "image")
TIFF = FileKind("tiff", "image/tiff")
DOCX = FileKind("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document")
TEXT = FileKind("text", "text/plain", "text")
HL7 = FileKind("hl7", "application/hl7-v2", "text")
FHIR = FileKind("fhir", "application/fhir+json", "text")
ZIP = FileKind("zip", "application/zip")
WEBM = FileKind("recording", "video/webm", "recording")  # made here, never sent in
ACCEPTED_KINDS = (DICOM, PDF, JPEG, PNG, TIFF, DOCX, TEXT, HL7, FHIR, ZIP)
KIND_BY_MEDIA_TYPE = {kind.media_type: kind for kind in (*ACCEPTED_KINDS, WEBM)}


def sniff_file_kind(head: bytes, name: str, *, whole: bool) -> FileKind | None:
    """The kind that a file beginning with ``head`` is or may yet turn out to be; None when we do
    not accept it.

    ``whole`` says that ``head`` is all there is. A head too short to tell passes as text.
    """
    marked = _kind_by_signature(head)
    if marked is not None:
        return marked
    if len(head) < MIN_SNIFFABLE_BYTES and not whole:
        return TEXT
    return _kind_of_text(head, name)


def guess_file_ending(head: bytes) -> str | None:
    """What a refused file seems to be, as a file ending (``.mp4``); None when nobody could say."""
    if not head:
        return None
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return None
    return next((match.extension for match in matches if match.extension), None)


def is_plain_text(piece: bytes) -> bool:
    """Whether ``piece`` holds none of the bytes that only binary files have (UTF-16 with its
    mark is text too).
    """
    if piece.startswith((b"\xff\xfe", b"\xfe\xff")):
        return len(piece) % 2 == 0 and b"\0\0\0" not in piece
    return _CONTROL_PATTERN.search(piece) is None


def _kind_by_signature(head: bytes) -> FileKind | None:
    if head[128:132] == b"DICM":
        return DICOM
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"\xff\xd8\xff"):
        return JPEG
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return PNG
    if head.startswith(_TIFF_SIGNATURES):
        return TIFF
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return ZIP  # or DOCX: the list of what is inside lies at the end
    return None


def _kind_of_text(head: bytes, name: str) -> FileKind | None:
    if not is_plain_text(head) or _MARKUP_PATTERN.match(head.removeprefix(b"\xef\xbb\xbf")):
        return None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b\r\n \t")
    if text.startswith((b"MSH|", b"FHS|", b"BHS|")):
        return HL7
    if text.startswith(b"{"):
        return FHIR
    ending = PurePosixPath(name.lower()).suffix
    # "Report 3.2.2024" has no ending, only a full stop.
    known = ending in _TEXT_ENDINGS or re.fullmatch(r"\.\d+", ending) is not None
    return TEXT if known else None
