"""Sign-up, sign-in, sign-out, profile and devices."""

from __future__ import annotations

from dataclasses import asdict

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import logout_user
from werkzeug.wrappers import Response

from app.core.clock import now
from app.core.errors import Refusal
from app.core.permissions import Role
from app.i18n.formats import CLDR_ZONE_NAMES
from app.i18n.zones import list_zone_choices
from app.identity import forms, queries, service
from app.identity.accounts import confirmations
from app.identity.permissions import IdentityPermission
from app.identity.sign_in.devices import parse_device_names
from app.identity.sign_in.session_routes import continue_sign_in, start_session
from app.identity.verbs import IdentityAuditVerb
from app.web.access import allow_public, allow_without_factor, require_permission
from app.web.context import current_person, db_session, get_person_or_none
from app.web.errors import translate_refusal
from app.web.limits import limiter
from app.web.locale import get_current_language, get_safe_redirect

blueprint = Blueprint("identity", __name__, template_folder="templates")


@blueprint.get("/sign-up")
@allow_public
def show_sign_up() -> str | Response:
    if get_person_or_none():
        return redirect(url_for("portal.show_home"))
    return render_template(
        "identity/sign_up.html", entered=request.args, refusal=None, **_form_choices()
    )


@blueprint.post("/sign-up")
@allow_public
@limiter.limit("20/hour", key_func=get_remote_address)
def post_sign_up() -> str | Response | tuple[str, int]:
    try:
        person = confirmations.sign_up(db_session(), forms.read_registration(request.form))
    except Refusal as refusal:
        page = render_template(
            "identity/sign_up.html",
            entered=request.form,
            refusal=describe_refusal(refusal),
            **_form_choices(),
        )
        return page, refusal.status
    start_session(person)
    flash(_("We have sent an e-mail to %(email)s. Open the link in it.", email=person.email))
    return redirect(get_safe_redirect(request.form.get("next")) or url_for("portal.show_home"))


@blueprint.get("/sign-in")
@allow_public
def show_sign_in() -> str | Response:
    if get_person_or_none():
        return redirect(get_safe_redirect(request.args.get("next")) or url_for("portal.show_home"))
    return render_template("identity/sign_in.html", entered=request.args, refusal=None)


@blueprint.post("/sign-in")
@allow_public
@limiter.limit("10/minute;100/hour", key_func=get_remote_address)
@limiter.limit(
    "10/minute", key_func=lambda: "sign-in:" + request.form.get("email", "").strip().lower()[:254]
)
def post_sign_in() -> str | Response | tuple[str, int]:
    try:
        person = service.check_password(
            db_session(), request.form.get("email", ""), request.form.get("password", "")
        )
    except Refusal as refusal:
        return (
            render_template(
                "identity/sign_in.html", entered=request.form, refusal=describe_refusal(refusal)
            ),
            refusal.status,
        )
    return continue_sign_in(person, get_safe_redirect(request.form.get("next")))


@blueprint.post("/sign-out")
@allow_without_factor
@require_permission(IdentityPermission.SESSION_WRITE)
def post_sign_out() -> Response:
    person = current_person()
    service.end_sign_in(db_session(), person, person.get_id())
    logout_user()
    response = redirect(url_for("portal.show_landing_page"))
    # Cookies stay: the next page says in which language to go on, and the session in it is over.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


@blueprint.get("/account")
@require_permission(IdentityPermission.PROFILE_READ)
def show_account() -> str:
    return _render_account(asdict(forms.build_profile(current_person())), None)


@blueprint.post("/account")
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_account() -> str | Response | tuple[str, int]:
    was = current_person().timezone
    try:
        service.change_person_profile(
            db_session(), current_person(), forms.read_profile(request.form)
        )
    except Refusal as refusal:
        return _render_account(request.form, describe_refusal(refusal)), refusal.status
    session.pop("language", None)
    flash(_("Your details are saved."))
    if current_person().timezone != was and current_person().role in (
        Role.SPECIALIST,
        Role.INTERPRETER,
    ):
        return redirect(
            url_for("scheduling.show_hours_zone")
        )  # which asks whether their hours move with them
    return redirect(url_for("identity.show_account"))


@blueprint.post("/account/devices/<sign_in_id>/end")
@require_permission(IdentityPermission.SESSION_WRITE)
def post_device_sign_out(sign_in_id: str) -> Response:
    service.end_sign_in(
        db_session(), current_person(), sign_in_id, IdentityAuditVerb.SIGN_IN_REVOKED
    )
    flash(_("That device is signed out."))
    return redirect(url_for("identity.show_account"))


@blueprint.post("/account/devices/end-others")
@require_permission(IdentityPermission.SESSION_WRITE)
def post_sign_out_elsewhere() -> Response:
    service.sign_out_elsewhere(db_session(), current_person())
    flash(_("All other devices are signed out."))
    return redirect(url_for("identity.show_account"))


def _render_account(entered, refusal) -> str:  # type: ignore[no-untyped-def]
    devices = [
        (one, *parse_device_names(one.agent))
        for one in queries.list_live_sign_ins(db_session(), current_person())
    ]
    return render_template(
        "identity/profile.html",
        entered=entered,
        refusal=refusal,
        devices=devices,
        **_form_choices(),
    )


def describe_refusal(refusal: Refusal) -> dict[str, str | None]:
    return {"field": refusal.field, "sentence": translate_refusal(refusal)}


def _form_choices() -> dict[str, object]:
    person = get_person_or_none()
    zone = request.form.get("timezone") or getattr(person, "timezone", None)
    kept = getattr(person, "language", None)
    zones = list_zone_choices(get_current_language().tag, now().date(), keep=zone)
    return {**forms.list_profile_choices(kept), "zones": zones, "zone_names": CLDR_ZONE_NAMES}
