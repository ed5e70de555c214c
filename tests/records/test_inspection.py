"""What passes the inspection and what does not: kinds, ZIP folders, damage, viruses."""

from __future__ import annotations

import io
import socketserver
import struct
import threading
import zipfile
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from app.core.blobs import BlobStore
from app.core.crypto import Keyring, new_master_key
from app.core.db import Database
from app.core.ids import new_id
from app.core.outbox import Job, JobContext
from app.records import jobs, words
from app.records.inspection import kinds
from app.records.inspection import verdicts as inspection
from app.records.inspection.verdicts import InspectionFinding
from app.records.models import Record, RecordState, UploadPart
from app.records.reading.content import RecordBytes
from app.records.reading.text import decode_beginning
from tests.records.conftest import SENTENCE, Cast, Sender, a_dicom, a_pdf, a_zip, fhir

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(500)
ODT = "application/vnd.oasis.opendocument.text"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 300
DOCUMENT = {"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<w:document/>"}
HL7 = b"MSH|^~\\&|LAB|HOSP|||20260501||ORU^R01|1|P|2.5\rPID|1||123\r"


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    return BlobStore(tmp_path_factory.mktemp("objects").as_uri(), Keyring(new_master_key("t")))


@pytest.fixture
def look(store: BlobStore) -> Callable[..., InspectionFinding]:
    def inspect(
        content: bytes, name: str = "file", scanner: inspection.VirusScanner | None = None
    ) -> InspectionFinding:
        half = len(content) // 2
        parts = []
        for start, piece in ((0, content[:half]), (half, content[half:])):
            if piece:
                stored = store.put(part_id := new_id(), [piece])
                parts.append(
                    UploadPart(
                        id=part_id, start=start, size=len(piece), wrapped_key=stored.wrapped_key
                    )
                )
        return inspection.inspect_file(RecordBytes(store, parts), name, scanner)

    return inspect


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", method) as folder:
        for name, content in files.items():
            folder.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "media_type"),
    [
        (a_pdf(), "a.pdf", "application/pdf"),
        (b"\r\n " + a_pdf(), "a.pdf", "application/pdf"),
        (a_pdf() + bytes(50_000), "a.pdf", "application/pdf"),
        (b"GIF89a" + bytes(100), "a.gif", "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(100), "a.webp", "image/webp"),
        (b"BM" + bytes(12) + b"\x28\0\0\0" + bytes(100), "a.bmp", "image/bmp"),
        (b"\0\0\0\x18ftypheic" + bytes(100), "IMG_1.HEIC", "image/heic"),
        (b"\0\0\0\x18ftypavif" + bytes(100), "a.avif", "image/avif"),
        (b"\0\0\0\x18ftypmp42" + bytes(500), "film.mp4", "video/mp4"),
        (b"\0\0\0\x14ftypqt  " + bytes(500), "echo.MOV", "video/quicktime"),
        (b"{\\rtf1 hello}" + b" " * 200, "letter.rtf", "application/rtf"),
        (OLE + "WordDocument".encode("utf-16-le") + bytes(900), "a.doc", "application/msword"),
        (packed({"[Content_Types].xml": b"", "xl/workbook.xml": b""}), "table.xlsx", XLSX),
        (
            packed({"mimetype": ODT.encode(), "META-INF/manifest.xml": b"", "content.xml": b""}),
            "letter.odt",
            ODT,
        ),
        (bytes(32_769) + b"CD001" + bytes(9000), "cd.iso", "application/x-iso9660-image"),
        (SENTENCE * 10, "table.csv", "text/csv"),
        (b"Received: a\r\n by b\r\nFrom: x@y.example\r\n\r\nHi", "a.eml", "message/rfc822"),
        (b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>', "a.xml", "application/xml"),
        (b'<ClinicalDocument xmlns="urn:hl7-org:v3"/>' + b" " * 200, "a.xml", "application/xml"),
        (fhir() + b"\n" + fhir(status="final"), "bulk.ndjson", "application/fhir+json"),
        (b'{"verifiableCredential": ["e30.e30.e30"]}', "a.json", "application/fhir+json"),
        (b"\x0b" + HL7 + b"\x1c\r", "mllp.hl7", "application/hl7-v2"),
        ("Größe und Gewicht".encode("utf-16-le"), "notes.txt", "text/plain"),
        ("تقرير المريض\n".encode("utf-16-be"), "notes.txt", "text/plain"),
        ("Результат".encode("cp1251"), "a.txt", "text/plain"),
        ("検査結果".encode("iso2022_jp"), "a.txt", "text/plain"),
        (a_dicom(), "IM0001", "application/dicom"),
        (b"\xff\xd8\xff\xe1" + bytes(100), "photo.JPG", "image/jpeg"),
        (PNG, "x.png", "image/png"),
        (b"II*\0" + bytes(100), "scan.tif", "image/tiff"),
        (b"MM\0*" + bytes(100), "scan.tif", "image/tiff"),
        (
            packed(DOCUMENT),
            "letter.docx",
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        ),
        (SENTENCE * 200, "report.txt", "text/plain"),
        ("تقرير\n".encode(), "تقرير.txt", "text/plain"),
        ("Größe".encode("latin-1"), "notes.TXT", "text/plain"),
        ("Größe".encode("utf-16"), "notes.txt", "text/plain"),
        (SENTENCE * 200, "Report 3.2.2024", "text/plain"),
        (b"ok", "ok", "text/plain"),
        (HL7, "result.hl7", "application/hl7-v2"),
        (fhir(status="final"), "obs.json", "application/fhir+json"),
        (
            packed(
                {
                    "CT/IM0001": a_dicom(),
                    "CT/IM0002": a_dicom(),
                    "report.pdf": a_pdf(),
                    "__MACOSX/._x": b"\0",
                    "CT/.DS_Store": b"\0\0\0\1Bud1",
                }
            ),
            "scan.zip",
            "application/zip",
        ),
        (packed({"letter.docx": packed(DOCUMENT)}), "letters.zip", "application/zip"),
    ],
)
def test_what_we_accept(
    look: Callable[..., InspectionFinding], content: bytes, name: str, media_type: str
) -> None:
    finding = look(content, name)
    assert (finding.state, finding.media_type, finding.reason) == (
        RecordState.READY,
        media_type,
        None,
    )


@pytest.mark.parametrize(
    ("content", "name", "reason"),
    [
        (b"MZ" + bytes(500), "report.pdf", "looks_like"),
        (b"\x7fELF" + bytes(500), "x", "looks_like"),
        (b"MZ" + bytes(200) + a_pdf(), "Scan result.exe", "looks_like"),
        (b"junk before\n" + a_pdf(), "a.pdf", None),
        (b"MZ" + bytes(126) + b"DICM" + bytes(500), "IM0001", "looks_like"),
        (b"7z\xbc\xaf\x27\x1c" + bytes(500), "a.7z", "archive"),
        (b"Rar!\x1a\x07\x01\0" + bytes(500), "a.rar", "archive"),
        (b"{\\rtf1 {\\object\\objdata 0105}}" + b" " * 200, "letter.rtf", "embedded"),
        (OLE + b"W\0o\0r\0d\0" + bytes(900), "setup.msi", "type"),
        (OLE + "WordDocument_VBA_PROJECT".encode("utf-16-le") + bytes(900), "a.doc", "macros"),
        (bytes(40_000), "cd.iso", "broken"),
        (b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>', "a.xml", "type"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "c">]><a/>', "a.xml", "type"),
        (b"<?xml version='1.0'?><a>", "a.xml", "broken"),
        (
            b"<!DOCTYPE html><html><script>alert(1)</script>" + b" " * 200,
            "report.txt",
            "looks_like",
        ),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>" + b" " * 200, "picture.txt", None),
        (b"#!/bin/sh\nrm -rf /\n", "run.txt", None),
        (SENTENCE * 10, "macro.js", None),
        (bytes(5000), "zeros", None),
        (SENTENCE * 200 + b"\0" * 10, "late.txt", "type"),
        (b'{"a": 1}' + b" " * 200, "x.json", "type"),
        (b'{"resourceType": "Obs', "x.json", "broken"),
        (a_pdf()[:-6], "cut.pdf", "broken"),
        (packed({}), "empty.zip", "zip_empty"),
        (packed({"__MACOSX/x": b"1"}), "litter.zip", "zip_empty"),
        (packed({"viewer.exe": b"MZ" + bytes(500)}), "cd.zip", "zip_holds"),
        (packed({"inner.zip": packed({"a.txt": b"hello"})}), "outer.zip", "zip_nested"),
        (packed({"a.pdf": a_pdf()})[:-30], "cut.zip", "zip_broken"),
        (packed({"[Content_Types].xml": b"", "ppt/slide.xml": b""}), "slides.pptx", "type"),
        (packed(DOCUMENT | {"word/vbaProject.bin": b"x"}), "letter.docx", "macros"),
        (
            packed({"letter.docx": packed(DOCUMENT | {"word/vbaProject.bin": b"x"})}),
            "letters.zip",
            "macros",
        ),
        (packed({"zeros.txt": b" " * (80 << 20)}), "bomb.zip", "zip_bomb"),
    ],
)
def test_what_we_refuse(
    look: Callable[..., InspectionFinding], content: bytes, name: str, reason: str | None
) -> None:
    finding = look(content, name)
    assert finding.state == RecordState.REFUSED
    assert finding.reason in words.REASONS
    assert reason is None or finding.reason == reason
    said = words.REASONS[finding.reason] % {
        "name": name,
        **finding.details,
    }  # the sentence has all that it needs
    assert "%" not in said


def test_a_locked_zip_is_refused(look: Callable[..., InspectionFinding]) -> None:
    content = bytearray(packed({"a.pdf": a_pdf()}))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(mark) + at] |= 1
    assert look(bytes(content), "locked.zip").reason == "zip_locked"


