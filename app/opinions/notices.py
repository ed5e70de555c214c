"""The messages about opinions."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind
from app.core.text import N_

_READ_OPINION_LABEL = N_("Read the opinion")
OPINION_NOTICES: Mapping[str, NoticeKind] = {
    "opinion_signed": NoticeKind(
        N_("An opinion was signed"),
        (N_("The opinion of case %(number)s is signed and waits for its release to the patient."),),
        "opinions.show_opinion",
        N_("Look at the opinion"),
    ),
    "opinion_addendum": NoticeKind(
        N_("Something was added to your opinion"),
        (N_("The specialist has added a note to the opinion of case %(number)s."),),
        "opinions.show_opinion",
        _READ_OPINION_LABEL,
    ),
    "opinion_released": NoticeKind(
        N_("Your second opinion is ready"),
        (
            N_(
                "The opinion of case %(number)s is signed. You can read it now, and download it as"
                " a PDF."
            ),
        ),
        "opinions.show_opinion",
        _READ_OPINION_LABEL,
    ),
}
