"""The messages about records."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind
from app.core.text import N_

RECORD_NOTICES: Mapping[str, NoticeKind] = {
    "record_refused": NoticeKind(
        N_("We could not use one of your files"),
        (
            N_(
                "A file that you sent for case %(number)s did not pass our checks. "
                "The case page says which one and why."
            ),
        ),
    ),
    "record_quarantined": NoticeKind(
        N_("We are checking one of your files"),
        (
            N_(
                "The hospital needs to look more closely at a file that you sent for case"
                " %(number)s. You do not need to do anything."
            ),
        ),
    ),
    "record_opened_with_reason": NoticeKind(
        N_("The hospital’s office opened one of your records"),
        (
            N_(
                "A coordinator opened a record of case %(number)s and had to give a reason."
                " The case page shows who it was, when, and the reason."
            ),
        ),
    ),
}