def test_a_changed_file_within_a_zip_is_noticed(look: Callable[..., InspectionFinding]) -> None:
    content = bytearray(packed({"a.txt": SENTENCE * 100}, zipfile.ZIP_STORED))
    content[3000] ^= 1
    assert look(bytes(content), "a.zip").reason == "zip_broken"


def test_a_zip_whose_entries_overlap_is_a_bomb(look: Callable[..., InspectionFinding]) -> None:
    """D. Fifield, "A better zip bomb", 2019: many entries in the list share one packed body."""
    content = packed({"a.txt": SENTENCE * 2000}, zipfile.ZIP_STORED)
    start = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry, many = content[start:end], 50
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, many, many, len(entry) * many, start, 0)
    assert look(content[:start] + entry * many + tail, "a.zip").reason == "zip_bomb"


@pytest.mark.parametrize("entries, accepted", [(20_000, True), (20_001, False)])
def test_an_archive_may_have_twenty_thousand_entries(
    look: Callable[..., InspectionFinding], entries: int, accepted: bool
) -> None:
    """A Word document, of which only the list is looked at: reading so many files takes long."""
    parts = DOCUMENT | {f"word/media/{n}.png": b"" for n in range(entries - len(DOCUMENT))}
    finding = look(packed(parts, zipfile.ZIP_STORED), "letter.docx")
    assert (finding.state, finding.reason) == (
        (RecordState.READY, None) if accepted else (RecordState.REFUSED, "zip_bomb")
    )


