"""From an opinion to the bytes of a PDF, by typst. Knows no database session and no key."""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import Any

import typst

from app.cases.models import Case
from app.cases.specialties import SPECIALTIES
from app.core.text import N_
from app.i18n.formats import long_moment
from app.i18n.locales import Language, known
from app.i18n.translate import translator
from app.opinions.content import AGREEMENTS, URGENCIES, Content, direction
from app.opinions.models import Opinion

STANDARDS: tuple[Any, ...] = ("a-2a", "ua-1")
HEADINGS = {
    "answers": N_("Answers to your questions"),
    "diagnosis": N_("Diagnosis"),
    "recommendations": N_("Recommendations"),
    "rationale": N_("Why"),
    "sources": N_("Sources"),
    "further_tests": N_("Further tests"),
    "limits": N_("Limits of this opinion"),
    "signature": N_("Signature"),
}
TITLE = N_("Second medical opinion")
NOTE = N_(
    "This document is signed electronically. Any change to it after the signature can be detected."
)


def pdf_of(case: Case, opinion: Opinion, content: Content, hospital: str) -> bytes:
    """The document with tags, language and embedded fonts (PDF/A-2a and PDF/UA-1).

    Where a word needs a letter that no installed font has, which these standards forbid, it is an
    ordinary tagged PDF: an opinion is never held back for a letter. Raises `typst.TypstError` when
    there is no way to set it.
    """
    document = json.dumps(_facts(case, opinion, content, hospital), ensure_ascii=False)
    try:
        return _compile(document, opinion.signed_at, list(STANDARDS))
    except typst.TypstError:
        return _compile(document, opinion.signed_at, [])


def _compile(document: str, signed_at: datetime | None, standards: list[Any]) -> bytes:
    source = resources.files("app.opinions").joinpath("document.typ").read_bytes()
    made = typst.compile(
        source,
        font_paths=_fonts(),
        sys_inputs={"document": document},
        pdf_standards=standards,
        timestamp=int(signed_at.timestamp()) if signed_at else 0,
    )
    assert isinstance(made, bytes)
    return made


@lru_cache
def _fonts() -> typst.Fonts:
    return typst.Fonts()


def _facts(case: Case, opinion: Opinion, content: Content, hospital: str) -> dict[str, Any]:
    language = known(opinion.language)
    say, specialist, patient = translator(language.tag), opinion.specialist, case.patient
    assert opinion.signed_at is not None

    def written(text: str) -> list[dict[str, Any]]:
        pieces = [piece for piece in text.split("\n\n") if piece.strip()]
        return [_paragraph(piece, known(case.language), specialist.language) for piece in pieces]

    subject = patient.name if case.for_self else (case.subject_name or "")
    return {
        "lang": language.tag,
        "dir": language.direction,
        "hospital": hospital,
        "title": say(TITLE),
        "author": specialist.name,
        "footer": say(N_("Case %(number)s"), number=case.number),
        "headings": {name: say(words) for name, words in HEADINGS.items()},
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
        "agreement": say(AGREEMENTS[content.agreement]) if content.agreement else "",
        "diagnosis": written(content.diagnosis),
        "recommendations": [
            {
                "heading": f"{number}. {say(URGENCIES[one.urgency])}",
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
            "note": say(NOTE),
            "rows": [
                [say(N_("Signed")), long_moment(opinion.signed_at, patient.timezone, language.tag)],
                [say(N_("In universal time")), opinion.signed_at.strftime("%Y-%m-%d %H:%M:%S UTC")],
                [say(N_("Fingerprint of the text")), opinion.content_hash or ""],
            ],
        },
    }


def _paragraph(text: str, home: Language, writers: str) -> dict[str, Any]:
    """A paragraph with the direction of its first letter, in the patient's language if that is
    written this way.
    """
    way = direction(text)
    return {
        "lines": text.split("\n"),
        "dir": way,
        "lang": home.tag if home.direction == way else writers.split("-")[0],
    }
