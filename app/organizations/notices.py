"""The messages about roles and offices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from app.core.notices import NoticeKind
from app.core.text import N_
from app.identity.accounts.links import make_reset_links
from app.organizations.people.invitations import ACCOUNT_INVITED_NOTICE


def make_set_up_links(secret_key: str, facts: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    """Words and path for the mail that invites somebody."""
    return [(N_("Set up your account"), path) for _, path in make_reset_links(secret_key, facts)]


ORGANIZATION_NOTICES = {
    ACCOUNT_INVITED_NOTICE: NoticeKind(
        N_("You are invited to work here"),
        (
            N_("The hospital has made an account for you."),
            N_(
                "Use the link in our e-mail to choose a password. The link works once, within 7"
                " days."
            ),
        ),
        endpoint="identity.show_account",
        action=N_("Open your account"),
        make_links=make_set_up_links,
    ),
}