def test_a_small_archive_may_unpack_to_64_mib_and_a_large_one_to_200_times_its_size(
    look: Callable[..., InspectionFinding],
) -> None:
    small = packed({"a.txt": b" " * (64 << 20)})
    assert len(small) * 200 < 64 << 20, "its ratio alone would be too much"
    assert look(small, "a.zip").state == RecordState.READY
    assert look(packed({"a.txt": b" " * ((64 << 20) + 1)}), "a.zip").reason == "zip_bomb"


def test_a_zip_that_claims_an_endless_list_is_refused_without_reading_it(
    look: Callable[..., InspectionFinding],
) -> None:
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, 0xFFFFFFF0, 0, 0)
    assert look(b"PK\x03\x04" + bytes(1000) + tail, "a.zip").reason in ("zip_broken", "zip_bomb")


@given(st.binary(max_size=400), st.text(max_size=20), st.booleans())
def test_any_bytes_get_an_answer(head: bytes, name: str, whole: bool) -> None:
    kind = kinds.sniff_file_kind(head, name, whole=whole)
    assert kind is None or kind in kinds.ACCEPTED_KINDS
    assert kinds.guess_file_ending(head) is None or kinds.guess_file_ending(head).startswith(".")  # type: ignore[union-attr]


@given(st.binary(max_size=600))
def test_any_zip_gets_an_answer(tail: bytes) -> None:
    content = b"PK\x03\x04" + tail
    try:
        inspection._look_into_zip(io.BytesIO(content), len(content), "x.zip")
    except inspection.InspectionRefused as refused:
        assert refused.reason in words.REASONS


# The virus scanner, as clamd speaks (INSTREAM)


