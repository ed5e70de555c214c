"""The text of a record that has passed inspection, for the words in it: PDF, Word, plain text.
Nothing is kept of it.

What cannot be read has no text; a record that is too long is read as far as the limits go.
"""

from __future__ import annotations

import html
import io
import re
import time
import zipfile
from typing import BinaryIO

import structlog
from pypdf import PdfReader

LONGEST_TEXT = 2_000_000  # characters
MOST_PAGES = 300
PATIENCE = 60  # seconds for one file
LARGEST_FILE = 64 << 20
LARGEST_XML = 32 << 20

_RUN = re.compile(r"<w:t(?: [^>]*)?>([^<]*)</w:t>|(</w:p>|<w:tab/>|<w:br/>)")
_READABLE = {
    "application/pdf": "pdf",
    "text/plain": "text",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word",
}

log = structlog.get_logger("scheduling")


def is_readable(media_type: str | None, size: int) -> bool:
    return media_type in _READABLE and size <= LARGEST_FILE


def text_of(file: BinaryIO, media_type: str) -> str:
    """The text, or "" where there is none that we can read. `media_type` is what the inspection
    found.
    """
    read = {"pdf": _of_pdf, "text": _of_text, "word": _of_word}[_READABLE[media_type]]
    try:
        return read(file)[:LONGEST_TEXT]
    except Exception as error:  # whatever a damaged file does to its reader: it has no words for us
        log.info("record without text", error=type(error).__name__)
        return ""


def _of_pdf(file: BinaryIO) -> str:
    pages: list[str] = []
    length, until = 0, time.monotonic() + PATIENCE
    reader = PdfReader(io.BytesIO(file.read(LARGEST_FILE)))
    for number in range(min(len(reader.pages), MOST_PAGES)):
        pages.append(reader.pages[number].extract_text())
        length += len(pages[-1])
        if length > LONGEST_TEXT or time.monotonic() > until:
            break
    return "\n".join(pages)


def _of_text(file: BinaryIO) -> str:
    raw = file.read(4 * LONGEST_TEXT)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")


def _of_word(file: BinaryIO) -> str:
    """The runs of text of the document's body, read by their tags alone: no entity is ever
    expanded.
    """
    with zipfile.ZipFile(file) as folder, folder.open("word/document.xml") as body:
        xml = body.read(LARGEST_XML).decode("utf-8", "replace")
    return "".join(
        html.unescape(found[1]) if found[2] is None else "\n" for found in _RUN.finditer(xml)
    )
