"""What kinds of file we accept, told by their first bytes; a file's name never decides on its own.

Pure: bytes in, kind out. The early look refuses what can already be known; ``inspection`` has the
last word.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from pathlib import PurePosixPath

import puremagic

HEAD_BYTES = 4096
MIN_SNIFFABLE_BYTES = 132  # DICOM's mark ends here
_TEXT_ENDINGS = ("", ".txt", ".text", ".asc", ".hl7", ".json", ".log", ".md")
_TABLE_ENDINGS = (".csv", ".tsv")
_CONTROL_PATTERN = re.compile(rb"[\x00-\x08\x0e-\x1a\x1d-\x1f\x7f]")
_MARKUP_PATTERN = re.compile(
    rb"\s*(?:<!doctype|<html|<head|<body|<script|<svg|<\?php|#!)", re.IGNORECASE
)
_TIFF_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


_PROGRAM_SIGNATURES = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"\xcf\xfa\xed\xfe", b"PK")
_ARCHIVE_SIGNATURES = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07")
_OLE_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_AVIF_BRANDS = (b"avif", b"avis")
_VIDEO_BRANDS = (b"isom", b"iso2", b"iso4", b"iso5", b"iso6", b"mp41", b"mp42", b"avc1", b"M4V ")
_BMP_HEADER_BYTES = (12, 40, 52, 56, 64, 108, 124)
_MAIL_PATTERN = re.compile(
    rb"(?:[A-Za-z-]+:[^\n]*\n(?:[ \t][^\n]*\n)*)*(?:From|Received|Return-Path|MIME-Version):",
    re.IGNORECASE,
)
# Of files without a preamble, little endian: (0002,0000), (0008,0000), (0008,0001), (0008,0005),
# (0008,0008), (0008,0012), (0008,0016) and (0008,0018). The inspection reads on.
_DICOM_FIRST_TAGS = (
    b"\x02\0\0\0",
    *(b"\x08\0" + bytes([element, 0]) for element in (0x00, 0x01, 0x05, 0x08, 0x12, 0x16, 0x18)),
)
ISO_MARK_OFFSET = 32_769  # ISO 9660, 8.1: the first volume descriptor, behind the system area
ISO_MARK = b"CD001"


@dataclass(frozen=True)
class FileKind:
    """``shown`` says how the viewer page shows it: pdf, image, text, video, recording, or not at
    all. ``endings`` are those that its files have; a download gets the first where it has none.
    """

    name: str
    media_type: str
    shown: str | None
    endings: tuple[str, ...]


_OFFICE = "application/vnd.openxmlformats-officedocument."
DICOM = FileKind("dicom", "application/dicom", None, (".dcm", ".dicom", ".ima"))
PDF = FileKind("pdf", "application/pdf", "pdf", (".pdf",))
JPEG = FileKind("jpeg", "image/jpeg", "image", (".jpg", ".jpeg", ".jpe", ".jfif"))
PNG = FileKind("png", "image/png", "image", (".png",))
TIFF = FileKind("tiff", "image/tiff", None, (".tif", ".tiff"))
WEBP = FileKind("webp", "image/webp", "image", (".webp",))
GIF = FileKind("gif", "image/gif", "image", (".gif",))
BMP = FileKind("bmp", "image/bmp", "image", (".bmp", ".dib"))
AVIF = FileKind("avif", "image/avif", "image", (".avif",))
HEIC = FileKind("heic", "image/heic", None, (".heic", ".heif"))
MP4 = FileKind("video", "video/mp4", "video", (".mp4", ".m4v"))
MOV = FileKind("video", "video/quicktime", "video", (".mov", ".qt"))
DOCX = FileKind("docx", f"{_OFFICE}wordprocessingml.document", None, (".docx",))
XLSX = FileKind("xlsx", f"{_OFFICE}spreadsheetml.sheet", None, (".xlsx",))
ODT = FileKind("odt", "application/vnd.oasis.opendocument.text", None, (".odt",))
DOC = FileKind("doc", "application/msword", None, (".doc",))
RTF = FileKind("rtf", "application/rtf", None, (".rtf",))
TEXT = FileKind("text", "text/plain", "text", (".txt", ".text", ".asc", ".log", ".md"))
TABLE = FileKind("table", "text/csv", "text", _TABLE_ENDINGS)
MAIL = FileKind("mail", "message/rfc822", "text", (".eml",))
HL7 = FileKind("hl7", "application/hl7-v2", "text", (".hl7", ".txt"))
FHIR = FileKind("fhir", "application/fhir+json", "text", (".json", ".ndjson", ".smart-health-card"))
XML = FileKind("xml", "application/xml", "text", (".xml", ".cda", ".ccda"))
ISO = FileKind("iso", "application/x-iso9660-image", None, (".iso",))
ZIP = FileKind("zip", "application/zip", None, (".zip",))
WEBM = FileKind("recording", "video/webm", "recording", (".webm",))  # made here, never sent in
ACCEPTED_KINDS = (
    *(DICOM, PDF, JPEG, PNG, TIFF, WEBP, GIF, BMP, AVIF, HEIC, MP4, MOV, DOCX, XLSX, ODT, DOC),
    *(RTF, TEXT, TABLE, MAIL, HL7, FHIR, XML, ISO, ZIP),
)
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


def explain_refusal(head: bytes) -> tuple[str, dict[str, str]]:
    """Why a file of no accepted kind is refused: a key of ``words.REASONS``, and its details."""
    if head.startswith(_ARCHIVE_SIGNATURES):
        return "archive", {}
    ending = guess_file_ending(head)
    return ("looks_like", {"ending": ending}) if ending else ("type", {})


def name_for_download(name: str, kind: FileKind) -> str:
    """The name with an ending of the verified kind, so that no device takes the file for anything
    else: ``scan.exe`` that is a PDF becomes ``scan.exe.pdf``.
    """
    return name if name.lower().endswith(kind.endings) else f"{name}{kind.endings[0]}"


def is_plain_text(piece: bytes) -> bool:
    """Whether ``piece``, the beginning of a file, holds none of the bytes that only binary files
    have. UTF-16 is text too.
    """
    if find_utf16_order(piece) is not None:
        return b"\0\0\0" not in piece
    return has_no_control_bytes(piece)


def has_no_control_bytes(piece: bytes) -> bool:
    return _CONTROL_PATTERN.search(piece) is None


def find_utf16_order(head: bytes) -> str | None:
    """``utf-16-le`` or ``utf-16-be`` where a text begins with that mark, or has none and reads as
    such: with spaces or ends of lines, and nothing that no text has.
    """
    for mark, order in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if head.startswith(mark):
            return order
    if b"\0" not in head or len(head) < 4:
        return None
    for order in ("utf-16-le", "utf-16-be"):
        try:
            text = head[: min(len(head), 512) // 2 * 2].decode(order)
        except UnicodeDecodeError:
            continue
        letters = set(text) - set("\r\n\t")
        strange = any(unicodedata.category(one) in ("Cc", "Cn", "Co") for one in letters)
        if not strange and any(space in text for space in " \n"):
            return order
    return None


def _kind_by_signature(head: bytes) -> FileKind | None:
    """A file must start as its format demands: a mark further on belongs to another file within."""
    if head[128:132] == b"DICM":
        return None if head.startswith(_PROGRAM_SIGNATURES) else DICOM
    if head[:4] in _DICOM_FIRST_TAGS and len(head) >= MIN_SNIFFABLE_BYTES:
        return DICOM
    for signature, kind in _SIGNATURES:
        if head.startswith(signature):
            return kind
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    if head[:2] == b"BM" and int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES:
        return BMP
    if head[4:8] == b"ftyp":
        return _kind_of_brand(head[8:12])
    if head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")[:5] == b"%PDF-":
        return PDF
    return None


_SIGNATURES = (
    (b"\xff\xd8\xff", JPEG),
    (b"\x89PNG\r\n\x1a\n", PNG),
    *((signature, TIFF) for signature in _TIFF_SIGNATURES),
    (b"GIF87a", GIF),
    (b"GIF89a", GIF),
    (b"{\\rtf", RTF),
    (_OLE_SIGNATURE, DOC),
    (b"PK\x03\x04", ZIP),  # or DOCX, XLSX, ODT: the list of what is inside lies at the end
    (b"PK\x05\x06", ZIP),
)


def _kind_of_brand(brand: bytes) -> FileKind | None:
    """ISO/IEC 14496-12, 4.3: the major brand."""
    if brand in _HEIC_BRANDS:
        return HEIC
    if brand in _AVIF_BRANDS:
        return AVIF
    if brand == b"qt  ":
        return MOV
    return MP4 if brand in _VIDEO_BRANDS else None


def _kind_of_text(head: bytes, name: str) -> FileKind | None:
    ending = PurePosixPath(name.lower()).suffix
    if ending in ISO.endings and not head.strip(b"\0"):
        return ISO  # its mark lies behind the system area; the inspection looks there
    if not is_plain_text(head) or _MARKUP_PATTERN.match(head.removeprefix(b"\xef\xbb\xbf")):
        return None
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b\r\n \t")
    if text.startswith((b"MSH|", b"FHS|", b"BHS|")):
        return HL7
    if text.startswith(b"{"):
        return FHIR
    if text.startswith((b"<?xml", b"<ClinicalDocument")):
        return XML
    if ending in MAIL.endings and _MAIL_PATTERN.match(text):
        return MAIL
    if ending in _TABLE_ENDINGS:
        return TABLE
    # "Report 3.2.2024" has no ending, only a full stop.
    known = ending in _TEXT_ENDINGS or re.fullmatch(r"\.\d+", ending) is not None
    return TEXT if known else None
