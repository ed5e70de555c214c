"""The messages about meetings and who interprets them."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.notices import NoticeKind, meeting_notice
from app.core.text import N_

_SEE_ENGAGEMENTS_LABEL = N_("See your engagements")
SCHEDULING_NOTICES: Mapping[str, NoticeKind] = {
    "booking_confirmed": meeting_notice(
        N_("Your appointment is agreed"),
        N_("The video meeting of case %(number)s is on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_moved": meeting_notice(
        N_("Your appointment has a new time"),
        N_("The video meeting of case %(number)s is now on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_cancelled": meeting_notice(
        N_("Your appointment was cancelled"),
        N_("The video meeting of case %(number)s on %(starts_at)s will not take place."),
    ),
    "reminder": meeting_notice(
        N_("Your appointment is near"),
        N_("The video meeting of case %(number)s begins on %(starts_at)s."),
        N_("Open the page a few minutes early to try your camera and microphone."),
        names_mode=True,
    ),
    "clock_rules_changed": meeting_notice(
        N_("The clocks have changed for your appointment"),
        N_(
            "A country has changed its clocks. The video meeting of case %(number)s stays at the"
            " same moment, which is now %(starts_at)s for you."
        ),
    ),
    "engagement_proposed": meeting_notice(
        N_("Can you interpret?"),
        N_("You are asked to interpret the video meeting of case %(number)s on %(starts_at)s."),
        N_("Please accept or decline, so that somebody else can be asked in time."),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
        names_mode=True,
    ),
    "credential_expiring": NoticeKind(
        N_("An interpreter’s credential is about to expire"),
        (
            N_(
                "A credential for interpreting expires within the next 60 days. After its last day"
                " its holder cannot be asked for this pair of languages."
            ),
            N_("Please send the new one to the hospital’s office in time."),
        ),
        "scheduling.show_hours",
        N_("See the credentials"),
    ),
    "engagement_agreed": meeting_notice(
        N_("You interpret this meeting"),
        N_("Thank you. The video meeting of case %(number)s is on %(starts_at)s."),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
        names_mode=True,
    ),
    "engagement_ended": meeting_notice(
        N_("You are not needed for a meeting any more"),
        N_(
            "You no longer interpret the video meeting of case %(number)s on %(starts_at)s. You"
            " need to do nothing."
        ),
        endpoint="scheduling.show_engagements",
        action=_SEE_ENGAGEMENTS_LABEL,
    ),
    "engagement_accepted": meeting_notice(
        N_("The interpreter has accepted"),
        N_("The interpreter will be at the video meeting of case %(number)s on %(starts_at)s."),
    ),
    "interpreter_replaced": meeting_notice(
        N_("Another interpreter was asked"),
        N_(
            "For the video meeting of case %(number)s on %(starts_at)s another interpreter has been"
            " asked. The time stays the same."
        ),
    ),
    "interpreter_missing": meeting_notice(
        N_("An interpreter is missing"),
        N_(
            "Nobody is left to interpret the video meeting of case %(number)s on %(starts_at)s. "
            "Please find somebody, or agree another time."
        ),
    ),
}
