"""The messages about a case and the people on it."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind
from app.core.text import N_

CASE_NOTICES: Mapping[str, NoticeKind] = {
    "case_submitted": NoticeKind(
        N_("A new case has arrived"),
        (N_("Case %(number)s was sent to the hospital and is waiting for its first check."),),
    ),
    "records_requested": NoticeKind(
        N_("We need another record from you"),
        (
            N_(
                "We need another record before we can continue with case %(number)s. The"
                " case page says which one."
            ),
        ),
    ),
    "records_provided": NoticeKind(
        N_("Records that you asked for have arrived"),
        (
            N_(
                "The patient has sent more records for case %(number)s. Check whether it is"
                " complete now."
            ),
        ),
    ),
    "case_accepted": NoticeKind(
        N_("The hospital accepted your case"),
        (
            N_("The hospital has everything it needs for case %(number)s."),
            N_(
                "The next step is the consultation, or the written opinion if you asked for"
                " an opinion in writing only."
            ),
        ),
    ),
    "case_declined": NoticeKind(
        N_("The hospital cannot take your case"),
        (N_("We are sorry. The hospital cannot take case %(number)s. The case page says why."),),
    ),
    "person_left_case": NoticeKind(
        N_("A case needs another person"),
        (
            N_(
                "A person who worked on case %(number)s no longer works at the hospital. Assign"
                " another person."
            ),
        ),
    ),
    "case_withdrawn": NoticeKind(
        N_("A case was withdrawn"),
        (N_("Case %(number)s was withdrawn. You do not need to do anything."),),
    ),
    "file_opened": NoticeKind(
        N_("The hospital’s office opened your records"),
        (
            N_(
                "A coordinator opened the records of case %(number)s and had to give a"
                " reason. The case page shows who it was, when, and the reason."
            ),
        ),
    ),
    "specialist_assigned": NoticeKind(
        N_("You have a new case"),
        (N_("Case %(number)s was assigned to you. You can now read its records."),),
    ),
    "interpreter_assigned": NoticeKind(
        N_("You are asked to interpret"),
        (
            N_(
                "You were asked to interpret for case %(number)s. We will tell you when a"
                " time is booked."
            ),
        ),
    ),
}
