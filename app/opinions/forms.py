"""From what the editor posts to a `Draft`."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid
from app.core.text import N_
from app.opinions.content import Advice
from app.opinions.models import Urgency
from app.opinions.service import Draft

_ROW = re.compile(r"rec-(\d{1,4})-text")


def draft_from(form: MultiDict[str, str]) -> Draft:
    """`version`, `answer-<number>`, `agreement`, `diagnosis`,
    `rec-<n>-text|rationale|urgency|citations` in the order of the page, `further_tests`, `limits`.
    Rows of recommendations that are wholly empty are dropped.
    """
    return Draft(
        version=version_from(form),
        answers={
            int(name.removeprefix("answer-")): _clean(value)
            for name, value in form.items()
            if re.fullmatch(r"answer-\d{1,3}", name)
        },
        agreement=form.get("agreement") or None,
        diagnosis=_clean(form.get("diagnosis", "")),
        recommendations=tuple(
            advice for advice in _rows(form) if advice.text or advice.rationale or advice.citations
        ),
        further_tests=_clean(form.get("further_tests", "")),
        limits=_clean(form.get("limits", "")),
    )


def version_from(form: MultiDict[str, str]) -> int:
    try:
        return int(form.get("version", ""))
    except ValueError:
        raise Invalid(
            N_("This page is not complete. Please reload it and try again."), field="version"
        ) from None


def _rows(form: MultiDict[str, str]) -> list[Advice]:
    rows = [found.group(1) for name in form if (found := _ROW.fullmatch(name))]
    return [
        Advice(
            text=_clean(form.get(f"rec-{row}-text", "")),
            rationale=_clean(form.get(f"rec-{row}-rationale", "")),
            urgency=form.get(f"rec-{row}-urgency") or Urgency.ROUTINE,
            citations=tuple(
                line.strip()
                for line in form.get(f"rec-{row}-citations", "").splitlines()
                if line.strip()
            ),
        )
        for row in rows
    ]


def _clean(text: str) -> str:
    """One kind of line end; no control characters, which neither a page nor a PDF can show."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    return "".join(character for character in text if character in "\n\t" or ord(character) >= 32)
