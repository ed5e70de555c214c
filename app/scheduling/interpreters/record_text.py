"""The text of a record that has passed inspection, for the words in it: PDF, Word, plain text.
Nothing is kept of it.

What cannot be read has no text; a record that is too long is read as far as the limits go.
"""

from __future__ import annotations

import io
import time
import zipfile
from typing import BinaryIO
from xml.parsers import expat

import structlog
from pypdf import PdfReader

MAX_TEXT_CHARACTERS = 2_000_000  # characters
MAX_PDF_PAGES = 300
PDF_READ_TIMEOUT_SECONDS = 60  # seconds for one file
MAX_READABLE_FILE_BYTES = 64 << 20
MAX_WORD_XML_BYTES = 32 << 20

_READABLE_MEDIA_TYPES = {
    "application/pdf": "pdf",
    "text/plain": "text",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "word",
}

log = structlog.get_logger("scheduling")


def has_readable_text(media_type: str | None, size: int) -> bool:
    return media_type in _READABLE_MEDIA_TYPES and size <= MAX_READABLE_FILE_BYTES


def extract_record_text(file: BinaryIO, media_type: str) -> str:
    """The text, or "" where there is none that we can read. ``media_type`` is what the inspection
    found.
    """
    read = {"pdf": _text_of_pdf, "text": _text_of_plain, "word": _text_of_word}[
        _READABLE_MEDIA_TYPES[media_type]
    ]
    try:
        return read(file)[:MAX_TEXT_CHARACTERS]
    except Exception as error:  # whatever a damaged file does to its reader: it has no words for us
        log.debug("No text could be read from a record.", error=type(error).__name__)
        return ""


def _text_of_pdf(file: BinaryIO) -> str:
    pages: list[str] = []
    length, until = 0, time.monotonic() + PDF_READ_TIMEOUT_SECONDS
    reader = PdfReader(io.BytesIO(file.read(MAX_READABLE_FILE_BYTES)))
    for number in range(min(len(reader.pages), MAX_PDF_PAGES)):
        pages.append(reader.pages[number].extract_text())
        length += len(pages[-1])
        if length > MAX_TEXT_CHARACTERS or time.monotonic() > until:
            break
    return "\n".join(pages)


def _text_of_plain(file: BinaryIO) -> str:
    raw = file.read(4 * MAX_TEXT_CHARACTERS)
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", "replace")
    return raw.decode("utf-8-sig", "replace")


def _text_of_word(file: BinaryIO) -> str:
    """The runs of text of the document's body. A document that declares entities has no text for
    us: none is ever expanded.
    """
    with zipfile.ZipFile(file) as folder, folder.open("word/document.xml") as body:
        xml = body.read(MAX_WORD_XML_BYTES)
    return _WordText().read(xml)


class _WordText:
    """Gathers the text of ``w:t`` with an event parser, in one pass over the bytes."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._is_in_run = False

    def read(self, xml: bytes) -> str:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start_element
        parser.EndElementHandler = self._end_element
        parser.CharacterDataHandler = self._add_text
        parser.EntityDeclHandler = self._refuse_entity
        try:
            parser.Parse(xml, True)
        except expat.ExpatError:  # cut off at the limit, or damaged: what came before counts
            pass
        return "".join(self._pieces)

    def _start_element(self, name: str, _attributes: dict[str, str]) -> None:
        self._is_in_run = name == "w:t"
        if name in ("w:tab", "w:br"):
            self._pieces.append("\n")

    def _end_element(self, name: str) -> None:
        self._is_in_run = False
        if name == "w:p":
            self._pieces.append("\n")

    def _add_text(self, text: str) -> None:
        if self._is_in_run:
            self._pieces.append(text)

    def _refuse_entity(self, *_declaration: object) -> None:
        raise ValueError("a document that declares entities")
