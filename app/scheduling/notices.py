"""The messages about meetings and who interprets them."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind, meeting_notice
from app.core.text import N_

_SEE_ENGAGEMENTS_LABEL = N_("See your engagements")
SCHEDULING_NOTICES: Mapping[str, NoticeKind] = {
    "booking_confirmed": meeting_notice(
        N_("Your consultation is booked"),
        N_("The consultation of case %(number)s is on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_moved": meeting_notice(
        N_("Your consultation has a new time"),
        N_("The consultation of case %(number)s is now on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_cancelled": meeting_notice(
        N_("Your consultation was cancelled"),
        N_("The consultation of case %(number)s on %(starts_at)s will not take place."),
    ),
    "reminder": meeting_notice(
        N_("Your consultation is soon"),
        N_("The consultation of case %(number)s starts on %(starts_at)s."),
        N_("Open the page a few minutes early to test your camera and microphone."),
        names_mode=True,
    ),
    "clock_rules_changed": meeting_notice(
        N_("The clocks have changed for your consultation"),
        N_(
            "A country has changed its clock rules. The consultation of case %(number)s"
            " stays at the same moment, which is now %(starts_at)s for you."
        ),
    ),
    "engagement_proposed": meeting_notice(
        N_("Can you interpret?"),
        N_("You are asked to interpret in the consultation of case %(number)s on %(starts_at)s."),
        N_("Accept or decline, so that we can ask someone else in time."),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
        names_mode=True,
    ),
    "credential_expiring": NoticeKind(
        N_("An interpreter’s credential expires soon"),
        (
            N_(
                "A credential for interpreting expires within the next 60 days. After its"
                " last day, its holder can no longer be asked to interpret in this language"
                " pair."
            ),
            N_("Send the new one to the hospital’s office in time."),
        ),
        "scheduling.show_hours",
        N_("See the credentials"),
    ),
    "engagement_agreed": meeting_notice(
        N_("You interpret in this consultation"),
        N_("Thank you. The consultation of case %(number)s is on %(starts_at)s."),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
        names_mode=True,
    ),
    "engagement_ended": meeting_notice(
        N_("You are no longer needed for a consultation"),
        N_(
            "You no longer interpret in the consultation of case %(number)s on"
            " %(starts_at)s. You do not need to do anything."
        ),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
    ),
    "engagement_accepted": meeting_notice(
        N_("The interpreter has accepted"),
        N_(
            "The interpreter will take part in the consultation of case %(number)s on"
            " %(starts_at)s."
        ),
    ),
    "interpreter_replaced": meeting_notice(
        N_("Another interpreter was asked"),
        N_(
            "Another interpreter was asked for the consultation of case %(number)s on"
            " %(starts_at)s. The time stays the same."
        ),
    ),
    "specialist_left": meeting_notice(
        N_("A consultation needs another specialist"),
        N_(
            "The specialist of case %(number)s no longer works at the hospital. Choose another"
            " specialist for the consultation on %(starts_at)s, or cancel it."
        ),
    ),
    "interpreter_missing": meeting_notice(
        N_("An interpreter is missing"),
        N_(
            "No interpreter is left for the consultation of case %(number)s on"
            " %(starts_at)s. Find an interpreter, or choose another time."
        ),
    ),
}
