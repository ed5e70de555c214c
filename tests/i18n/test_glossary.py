"""One word for each thing: the glossary is complete, banned words are gone, and translations use
the glossary's terms.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from app.i18n.gathering import (
    gather_messages,
    list_domains,
    list_translated_languages,
    read_catalogue,
)

GLOSSARY = Path(__file__).parents[2] / "docs" / "glossary.md"
LANGUAGES = ("en", "es", "ar", "zh-Hans", "fr")
MIN_TERMS = 120

# What must not be read anywhere in English: metaphors, and second words for one thing.
BANNED_ENGLISH = [
    r"meetings?",
    r"appointments?",
    r"consults?",
    r"the house",
    r"doors?",
    r"(on|off) the wall",
    r"(?<!per )lines?",
    r"burning",
    r"refused? consent",
    r"home doctor",
    r"take .* back",
    r"what shall",
    r"said back",
    r"somebody",
    r"go on",
    r"afar",
]
# What must not be read in a translation: terms that were given up for the glossary's.
BANNED_TRANSLATIONS = {
    "es": [r"cita", r"reunión", r"encargos?", r"calificad\w*", r"la puerta", r"dar paso"],
    "ar": [r"لقاء", r"اللقاء", r"النجدة", r"جلسة", r"جلسات", r"الباب"],
    "zh-Hans": [r"会议", r"门口"],
}
# An English term, and the stems of the glossary's terms that a translation may use for it.
REQUIRED_STEMS: dict[str, dict[str, str]] = {
    r"consultations?": {"es": "videoconsulta|seguimiento", "ar": "استشار", "zh-Hans": "会诊"},
    r"interpreters?": {"es": "int[eé]rprete|intérpret", "ar": "مترجم|الترجمة", "zh-Hans": "口译"},
    r"coordinators?": {"es": "coordina", "ar": "منسّق", "zh-Hans": "协调员"},
    r"specialists?": {"es": "especialista", "ar": "مختص|طبيب", "zh-Hans": "专科医生|医生"},
    r"opinions?": {"es": "opini", "ar": "رأي|الرأي|آراء", "zh-Hans": "意见"},
    r"cases?": {"es": "caso", "ar": "حال", "zh-Hans": "病例"},
    r"recordings?": {"es": "grabaci|grabar|grab", "ar": "تسجيل|سُجّل", "zh-Hans": "录音录像|已录"},
    r"(your|the|these|missing|more) records": {
        "es": "documento",
        "ar": "سجل",
        "zh-Hans": "病历|资料",
    },
    r"consents?": {"es": "consentimiento|acept", "ar": "موافق|وافق", "zh-Hans": "同意"},
    r"book(ed|ing|ings)": {"es": "reserv", "ar": "حجز|محجوز|الحجز", "zh-Hans": "预约"},
    r"waiting room": {"es": "sala de espera", "ar": "غرفة الانتظار", "zh-Hans": "候诊室"},
    r"audit trail": {"es": "registro", "ar": "سجل التدقيق", "zh-Hans": "审计记录"},
    r"briefs?": {"es": "resumen", "ar": "موجز", "zh-Hans": "简介"},
    r"openings|(an|one|this|another|new) opening": {
        "es": "bloque",
        "ar": "فتر",
        "zh-Hans": "开放时段",
    },
    r"availability": {"es": "disponibilidad", "ar": "توفّر", "zh-Hans": "可预约时间"},
    r"credentials?": {"es": "acreditaci", "ar": "اعتماد", "zh-Hans": "资质"},
    r"qualified": {"es": "acredita", "ar": "مؤه", "zh-Hans": "资质"},
    r"emergency|emergencies": {"es": "emergencia", "ar": "طوارئ|طارئة", "zh-Hans": "紧急|急救"},
    r"connection": {"es": "conexi|reconect|conectar", "ar": "اتصال", "zh-Hans": "连接"},
    r"engagements?": {"es": "asignaci", "ar": "مهام|مهمة", "zh-Hans": "口译任务"},
    r"hand over": {"es": "ceder|turno", "ar": "تسليم|يُسلَّم", "zh-Hans": "交接|接手"},
    r"consecutive": {"es": "consecutiva", "ar": "تتابع|تتبع", "zh-Hans": "交替传译"},
    r"simultaneous(ly)?": {"es": "simultánea", "ar": "فوري", "zh-Hans": "同声传译"},
    r"guests?": {"es": "invita|invitó", "ar": "ضيف|الضيوف", "zh-Hans": "受邀者"},
    r"patients?": {"es": "paciente", "ar": "مريض|مرضى", "zh-Hans": "患者"},
    r"time zones?": {"es": "zona", "ar": "المنطقة الزمنية|منطق|توقيت", "zh-Hans": "时区"},
    r"encrypted": {"es": "cifra", "ar": "شفّ|مشفَّر|تُشفَّر|يُشفَّر", "zh-Hans": "加密"},
}
# Sentences in which a term has another meaning, each with why.
EXEMPT = {
    "I already have a case": "Arabic says it with the request: a case is an illness there",
}


def read_glossary() -> list[list[str]]:
    table = GLOSSARY.read_text().partition("Notes for writers")[0]
    rows = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in row] for row in rows[1:]]


def wordings(message: Message) -> list[str]:
    return list(message.id) if isinstance(message.id, tuple | list) else [str(message.id)]


def strip_vowel_marks(text: str) -> str:
    """Arabic without its vowel marks, which some writers set and others do not."""
    return re.sub("[\u064b-\u0652]", "", text)


def is_said(pattern: str, text: str) -> bool:
    """Whether the text has the pattern as whole words, apart from placeholders."""
    bare = strip_vowel_marks(text)
    bare = re.sub(r"%\(\w+\)s|\{\w+\}", " ", bare)
    return re.search(rf"(?<!\w)(?:{pattern})(?!\w)", bare, re.IGNORECASE) is not None


def has_stem(stems: str, text: str) -> bool:
    bare = strip_vowel_marks(text)
    return re.search(strip_vowel_marks(stems), bare, re.IGNORECASE) is not None


@pytest.fixture(scope="module")
def gathered() -> list[Message]:
    return [message for message in gather_messages() if message.id]


def test_the_glossary_has_enough_terms_each_in_five_languages():
    rows = read_glossary()
    assert len(rows) >= MIN_TERMS
    assert [row for row in rows if len(row) != len(LANGUAGES) or not all(row)] == []
    assert len({row[0] for row in rows}) == len(rows), "a term stands twice"


@pytest.mark.parametrize("pattern", BANNED_ENGLISH)
def test_a_banned_word_is_in_no_sentence(gathered, pattern: str):
    found = [text for message in gathered for text in wordings(message) if is_said(pattern, text)]
    assert found == []


@pytest.mark.parametrize("tag", list_translated_languages())
def test_no_translation_uses_a_term_that_was_given_up(tag: str):
    found = []
    for domain in list_domains(tag):
        for message in read_catalogue(tag, domain):
            forms = message.string if isinstance(message.string, tuple) else [message.string]
            found += [
                f"{pattern}: {form}"
                for form in forms
                for pattern in BANNED_TRANSLATIONS.get(tag, ())
                if message.id and is_said(pattern, form or "")
            ]
    assert found == []


@pytest.mark.parametrize("tag", list_translated_languages())
def test_a_translation_uses_the_term_of_the_glossary(tag: str):
    missing = []
    for domain in list_domains(tag):
        for message in read_catalogue(tag, domain):
            if not message.id or wordings(message)[0] in EXEMPT:
                continue
            forms = message.string if isinstance(message.string, tuple) else [message.string]
            for pattern, stems in REQUIRED_STEMS.items():
                if tag in stems and all(is_said(pattern, one) for one in wordings(message)):
                    if not all(has_stem(stems[tag], form or "") for form in forms):
                        missing.append(f"{pattern} → {forms[-1]} ({wordings(message)[0]})")
    assert not missing, "\n".join(missing)


def test_the_checks_find_what_they_look_for():
    assert is_said(r"meetings?", "The meeting has ended.")
    assert not is_said(r"meetings?", "%(meeting)s has ended.")
    assert is_said(r"(?<!per )lines?", "a bad line") and not is_said(
        r"(?<!per )lines?", "One per line"
    )
    assert is_said("لقاء", "انتهى لقاء اليوم") and not is_said("cita", "Se necesita")
