"""Every message that Consilium sends: its title, its sentences, and the page it leads to. No
clinical word in any.

Placeholders: `%(number)s` is the case's number; a fact whose name ends in `_at` is an instant,
shown in the reader's zone. A meeting's message carries `starts_at` and lists everyone's local time
below its sentences. One that tells of a meeting to come says so, too, where it is interpreted
simultaneously: who hears, and who speaks, prepares for it.
"""

from __future__ import annotations

from dataclasses import dataclass

from app.core.text import N_


@dataclass(frozen=True)
class NoticeKind:
    title: str
    sentences: tuple[str, ...]
    page: str = "/cases/{case_id}"
    action: str = N_("Open the case")
    is_meeting: bool = False
    names_mode: bool = False


def _meeting_notice(
    title: str,
    *sentences: str,
    page: str = "/cases/{case_id}",
    action: str = N_("Open the case"),
    names_mode: bool = False,
) -> NoticeKind:
    return NoticeKind(title, sentences, page, action, is_meeting=True, names_mode=names_mode)


_ENGAGEMENTS_PATH = "/engagements"
_SEE_ENGAGEMENTS_LABEL = N_("See your engagements")
_OPINION_PATH = "/cases/{case_id}/opinion"
_READ_OPINION_LABEL = N_("Read the opinion")

NOTICE_KINDS: dict[str, NoticeKind] = {
    # the request
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
    "record_refused": NoticeKind(
        N_("One of your files could not be used"),
        (
            N_(
                "A file that you sent for case %(number)s did not pass our checks. "
                "The case page says which one and why."
            ),
        ),
    ),
    "record_quarantined": NoticeKind(
        N_("We are looking at one of your files"),
        (
            N_(
                "A file that you sent for case %(number)s needs a closer look by the hospital. You"
                " need to do nothing."
            ),
        ),
    ),
    "record_opened_with_reason": NoticeKind(
        N_("The hospital’s office opened one of your records"),
        (
            N_(
                "A coordinator opened a record of case %(number)s and had to say why. "
                "The case page shows who it was, when, and the reason."
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
    # people
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
    # meetings
    "booking_confirmed": _meeting_notice(
        N_("Your appointment is agreed"),
        N_("The video meeting of case %(number)s is on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_moved": _meeting_notice(
        N_("Your appointment has a new time"),
        N_("The video meeting of case %(number)s is now on %(starts_at)s."),
        names_mode=True,
    ),
    "booking_cancelled": _meeting_notice(
        N_("Your appointment was cancelled"),
        N_("The video meeting of case %(number)s on %(starts_at)s will not take place."),
    ),
    "reminder": _meeting_notice(
        N_("Your appointment is near"),
        N_("The video meeting of case %(number)s begins on %(starts_at)s."),
        N_("Open the page a few minutes early to try your camera and microphone."),
        names_mode=True,
    ),
    "clock_rules_changed": _meeting_notice(
        N_("The clocks have changed for your appointment"),
        N_(
            "A country has changed its clocks. The video meeting of case %(number)s stays at the"
            " same moment, which is now %(starts_at)s for you."
        ),
    ),
    "engagement_proposed": _meeting_notice(
        N_("Can you interpret?"),
        N_("You are asked to interpret the video meeting of case %(number)s on %(starts_at)s."),
        N_("Please accept or decline, so that somebody else can be asked in time."),
        page=_ENGAGEMENTS_PATH,
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
        "/hours",
        N_("See the credentials"),
    ),
    "engagement_agreed": _meeting_notice(
        N_("You interpret this meeting"),
        N_("Thank you. The video meeting of case %(number)s is on %(starts_at)s."),
        page=_ENGAGEMENTS_PATH,
        action=_SEE_ENGAGEMENTS_LABEL,
        names_mode=True,
    ),
    "engagement_ended": _meeting_notice(
        N_("You are not needed for a meeting any more"),
        N_(
            "You no longer interpret the video meeting of case %(number)s on %(starts_at)s. You"
            " need to do nothing."
        ),
        page=_ENGAGEMENTS_PATH,
        action=_SEE_ENGAGEMENTS_LABEL,
    ),
    "engagement_accepted": _meeting_notice(
        N_("The interpreter has accepted"),
        N_("The interpreter will be at the video meeting of case %(number)s on %(starts_at)s."),
    ),
    "interpreter_replaced": _meeting_notice(
        N_("Another interpreter was asked"),
        N_(
            "For the video meeting of case %(number)s on %(starts_at)s another interpreter has been"
            " asked. The time stays the same."
        ),
    ),
    "interpreter_missing": _meeting_notice(
        N_("An interpreter is missing"),
        N_(
            "Nobody is left to interpret the video meeting of case %(number)s on %(starts_at)s. "
            "Please find somebody, or agree another time."
        ),
    ),
    "interpreter_called": _meeting_notice(
        N_("You are asked into a consultation"),
        N_(
            "The hospital’s office asks you to interpret in the consultation of case %(number)s. "
            "A place is kept for you; please come in."
        ),
        page="/consults/{consult_id}",
        action=N_("Go to the consultation"),
    ),
    "consult_ended": NoticeKind(
        N_("Your meeting has ended"),
        (
            N_(
                "The video meeting of case %(number)s is over. The specialist now writes the"
                " opinion."
            ),
        ),
    ),
    # the opinion
    "opinion_signed": NoticeKind(
        N_("An opinion was signed"),
        (N_("The opinion of case %(number)s is signed and waits for its release to the patient."),),
        _OPINION_PATH,
        N_("Look at the opinion"),
    ),
    "opinion_addendum": NoticeKind(
        N_("Something was added to your opinion"),
        (N_("The specialist has added a note to the opinion of case %(number)s."),),
        _OPINION_PATH,
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
        _OPINION_PATH,
        _READ_OPINION_LABEL,
    ),
}
