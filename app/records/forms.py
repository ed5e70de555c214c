"""What comes in: a new upload as its headers describe it, and the reason for opening a record."""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime

from app.core.errors import Invalid
from app.core.text import N_
from app.records.inspection import kinds
from app.records.receiving import tus
from app.records.service import NewUpload

MAX_FILE_NAME_CHARACTERS = 255
MAX_FOLDER_CHARACTERS = 400
MAX_REASON_CHARACTERS = 500
_SHA256_PATTERN = re.compile(r"[0-9a-f]{64}")
_CLIENT_KEY_PATTERN = re.compile(r"[A-Za-z0-9-]{8,64}")
_INVISIBLE_CHARACTERS = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)


def read_new_upload(headers: Mapping[str, str]) -> NewUpload:
    """Reads a tus creation request. Raises ``Invalid``."""
    metadata_text = headers.get("Upload-Metadata", "")
    metadata = tus.parse_upload_metadata(metadata_text)
    kind, joins = tus.parse_upload_concat(headers.get("Upload-Concat"))
    if headers.get("Upload-Defer-Length") is not None:
        raise Invalid(
            N_("We need to know the size of a file before it is sent. Choose the file again.")
        )
    size = 0 if kind == "final" else tus.parse_upload_size(headers.get("Upload-Length"))
    # A partial upload is a piece, not yet a file: its name comes with the final one.
    name = (
        ""
        if kind == "partial"
        else clean_file_name(_decode_metadata(metadata.get("filename", metadata.get("name", b""))))
    )
    return NewUpload(
        kind,
        name,
        size,
        _read_head(metadata),
        tuple(joins),
        metadata_text,
        folder=clean_folder(_decode_metadata(metadata.get("folder", b""))),
        sha256=_read_pattern(metadata, "sha256", _SHA256_PATTERN),
        client_key=_read_pattern(metadata, "key", _CLIENT_KEY_PATTERN),
        again="again" in metadata,
    )


def read_records_page(query: Mapping[str, str]) -> tuple[int, datetime | None]:
    """The number of a page of records, and the time since which a list on screen wants what
    changed. Whatever cannot be read asks for the first page.
    """
    number = query.get("page", "")
    page = int(number) if re.fullmatch(r"[0-9]{1,6}", number, re.ASCII) else 1
    try:
        since = datetime.fromisoformat(query["since"])
    except (KeyError, ValueError):
        return page, None
    return page, since if since.tzinfo is not None else None


def clean_file_name(name: str) -> str:
    """The file's own name without folders and invisible characters. Raises ``Invalid`` when nothing
    remains, or too much.
    """
    name = unicodedata.normalize("NFC", _INVISIBLE_CHARACTERS.sub("", name))
    name = re.split(r"[/\\]", name)[-1].strip()
    if name.strip(".") == "":
        raise Invalid(
            N_("This file has no name. Give it a name and choose it again."), field="filename"
        )
    if len(name) > MAX_FILE_NAME_CHARACTERS:
        raise Invalid(
            N_(
                "The name of this file is too long. Shorten it to at most %(most)s"
                " characters and choose the file again."
            ),
            field="filename",
            most=MAX_FILE_NAME_CHARACTERS,
        )
    return name


def clean_folder(path: str) -> str | None:
    """The folder that a file lay in, as ``CD/DICOM``, without steps upwards and invisible
    characters; of a very long one the end. None when there is none.
    """
    steps = (
        unicodedata.normalize("NFC", _INVISIBLE_CHARACTERS.sub("", step)).strip()
        for step in re.split(r"[/\\]", path)
    )
    folder = "/".join(step for step in steps if step.strip("."))
    return folder[-MAX_FOLDER_CHARACTERS:] or None


def read_access_reason(form: Mapping[str, str]) -> str:
    """Why a coordinator needs to open a record. Raises ``Invalid``."""
    reason = form.get("reason", "").strip()
    if len(reason) < 10:
        raise Invalid(
            N_("Write in a few words why you need to open this record. The patient will read it."),
            field="reason",
        )
    if len(reason) > MAX_REASON_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."),
            field="reason",
            most=MAX_REASON_CHARACTERS,
        )
    return reason


def _read_head(metadata: Mapping[str, bytes]) -> bytes:
    """Our own page sends a file's first bytes along, as base64, so that a refusal need not wait for
    gigabytes.
    """
    try:
        return base64.b64decode(metadata.get("head", b""), validate=True)[: kinds.HEAD_BYTES]
    except (binascii.Error, ValueError):
        raise Invalid(tus.BROKEN_UPLOAD_MESSAGE) from None


def _read_pattern(metadata: Mapping[str, bytes], key: str, pattern: re.Pattern[str]) -> str | None:
    text = _decode_metadata(metadata.get(key, b""))
    if text and pattern.fullmatch(text) is None:
        raise Invalid(tus.BROKEN_UPLOAD_MESSAGE)
    return text or None


def _decode_metadata(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise Invalid(tus.BROKEN_UPLOAD_MESSAGE) from None
