"""The messages about a case and the people on it."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind
from app.core.text import N_

CASE_NOTICES: Mapping[str, NoticeKind] = {
    "case_submitted": NoticeKind(
        N_("A new case has arrived"),
        (N_("Case %(number)s was sent to the hospital and waits for a first look."),),
    ),
    "records_requested": NoticeKind(
        N_("We need one more record from you"),
        (
            N_(
                "To go on with case %(number)s we need something more from you. The case page says"
                " what it is."
            ),
        ),
    ),
    "records_provided": NoticeKind(
        N_("Records that you asked for have arrived"),
        (
            N_(
                "The patient has sent more records for case %(number)s. Please look whether it is"
                " complete now."
            ),
        ),
    ),
    "case_accepted": NoticeKind(
        N_("Your case is complete"),
        (
            N_("The hospital has everything it needs for case %(number)s."),
            N_(
                "Next comes the appointment, or the written opinion if you asked for one without a"
                " meeting."
            ),
        ),
    ),
    "case_declined": NoticeKind(
        N_("The hospital cannot take your case"),
        (N_("We are sorry: the hospital cannot take case %(number)s. The case page says why."),),
    ),
    "case_withdrawn": NoticeKind(
        N_("A case was withdrawn"),
        (N_("Case %(number)s was withdrawn. You need to do nothing more."),),
    ),
    "file_opened": NoticeKind(
        N_("The hospital’s office opened your records"),
        (
            N_(
                "A coordinator opened the records of case %(number)s and had to say why. "
                "The case page shows who it was, when, and the reason."
            ),
        ),
    ),
    "specialist_assigned": NoticeKind(
        N_("You have a new case"),
        (N_("Case %(number)s was given to you. Its records are ready for you to read."),),
    ),
    "interpreter_assigned": NoticeKind(
        N_("You have been asked to interpret"),
        (
            N_(
                "You were named as the interpreter of case %(number)s. You will be told when a time"
                " is agreed."
            ),
        ),
    ),
}
