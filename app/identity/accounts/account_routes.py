"""A forgotten password, and the page on which a link sets one."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from app.core.errors import Invalid
from app.identity.accounts import service
from app.identity.accounts.links import PASSWORD_PURPOSES, AccountLinkClosed, open_account_link
from app.identity.permissions import IdentityPermission
from app.identity.routes import blueprint, describe_refusal
from app.identity.sign_in.session_routes import continue_sign_in
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_settings
from app.web.limits import limiter


@blueprint.get("/forgot-password")
@allow_public
def show_forgotten_password() -> str:
    return render_template("identity/forgot_password.html", sent_to=None)


@blueprint.post("/forgot-password")
@allow_public
@limiter.limit("20/hour", key_func=get_remote_address)
@limiter.limit(
    "5/hour", key_func=lambda: "reset:" + request.form.get("email", "").strip().lower()[:254]
)
def post_forgotten_password() -> str:
    """The answer is the same whether or not an account has this address."""
    email = request.form.get("email", "").strip()[:254]
    service.request_password_reset(db_session(), email)
    return render_template("identity/forgot_password.html", sent_to=email)


@blueprint.get("/account/password")
@require_permission(IdentityPermission.PROFILE_WRITE)
def show_password_change() -> str:
    return render_template("identity/change_password.html", refusal=None)


@blueprint.post("/account/password")
@require_permission(IdentityPermission.PROFILE_WRITE)
@limiter.limit("10/hour", key_func=lambda: "password:" + current_person().id)
def post_password_change() -> str | Response | tuple[str, int]:
    try:
        service.change_password(
            db_session(),
            current_person(),
            request.form.get("present_password", ""),
            request.form.get("password", ""),
        )
    except Invalid as refusal:
        page = render_template("identity/change_password.html", refusal=describe_refusal(refusal))
        return page, refusal.status
    flash(_("Your password is changed. All other devices are signed out."))
    return redirect(url_for("identity.show_security"))


@blueprint.get("/set-password/<token>")
@allow_public
def show_password_setting(token: str) -> str | tuple[str, int]:
    try:
        link = open_account_link(db_session(), get_settings().secret_key, token, PASSWORD_PURPOSES)
    except AccountLinkClosed as closed:
        return render_template("identity/link_closed.html"), closed.status
    return render_template("identity/set_password.html", link=link, token=token, refusal=None)


@blueprint.post("/set-password/<token>")
@allow_public
@limiter.limit("20/hour", key_func=get_remote_address)
def post_password_setting(token: str) -> str | Response | tuple[str, int]:
    try:
        link = open_account_link(db_session(), get_settings().secret_key, token, PASSWORD_PURPOSES)
        person = service.set_password(db_session(), link, request.form.get("password", ""))
    except AccountLinkClosed as closed:
        return render_template("identity/link_closed.html"), closed.status
    except Invalid as refusal:
        page = render_template(
            "identity/set_password.html", link=link, token=token, refusal=describe_refusal(refusal)
        )
        return page, refusal.status
    flash(_("Your password is set."))
    return continue_sign_in(person)
