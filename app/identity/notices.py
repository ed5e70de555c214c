"""The messages about an account."""

from __future__ import annotations

from app.core.notices import NoticeKind
from app.core.text import N_
from app.identity.accounts.links import make_reset_links
from app.identity.accounts.service import PASSWORD_CHANGED_NOTICE, RESET_REQUESTED_NOTICE

_OPEN_ACCOUNT_LABEL = N_("Open your account")

IDENTITY_NOTICES = {
    RESET_REQUESTED_NOTICE: NoticeKind(
        N_("Set a new password"),
        (
            N_("Someone asked for a new password for your account."),
            N_(
                "If it was you, use the link in our e-mail. It works once, for one hour. If it was"
                " not you, do nothing. Your password stays as it is."
            ),
        ),
        endpoint="identity.show_account",
        action=_OPEN_ACCOUNT_LABEL,
        make_links=make_reset_links,
    ),
    PASSWORD_CHANGED_NOTICE: NoticeKind(
        N_("Your password was changed"),
        (
            N_("The password of your account was changed, and all devices were signed out."),
            N_("If it was not you, contact the hospital now."),
        ),
        endpoint="identity.show_account",
        action=_OPEN_ACCOUNT_LABEL,
    ),
}
