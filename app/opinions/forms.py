"""From what the editor posts to a ``OpinionDraft``."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid
from app.core.text import N_
from app.opinions.content import RecommendationContent
from app.opinions.models import RecommendationUrgency
from app.opinions.service import OpinionDraft

_RECOMMENDATION_FIELD = re.compile(r"rec-(\d{1,4})-text")


def read_opinion_draft(form: MultiDict[str, str]) -> OpinionDraft:
    """``version``, ``answer-<number>``, ``agreement``, ``diagnosis``,
    ``rec-<n>-text|rationale|urgency|citations`` in the order of the page, ``further_tests``,
    ``limits``. Rows of recommendations that are wholly empty are dropped.
    """
    return OpinionDraft(
        version=read_opinion_version(form),
        answers={
            int(name.removeprefix("answer-")): _normalize_text(value)
            for name, value in form.items()
            if re.fullmatch(r"answer-\d{1,3}", name)
        },
        agreement=form.get("agreement") or None,
        diagnosis=_normalize_text(form.get("diagnosis", "")),
        recommendations=tuple(
            advice
            for advice in _read_recommendations(form)
            if advice.text or advice.rationale or advice.citations
        ),
        further_tests=_normalize_text(form.get("further_tests", "")),
        limits=_normalize_text(form.get("limits", "")),
    )


def read_opinion_version(form: MultiDict[str, str]) -> int:
    try:
        return int(form.get("version", ""))
    except ValueError:
        raise Invalid(
            N_("This page is not complete. Reload it and try again."), field="version"
        ) from None


def _read_recommendations(form: MultiDict[str, str]) -> list[RecommendationContent]:
    rows = [found.group(1) for name in form if (found := _RECOMMENDATION_FIELD.fullmatch(name))]
    return [
        RecommendationContent(
            text=_normalize_text(form.get(f"rec-{row}-text", "")),
            rationale=_normalize_text(form.get(f"rec-{row}-rationale", "")),
            urgency=form.get(f"rec-{row}-urgency") or RecommendationUrgency.ROUTINE,
            citations=tuple(
                line.strip()
                for line in form.get(f"rec-{row}-citations", "").splitlines()
                if line.strip()
            ),
        )
        for row in rows
    ]


def _normalize_text(text: str) -> str:
    """One kind of line end; no control characters, which neither a page nor a PDF can show."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(character for character in text if character in "\n\t" or ord(character) >= 32)
