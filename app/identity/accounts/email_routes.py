"""Confirming and changing the e-mail address of an account."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from app.core.errors import Invalid
from app.identity import service as identity
from app.identity.accounts import confirmations
from app.identity.accounts.links import (
    AccountLink,
    AccountLinkClosed,
    AccountLinkPurpose,
    open_account_link,
)
from app.identity.permissions import IdentityPermission
from app.identity.routes import blueprint, describe_refusal
from app.identity.sign_in.session_routes import continue_sign_in
from app.web.access import allow_public, require_permission, require_recent_factor
from app.web.context import current_person, db_session, get_person_or_none, get_settings
from app.web.limits import limiter


@blueprint.get("/account/email")
@require_permission(IdentityPermission.PROFILE_WRITE)
def show_email() -> str:
    return render_template("identity/email.html", entered={}, refusal=None)


@blueprint.post("/account/email")
@require_recent_factor
@require_permission(IdentityPermission.PROFILE_WRITE)
@limiter.limit("10/hour", key_func=lambda: "email:" + current_person().id)
def post_email_change() -> str | Response | tuple[str, int]:
    try:
        address = confirmations.request_email_change(
            db_session(),
            current_person(),
            request.form.get("email", ""),
            request.form.get("password", ""),
        )
    except Invalid as refusal:
        page = render_template(
            "identity/email.html", entered=request.form, refusal=describe_refusal(refusal)
        )
        return page, refusal.status
    flash(_("We have sent an e-mail to %(email)s. Open the link in it.", email=address))
    return redirect(url_for("identity.show_email"))


@blueprint.post("/account/email/again")
@require_permission(IdentityPermission.PROFILE_WRITE)
@limiter.limit("5/hour", key_func=lambda: "confirm:" + current_person().id)
def post_confirmation_again() -> Response:
    person = current_person()
    if person.email_confirmed_at is None:
        confirmations.send_confirmation(db_session(), person, person.email)
        flash(_("We have sent an e-mail to %(email)s. Open the link in it.", email=person.email))
    return redirect(url_for("identity.show_email"))


@blueprint.get("/confirm-email/<token>")
@allow_public
def show_email_confirmation(token: str) -> str | tuple[str, int]:
    """Asks before it confirms: programs open the links in mails too."""
    try:
        link = _open_link(token)
    except AccountLinkClosed as closed:
        return render_template("identity/link_closed.html", is_email=True), closed.status
    return _render_confirmation(link, token)


@blueprint.post("/confirm-email/<token>")
@allow_public
@limiter.limit("20/hour", key_func=get_remote_address)
def post_email_confirmation(token: str) -> str | Response | tuple[str, int]:
    """On a device that is not signed in, the password shows that whoever reads the mail also made
    the account: else a stranger could make one for an address and share it with its owner.
    """
    try:
        link = _open_link(token)
        if not _is_signed_in_as_owner(link):
            identity.check_own_password(link.person, request.form.get("password", ""))
        person = confirmations.confirm_address(db_session(), link)
    except AccountLinkClosed as closed:
        return render_template("identity/link_closed.html", is_email=True), closed.status
    except Invalid as refusal:
        return _render_confirmation(link, token, describe_refusal(refusal)), refusal.status
    flash(_("Your e-mail address is confirmed."))
    if get_person_or_none() is None:
        return continue_sign_in(person)
    return redirect(url_for("portal.show_home"))


def _open_link(token: str) -> AccountLink:
    purposes = (AccountLinkPurpose.CONFIRM_EMAIL,)
    return open_account_link(db_session(), get_settings().secret_key, token, purposes)


def _is_signed_in_as_owner(link: AccountLink) -> bool:
    person = get_person_or_none()
    return person is not None and person.id == link.person_id


def _render_confirmation(
    link: AccountLink, token: str, refusal: dict[str, str | None] | None = None
) -> str:
    return render_template(
        "identity/confirm_email.html",
        link=link,
        token=token,
        is_owner=_is_signed_in_as_owner(link),
        refusal=refusal,
    )
