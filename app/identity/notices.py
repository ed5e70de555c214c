"""The messages about an account."""

from __future__ import annotations

from app.core.notices import NoticeKind
from app.core.text import N_
from app.identity.accounts.confirmations import (
    ADDRESS_KNOWN_NOTICE,
    CONFIRM_EMAIL_NOTICE,
    EMAIL_CHANGED_NOTICE,
)
from app.identity.accounts.links import (
    SIGN_IN_ENDPOINT,
    make_confirmation_links,
    make_forgotten_password_links,
    make_reset_links,
)
from app.identity.accounts.service import PASSWORD_CHANGED_NOTICE, RESET_REQUESTED_NOTICE
from app.identity.factors.proofs import FACTOR_GUESSED_NOTICE, RECOVERY_CODE_USED_NOTICE
from app.identity.factors.service import FACTORS_CHANGED_NOTICE
from app.identity.service import NEW_DEVICE_NOTICE

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
    CONFIRM_EMAIL_NOTICE: NoticeKind(
        N_("Confirm your e-mail address"),
        (
            N_("Someone entered this address for an account here. If it was you, confirm it."),
            N_("The link works once, for two days. If it was not you, do nothing."),
        ),
        endpoint="identity.show_account",
        action=_OPEN_ACCOUNT_LABEL,
        make_links=make_confirmation_links,
    ),
    ADDRESS_KNOWN_NOTICE: NoticeKind(
        N_("You already have an account"),
        (
            N_("Someone entered your address for a new account. You already have one."),
            N_(
                "If it was you, sign in to it and send your request from there. If it was not you,"
                " do nothing. Nobody else has come into your account."
            ),
        ),
        endpoint=SIGN_IN_ENDPOINT,
        action=N_("Sign in"),
        make_links=make_forgotten_password_links,
    ),
    EMAIL_CHANGED_NOTICE: NoticeKind(
        N_("Your e-mail address was changed"),
        (
            N_(
                "The e-mail address of your account was changed, and all other devices were signed"
                " out. We write to the old address and to the new one."
            ),
            _NOT_YOU,
        ),
        endpoint="identity.show_account",
        action=_OPEN_ACCOUNT_LABEL,
    ),
    NEW_DEVICE_NOTICE: NoticeKind(
        N_("A new device signed in to your account"),
        (
            N_("Your account was opened with %(device_name)s on %(signed_in_at)s."),
            N_("If it was not you, change your password and sign out all other devices."),
        ),
        endpoint="identity.show_security",
        action=_OPEN_SECURITY_LABEL,
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
