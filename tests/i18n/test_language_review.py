"""The review of what people decide by shows the words that are in use."""

from __future__ import annotations

import re
from pathlib import Path

from app.i18n.gathering import gather_messages, list_translated_languages, read_catalogue
from app.i18n.locales import LOCALES

REVIEW = Path(__file__).parents[2] / "docs" / "language-review.md"
MIN_ROWS = 40  # of each language
# Sources whose every sentence is reviewed.
REVIEWED_WHOLE = ("cases/consents.py",)
LABEL_MAX_CHARACTERS = 45  # the consents' labels are no sentences


def read_review() -> dict[str, list[list[str]]]:
    """The rows of each language, by the language's English name."""
    chapters = re.split(r"^## ", REVIEW.read_text(), flags=re.M)[1:]
    return {
        chapter.partition("\n")[0]: [
            [cell.strip() for cell in line.strip("|").split(" | ")]
            for line in chapter.splitlines()
            if line.startswith("| ") and not line.startswith("| source")
        ]
        for chapter in chapters
    }


def test_every_language_is_reviewed_and_shows_the_words_in_use():
    review = read_review()
    for tag in list_translated_languages():
        name = {"zh-Hans": "Simplified Chinese"}.get(tag) or LOCALES[tag].locale.english_name
        rows, catalogue = review[name], read_catalogue(tag)
        assert len(rows) >= MIN_ROWS
        for source, translation, back, verdict in rows:
            message = catalogue.get(source)
            assert message is not None, f"{name}: no longer said: {source}"
            assert message.string == translation, f"{name}: review again: {source}"
            assert back and verdict.startswith("same"), f"{name}: not settled: {source}"


def test_every_sentence_of_a_consent_is_reviewed():
    wanted = {
        message.id
        for message in gather_messages()
        if message.id and {file for file, _ in message.locations} & set(REVIEWED_WHOLE)
        if len(message.id) > LABEL_MAX_CHARACTERS
    }
    for name, rows in read_review().items():
        assert wanted <= {row[0] for row in rows}, name
