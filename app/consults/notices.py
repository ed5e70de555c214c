"""The messages about consultations."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind, meeting_notice
from app.core.text import N_

CONSULT_NOTICES: Mapping[str, NoticeKind] = {
    "interpreter_called": meeting_notice(
        N_("You are needed in a consultation"),
        N_(
            "The hospital’s office asks you to interpret in the consultation of case"
            " %(number)s. Your place is reserved. Please join now."
        ),
        endpoint="consults.show_consult",
        action=N_("Go to the consultation"),
    ),
    "consult_ended": NoticeKind(
        N_("Your consultation has ended"),
        (
            N_(
                "The consultation of case %(number)s is over. The specialist now writes the"
                " opinion."
            ),
        ),
    ),
}
