"""The PDF: its words, its Arabic letters, its standards, its signature."""

from __future__ import annotations

import io
import re
from collections import defaultdict

import pypdf
import pytest
from sqlalchemy import select, update

from app.core.outbox import enqueue_job
from app.opinions import jobs, signing
from app.opinions.content import detect_text_direction
from app.opinions.models import Opinion, SigningKey
from tests.opinions.conftest import Clinic, a_draft

BEH = "\u0628"


@pytest.fixture
def signed(clinic: Clinic) -> Clinic:
    clinic.save(
        a_draft(0, diagnosis="ببب ب\n\nLiterally: #strong[not markup] *nor this* $x^2$ <a> \\ //")
    )
    clinic.sign(1)
    clinic.run_jobs()
    return clinic


def text_of(pdf: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(pdf)).pages)


def glyphs(pdf: bytes) -> dict[str, set[str]]:
    """Which glyphs stand for a letter, over all embedded fonts, read from their ToUnicode maps."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in pypdf.PdfReader(io.BytesIO(pdf)).pages:
        for name, font in page["/Resources"]["/Font"].items():
            cmap = font.get_object()["/ToUnicode"].get_data().decode("latin-1")
            for glyph, letters in re.findall(r"<([0-9A-Fa-f]+)>\s*<([0-9A-Fa-f]+)>", cmap):
                found[bytes.fromhex(letters).decode("utf-16-be")].add(f"{name}:{glyph}")
    return found


def test_it_holds_every_word_and_none_of_them_is_markup(signed: Clinic):
    text = text_of(signed.pdf())
    for words in (
        "Yes, the biopsy leaves no doubt.",
        "Begin with endocrine therapy.",
        "The tumour is hormone sensitive.",
        "Pathology report, page 2",
        "Ki-67 on the core biopsy.",
        "I could not examine you",
        "Dr. Ingrid Weiss",
        "Professor of Oncology",
        "UTC",
        "#strong[not markup] *nor this* $x^2$ <a> \\ //",
    ):
        assert words in text, words


def test_arabic_letters_are_joined(signed: Clinic):
    """ببب ب: the same letter at the start, in the middle, at the end and alone has four shapes."""
    assert len(glyphs(signed.pdf())[BEH]) >= 4


def test_its_fonts_are_embedded_and_it_says_its_language_and_title(signed: Clinic):
    reader = pypdf.PdfReader(io.BytesIO(signed.pdf()))
    assert reader.metadata.author == "Dr. Ingrid Weiss"
    assert reader.metadata.title
    catalogue = reader.trailer["/Root"]
    assert str(catalogue["/Lang"]).startswith("ar")
    assert catalogue["/MarkInfo"]["/Marked"]
    fonts = [
        font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()
    ]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"]
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)
    xmp = catalogue["/Metadata"].get_data().decode()
    assert 'pdfuaid:part="1"' in xmp and 'pdfaid:part="2"' in xmp


def test_a_letter_that_no_font_has_does_not_hold_it_back(clinic: Clinic):
    clinic.save(
        a_draft(0, diagnosis="A letter of Linear A: \U00010600, and one nobody has: \U000e0fff.")
    )
    clinic.sign(1)
    clinic.run_jobs()
    assert clinic.opinion().is_rendered
    assert "A letter of Linear A" in text_of(clinic.pdf())


def test_its_signature_holds_and_shows_any_change(signed: Clinic):
    with signed.database.unit_of_work() as session:
        certificate = session.scalars(select(SigningKey)).one().certificate
    pdf = signed.pdf()
    assert signing.is_pdf_genuine(pdf, certificate)

    middle = pdf.index(b"stream", len(pdf) // 3) + 40
    changed = pdf[:middle] + bytes([pdf[middle] ^ 1]) + pdf[middle + 1 :]
    assert not signing.is_pdf_genuine(changed, certificate)

    writer = pypdf.PdfWriter(io.BytesIO(pdf), incremental=True)
    writer.add_blank_page(100, 100)
    longer = io.BytesIO()
    writer.write(longer)
    assert longer.getvalue().startswith(pdf)
    assert not signing.is_pdf_genuine(longer.getvalue(), certificate), (
        "what is added later is a change, too"
    )
    assert not signing.is_pdf_genuine(b"%PDF-1.7 nothing", certificate)


def test_another_hospitals_signature_does_not_pass(signed: Clinic):
    with signed.database.unit_of_work() as session:
        ours = session.scalars(select(SigningKey)).one()
        ours.purpose = "put aside"
        session.flush()
        theirs = signing.ensure_hospital_key(session, "Another Hospital").certificate
    assert not signing.is_pdf_genuine(signed.pdf(), theirs)


def test_made_twice_it_is_one_document(signed: Clinic):
    before = signed.opinion()
    with signed.database.unit_of_work() as session:
        enqueue_job(session, "opinion.render", {"opinion_id": before.id})
    signed.run_jobs()
    after = signed.opinion()
    assert (after.pdf_object, after.pdf_sha256) == (before.pdf_object, before.pdf_sha256)
    assert len(objects_of(signed)) == 1


def test_what_a_killed_attempt_left_is_dropped(clinic: Clinic):
    clinic.save(a_draft(0))
    opinion = clinic.sign(1)
    left = jobs._claim_pdf_object(opinion.id, clinic.context)
    clinic.context.blobs.put(left, [b"an unfinished attempt"])
    clinic.run_jobs()
    assert clinic.opinion().is_rendered and clinic.opinion().pdf_object != left
    assert not clinic.context.blobs.exists(left)
    assert len(objects_of(clinic)) == 1


def test_words_that_are_not_those_that_were_signed_are_not_made_into_a_document(clinic: Clinic):
    clinic.save(a_draft(0))
    opinion = clinic.sign(1)
    with clinic.database.unit_of_work() as session:
        session.execute(update(Opinion).values(diagnosis="Changed behind everybody’s back."))
    with pytest.raises(jobs.OpinionContentChanged), clinic.database.unit_of_work() as session:
        jobs.run_opinion_render(session, {"opinion_id": opinion.id}, clinic.context)
    assert not clinic.opinion().is_rendered


def test_the_document_lies_encrypted(signed: Clinic):
    for path in objects_of(signed):
        assert b"%PDF" not in path.read_bytes()


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("ورم حميد (BI-RADS 2)", "rtl"),
        ("2. ورم", "rtl"),
        ("BI-RADS 2: ورم", "ltr"),
        ("12 mm", "ltr"),
        ("", "ltr"),
        ("שלום", "rtl"),
    ],
)
def test_the_direction_of_a_text_is_that_of_its_first_letter(text: str, way: str):
    assert detect_text_direction(text) == way


def objects_of(clinic: Clinic):
    return [
        path
        for path in (clinic.app.extensions["settings"].data_dir / "objects").rglob("*")
        if path.is_file()
    ]