class Clamd(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    taken = 1 << 30

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"


class Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        command, seen = self.rfile.readline(), b""
        if command.strip() == b"nPING":
            self.wfile.write(b"PONG\n")
            return
        while size := struct.unpack("!L", self.rfile.read(4))[0]:
            seen += self.rfile.read(size)
            if len(seen) > self.server.taken:  # type: ignore[attr-defined]
                self.wfile.write(b"INSTREAM size limit exceeded. ERROR\n")
                return
        self.wfile.write(
            b"stream: Eicar-Test-Signature FOUND\n" if b"EICAR" in seen else b"stream: OK\n"
        )


@pytest.fixture
def clamd() -> Iterator[Clamd]:
    with Clamd(("127.0.0.1", 0), Conversation) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_a_scanner_lets_clean_files_pass_and_holds_the_others_back(
    look: Callable[..., InspectionFinding], clamd: Clamd
) -> None:
    scanner = jobs.make_virus_scanner(clamd.address)
    assert look(a_pdf(), "a.pdf", scanner).scan == "clean"
    found = look(b"%PDF-1.4 EICAR %%EOF", "a.pdf", scanner)
    assert (found.state, found.reason) == (RecordState.QUARANTINED, "virus")


def test_what_is_too_large_for_the_scanner_is_said_so(
    look: Callable[..., InspectionFinding], clamd: Clamd
) -> None:
    clamd.taken = 2 << 20
    assert (
        look(a_dicom(8 << 20), "IM0001", jobs.make_virus_scanner(clamd.address)).scan == "too_large"
    )


def test_nothing_passes_because_the_scanner_is_away(look: Callable[..., InspectionFinding]) -> None:
    with socketserver.TCPServer(("127.0.0.1", 0), Conversation) as closed:
        address = f"127.0.0.1:{closed.server_address[1]}"
    with pytest.raises(Exception, match="connecting"):
        look(a_pdf(), "a.pdf", jobs.make_virus_scanner(address))


# Within the house


def test_a_refusal_after_arrival_is_told_and_its_bytes_are_dropped(
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    database: Database,
    objects: object,
) -> None:
    patient.send(
        cast.case.id, "cd.zip", a_zip(autorun_dot_inf=SENTENCE, viewer_dot_exe=b"MZ" + bytes(900))
    )
    inspect()
    page = patient.get(f"/cases/{cast.case.id}/records").text
    assert (
        "The ZIP folder contains “autorun.inf”" in page
        or "The ZIP folder holds “viewer.exe”" in page
    )
    with database.sessions() as session:
        assert session.scalars(select(UploadPart)).all() == []
        told = [job.payload for job in session.scalars(select(Job).where(Job.kind == "notify"))]
    assert [job["person_id"] for job in told if job["kind"] == "record_refused"] == [
        cast.patient.id
    ]


def test_inspecting_twice_changes_nothing(
    app: object,
    patient: Sender,
    cast: Cast,
    inspect: Callable[[], None],
    database: Database,
) -> None:
    patient.send(cast.case.id, "a.pdf", a_pdf())
    inspect()
    with database.sessions() as session:
        before = session.scalars(select(Record)).one()
    context = JobContext(
        settings=app.extensions["settings"],
        blobs=app.extensions["blobs"],  # type: ignore[attr-defined]
        database=database,
    )
    with database.unit_of_work() as session:
        jobs.inspect_record(session, {"record_id": before.id}, context)
        jobs.inspect_record(session, {"record_id": "0" * 32}, context)
    with database.sessions() as session:
        assert session.scalars(select(Record)).one().inspected_at == before.inspected_at


@pytest.mark.parametrize(
    ("name", "media_type", "saved"),
    [
        ("Scan result.exe", "application/pdf", "Scan result.exe.pdf"),
        ("report.PDF", "application/pdf", "report.PDF"),
        ("IM000001", "application/dicom", "IM000001.dcm"),
        ("photo.jpeg", "image/jpeg", "photo.jpeg"),
        ("notes", "text/plain", "notes.txt"),
        ("run.bat", "text/plain", "run.bat.txt"),
    ],
)
def test_a_download_has_the_ending_of_what_the_file_is(
    name: str, media_type: str, saved: str
) -> None:
    assert kinds.name_for_download(name, kinds.KIND_BY_MEDIA_TYPE[media_type]) == saved


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("نتيجة الفحص: ورم حميد في الثدي الأيسر. يوصى بالمتابعة بعد ستة أشهر.", "cp1256"),
        ("Результат исследования: доброкачественная опухоль. Рекомендуется наблюдение.", "cp1251"),
        ("检查结果：左侧乳腺良性肿瘤。建议六个月后复查。病理报告见附件。", "gb18030"),
        ("検査結果：左乳房の良性腫瘍です。六か月後の再検査を勧めます。", "shift_jis"),
        ("検査結果：左乳房の良性腫瘍です。", "iso2022_jp"),
        ("Größe und Gewicht: unauffällig", "utf-16-le"),
        ("Größe und Gewicht: unauffällig", "utf-16"),
        ("Größe und Gewicht: unauffällig", "utf-8"),
    ],
)
def test_text_is_read_in_its_own_encoding(text: str, encoding: str) -> None:
    assert decode_beginning((text * 5).encode(encoding), is_cut=False) == text * 5


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_cut_never_falls_inside_a_letter(encoding: str) -> None:
    content = ("تقرير المريض 𝒳 " * 20).encode(encoding)
    for length in range(40, len(content)):
        assert "\ufffd" not in decode_beginning(content[:length], is_cut=True)
