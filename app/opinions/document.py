"""From an opinion to the bytes of a PDF, by typst. Knows no database session and no key."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Literal

import typst

from app.cases.models import Case
from app.cases.specialties import SPECIALTIES
from app.core.text import N_
from app.i18n.formats import format_long_moment
from app.i18n.locales import Language, match_language
from app.i18n.translate import make_translator
from app.opinions.content import (
    AGREEMENT_LABELS,
    URGENCY_LABELS,
    OpinionContent,
    detect_text_direction,
)
from app.opinions.models import Opinion

PdfStandard = Literal["a-2a", "ua-1"]
PDF_STANDARDS: tuple[PdfStandard, ...] = ("a-2a", "ua-1")
DOCUMENT_HEADINGS = {
    "answers": N_("Answers to your questions"),
    "diagnosis": N_("Diagnosis"),
    "recommendations": N_("Recommendations"),
    "rationale": N_("Why"),
    "sources": N_("Sources"),
    "further_tests": N_("Further tests"),
    "limits": N_("Limits of this opinion"),
    "signature": N_("Signature"),
}
DOCUMENT_TITLE = N_("Second medical opinion")
SIGNATURE_NOTE = N_(
    "This PDF is signed electronically. Any change after the signature can be detected."
)


def compose_opinion_pdf(
    case: Case, opinion: Opinion, content: OpinionContent, hospital: str
) -> bytes:
    """The document with tags, language and embedded fonts (PDF/A-2a and PDF/UA-1).

    Where a word needs a letter that no installed font has, which these standards forbid, it is
    an ordinary tagged PDF: an opinion is never held back for a letter. Raises
    ``typst.TypstError`` when there is no way to set it.
    """
    document = json.dumps(
        _build_document_facts(case, opinion, content, hospital), ensure_ascii=False
    )
    try:
        return _compile_pdf(document, opinion.signed_at, list(PDF_STANDARDS))
    except typst.TypstError:
        return _compile_pdf(document, opinion.signed_at, [])


def _compile_pdf(document: str, signed_at: datetime | None, standards: list[PdfStandard]) -> bytes:
    source = resources.files("app.opinions").joinpath("document.typ").read_bytes()
    made = typst.compile(
        source,
        font_paths=_load_fonts(),
        sys_inputs={"document": document},
        pdf_standards=[*standards],
        timestamp=int(signed_at.timestamp()) if signed_at else 0,
    )
    assert isinstance(made, bytes)
    return made


@lru_cache
def _load_fonts() -> typst.Fonts:
    return typst.Fonts()


def _build_document_facts(
    case: Case, opinion: Opinion, content: OpinionContent, hospital: str
) -> dict[str, object]:
    language = match_language(opinion.language)
    say, specialist, patient = make_translator(language.tag), opinion.specialist, case.patient
    assert opinion.signed_at is not None

    def written(text: str) -> list[dict[str, object]]:
        pieces = [piece for piece in text.split("\n\n") if piece.strip()]
        return [
            _build_paragraph(piece, match_language(case.language), specialist.language)
            for piece in pieces
        ]

    subject = patient.name if case.for_self else (case.subject_name or "")
    return {
        **_typst_language(language),
        "dir": language.direction,
        "hospital": hospital,
        "title": say(DOCUMENT_TITLE),
        "author": specialist.name,
        "footer": say(N_("Case %(number)s"), number=case.number),
        "headings": {name: say(words) for name, words in DOCUMENT_HEADINGS.items()},
        "facts": [
            [say(N_("Case")), case.number],
            [say(N_("Patient")), subject],
            [say(N_("Specialty")), say(SPECIALTIES.get(case.specialty, case.specialty))],
        ],
        "answers": [
            {
                "heading": say(N_("Question %(number)s"), number=one.number),
                "question": written(one.question),
                "answer": written(one.answer),
            }
            for one in content.answers
        ],
        "agreement": say(AGREEMENT_LABELS[content.agreement]) if content.agreement else "",
        "diagnosis": written(content.diagnosis),
        "recommendations": [
            {
                "heading": f"{number}. {say(URGENCY_LABELS[one.urgency])}",
                "text": written(one.text),
                "rationale": written(one.rationale),
                "citations": [written(source) for source in one.citations],
            }
            for number, one in enumerate(content.recommendations, start=1)
        ],
        "further_tests": written(content.further_tests),
        "limits": written(content.limits),
        "signature": {
            "name": specialist.name,
            "title": specialist.title,
            "note": say(SIGNATURE_NOTE),
            "rows": [
                [
                    say(N_("Signed")),
                    format_long_moment(opinion.signed_at, patient.timezone, language.tag),
                ],
                [
                    say(N_("In universal time (UTC)")),
                    opinion.signed_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
                ],
                [say(N_("Fingerprint of the text")), opinion.content_hash or ""],
            ],
        },
    }


def _build_paragraph(text: str, home: Language, writers: str) -> dict[str, object]:
    """A paragraph with the direction of its first letter, in the patient's language if that is
    written this way.
    """
    way = detect_text_direction(text)
    own = _typst_language(home) if home.direction == way else {"lang": writers.split("-")[0]}
    return {"lines": text.split("\n"), "dir": way, "region": None, **own}


def _typst_language(language: Language) -> dict[str, str | None]:
    """Typst takes the language alone, and chooses Chinese shapes by the region."""
    region = {"Hans": "CN", "Hant": "TW"}.get(language.script)
    return {"lang": language.locale.language, "region": region}
