"""The tus protocol's own words (https://tus.io/protocols/resumable-upload, 1.0.0): headers in,
headers out. Pure.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from app.core.errors import Conflict, Invalid, NotFound, Refusal
from app.core.text import N_

TUS_VERSION = "1.0.0"
TUS_EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination,concatenation"
TUS_CONTENT_TYPE = "application/offset+octet-stream"
CHECKSUM_ALGORITHMS = {
    "sha1": hashlib.sha1,
    "sha256": hashlib.sha256,
    "sha512": hashlib.sha512,
    "md5": hashlib.md5,
}
_UPLOAD_ID_PATTERN = re.compile(r"[0-9a-f]{32}")
_MAX_METADATA_CHARACTERS = 8_192
_MAX_PARTIAL_UPLOADS = 1_000
BROKEN_UPLOAD_MESSAGE = N_("The file did not arrive in a form that we can read. Choose it again.")


class WrongTusVersion(Refusal):
    status = 412
    default = N_(
        "This upload uses another version of the upload protocol. We support version 1.0.0."
    )


class WrongUploadContentType(Refusal):
    status = 415
    default = BROKEN_UPLOAD_MESSAGE


class ChecksumMismatch(Refusal):
    status = 460
    default = N_(
        "A part of the file was changed on its way here. We did not keep that part. Send it again."
    )


class UploadGone(NotFound):
    status = 410
    default = N_("This upload has ended. Choose the file again.")


class UploadFinished(Conflict):
    """409, so that a client whose last answer was lost asks by HEAD, and learns that all is
    there.
    """

    default = N_("We already have the whole file. Nothing can be added to it.")


class JoinedUpload(Refusal):
    """A final upload takes no PATCH (tus concatenation)."""

    status = 403
    default = N_("We already have the whole file. Nothing can be added to it.")


class WrongUploadOffset(Conflict):
    default = N_(
        "The upload continued somewhere else in the meantime. It will continue from what we have."
    )


@dataclass(frozen=True)
class UploadChecksum:
    algorithm: str
    digest: bytes


def require_tus_version(headers: Mapping[str, str]) -> None:
    if headers.get("Tus-Resumable") != TUS_VERSION:
        raise WrongTusVersion()


def parse_upload_size(text: str | None) -> int:
    """A byte count or offset. Raises ``Invalid`` for anything but a whole number of at most 18
    digits.
    """
    if text is None or not re.fullmatch(r"[0-9]{1,18}", text):
        raise _broken_upload(400)
    return int(text)


def parse_upload_metadata(text: str) -> dict[str, bytes]:
    """``Upload-Metadata``: comma-separated ``key base64``; a key may stand alone. Raises
    ``Invalid``.
    """
    if len(text) > _MAX_METADATA_CHARACTERS:
        raise _broken_upload(400)
    found: dict[str, bytes] = {}
    for pair in filter(None, (piece.strip() for piece in text.split(","))):
        key, _, encoded = pair.partition(" ")
        try:
            found[key] = base64.b64decode(encoded.strip(), validate=True)
        except (binascii.Error, ValueError):
            raise _broken_upload(400) from None
    return found


def parse_upload_concat(text: str | None) -> tuple[str, list[str]]:
    """(``single`` | ``partial`` | ``final``, ids of what to join). Raises ``Invalid``."""
    if text is None:
        return "single", []
    if text.strip() == "partial":
        return "partial", []
    verb, semicolon, urls = text.partition(";")
    ids = [url.rstrip("/").rpartition("/")[2] for url in urls.split()]
    if verb.strip() != "final" or not semicolon or not 0 < len(ids) <= _MAX_PARTIAL_UPLOADS:
        raise _broken_upload(400)
    if len(set(ids)) < len(ids) or not all(_UPLOAD_ID_PATTERN.fullmatch(one) for one in ids):
        raise _broken_upload(400)
    return "final", ids


def parse_upload_checksum(text: str | None) -> UploadChecksum | None:
    if text is None:
        return None
    algorithm, _, encoded = text.partition(" ")
    try:
        if algorithm not in CHECKSUM_ALGORITHMS:
            raise ValueError(algorithm)
        return UploadChecksum(algorithm, base64.b64decode(encoded.strip(), validate=True))
    except ValueError:
        raise _broken_upload(400) from None


def build_tus_headers(**more: object) -> dict[str, str]:
    """The headers of every answer; ``upload_offset=5`` becomes ``Upload-Offset: 5``, None is left
    out.
    """
    named = {
        name.replace("_", "-").title(): value for name, value in more.items() if value is not None
    }
    return {
        "Tus-Resumable": TUS_VERSION,
        "Cache-Control": "no-store",
        **{
            name: _http_date(value) if isinstance(value, datetime) else str(value)
            for name, value in named.items()
        },
    }


def _http_date(at: datetime) -> str:
    return format_datetime(at.replace(microsecond=0), usegmt=True)


def _broken_upload(status: int) -> Invalid:
    refusal = Invalid(BROKEN_UPLOAD_MESSAGE)
    refusal.status = status
    return refusal
