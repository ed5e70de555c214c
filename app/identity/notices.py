"""The messages about an account."""

from __future__ import annotations

from app.core.notices import NoticeKind
from app.core.text import N_
from app.identity.accounts.links import make_reset_links
from app.identity.accounts.service import PASSWORD_CHANGED_NOTICE, RESET_REQUESTED_NOTICE
from app.identity.factors.proofs import FACTOR_GUESSED_NOTICE, RECOVERY_CODE_USED_NOTICE
from app.identity.factors.service import FACTORS_CHANGED_NOTICE

_OPEN_ACCOUNT_LABEL = N_("Open your account")
_OPEN_SECURITY_LABEL = N_("Open sign-in and security")
_NOT_YOU = N_("If it was not you, contact the hospital now.")

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
            _NOT_YOU,
        ),
        endpoint="identity.show_account",
        action=_OPEN_ACCOUNT_LABEL,
    ),
    FACTORS_CHANGED_NOTICE: NoticeKind(
        N_("The second step of your sign-in was changed"),
        (
            N_("A passkey or an authenticator app was added to your account or removed from it."),
            _NOT_YOU,
        ),
        endpoint="identity.show_security",
        action=_OPEN_SECURITY_LABEL,
    ),
    RECOVERY_CODE_USED_NOTICE: NoticeKind(
        N_("A recovery code was used"),
        (
            N_("Someone signed in to your account with one of your recovery codes."),
            N_(
                "If it was you, check how many codes are left. If it was not you, contact the"
                " hospital now."
            ),
        ),
        endpoint="identity.show_security",
        action=_OPEN_SECURITY_LABEL,
    ),
    FACTOR_GUESSED_NOTICE: NoticeKind(
        N_("Someone may know your password"),
        (
            N_("Several wrong codes were entered at the second step of your sign-in."),
            N_("If it was not you, change your password now."),
        ),
        endpoint="identity.show_security",
        action=_OPEN_SECURITY_LABEL,
    ),
}
