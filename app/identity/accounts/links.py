"""Links that are good once: to set up an account, and to set a new password.

A link's secret is a signature over the id of its row, so nothing that opens an account lies in the
database. A link ends with its first use, with its time, and when a newer one is made for the same
purpose.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import ForeignKey, String, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from app.core.clock import now
from app.core.columns import UtcDateTime
from app.core.db import Base
from app.core.errors import Refusal
from app.core.ids import new_id
from app.core.slices import get_slices
from app.core.text import N_
from app.identity.models import Person


class AccountLinkPurpose(StrEnum):
    """Stored: a value never changes."""

    SET_UP = "set_up"
    RESET_PASSWORD = "reset_password"
    CONFIRM_EMAIL = "confirm_email"


ACCOUNT_LINK_LIFETIMES = {
    AccountLinkPurpose.SET_UP: timedelta(days=7),
    AccountLinkPurpose.RESET_PASSWORD: timedelta(hours=1),
    AccountLinkPurpose.CONFIRM_EMAIL: timedelta(days=2),
}
SET_PASSWORD_ENDPOINT = "identity.show_password_setting"
CONFIRM_EMAIL_ENDPOINT = "identity.show_email_confirmation"
SIGN_IN_ENDPOINT = "identity.show_sign_in"
FORGOTTEN_PASSWORD_ENDPOINT = "identity.show_forgotten_password"


PASSWORD_PURPOSES = (AccountLinkPurpose.SET_UP, AccountLinkPurpose.RESET_PASSWORD)


class AccountLink(Base):
    """One link that was given to one person."""

    __tablename__ = "account_links"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id"), index=True)
    purpose: Mapped[str] = mapped_column(String(16))
    address: Mapped[str | None] = mapped_column(String(254))
    """The e-mail address that the link confirms."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    person: Mapped[Person] = relationship()


class AccountLinkClosed(Refusal):
    """The link was used, has expired, was replaced, or never was one."""

    status = 410
    default = N_("This link is no longer valid. Ask for a new one.")


def create_account_link(
    session: Session, person: Person, purpose: AccountLinkPurpose, address: str | None = None
) -> AccountLink:
    """A new link. Earlier ones for the same purpose no longer work."""
    session.execute(
        update(AccountLink)
        .where(
            AccountLink.person_id == person.id,
            AccountLink.purpose == purpose,
            AccountLink.ended_at.is_(None),
        )
        .values(ended_at=now())
    )
    link = AccountLink(
        person_id=person.id,
        purpose=purpose,
        address=address,
        expires_at=now() + ACCOUNT_LINK_LIFETIMES[purpose],
    )
    session.add(link)
    session.flush()
    return link


def build_account_link_path(secret_key: str, link_id: str) -> str:
    """The link's address from the root of the site on."""
    token = _account_link_signer(secret_key).dumps(link_id)
    return get_slices().build_path(SET_PASSWORD_ENDPOINT, {"token": token})


def build_confirmation_path(secret_key: str, link_id: str) -> str:
    """The address of a link that confirms an e-mail address."""
    token = _account_link_signer(secret_key).dumps(link_id)
    return get_slices().build_path(CONFIRM_EMAIL_ENDPOINT, {"token": token})


def open_account_link(
    session: Session, secret_key: str, token: str, purposes: Collection[AccountLinkPurpose]
) -> AccountLink:
    """The link behind a token, which is for one of these purposes. Raises ``AccountLinkClosed``,
    the same whatever is wrong with it.
    """
    try:
        link = session.get(AccountLink, str(_account_link_signer(secret_key).loads(token)))
    except BadSignature:
        raise AccountLinkClosed from None
    if link is None or link.purpose not in purposes:
        raise AccountLinkClosed
    if link.ended_at is not None or link.expires_at <= now():
        raise AccountLinkClosed
    if not link.person.active:
        raise AccountLinkClosed
    return link


def make_reset_links(secret_key: str, facts: Mapping[str, object]) -> Sequence[tuple[str, str]]:
    """Words and path for the mail about a forgotten password."""
    link_id = str(facts["link_id"])
    return [(N_("Set a new password"), build_account_link_path(secret_key, link_id))]


def make_confirmation_links(
    secret_key: str, facts: Mapping[str, object]
) -> Sequence[tuple[str, str]]:
    """Words and path for the mail that confirms an address."""
    path = build_confirmation_path(secret_key, str(facts["link_id"]))
    return [(N_("Confirm this e-mail address"), path)]


def make_forgotten_password_links(
    _secret_key: str, _facts: Mapping[str, object]
) -> Sequence[tuple[str, str]]:
    """Words and path for the mail to someone who has an account already."""
    path = get_slices().build_path(FORGOTTEN_PASSWORD_ENDPOINT, {})
    return [(N_("Forgot your password?"), path)]


def _account_link_signer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt="account-link")
