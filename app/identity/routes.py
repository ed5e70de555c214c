"""Sign-up, sign-in, sign-out, profile and devices."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import login_user, logout_user
from werkzeug.wrappers import Response

from app.audit.verbs import Verb
from app.core.clock import now
from app.core.errors import Refusal
from app.core.permissions import Permission, Role
from app.i18n.formats import CLDR_NAMES
from app.i18n.zones import zone_choices
from app.identity import forms, queries, service
from app.identity.sign_in.devices import device_names
from app.web.access import public, requires
from app.web.context import current_person, db_session, person_or_none
from app.web.errors import sentence_of
from app.web.limits import limiter
from app.web.locale import current_language, safe_target

blueprint = Blueprint("identity", __name__, template_folder="templates")


@blueprint.get("/sign-up")
@public
def sign_up() -> str | Response:
    if person_or_none():
        return redirect(url_for("portal.home"))
    return render_template(
        "identity/sign_up.html", entered=request.args, refusal=None, **_choices()
    )


@blueprint.post("/sign-up")
@public
@limiter.limit("20/hour", key_func=get_remote_address)
def register() -> str | Response | tuple[str, int]:
    try:
        person = service.register(db_session(), forms.read_registration(request.form))
    except Refusal as refusal:
        page = render_template(
            "identity/sign_up.html", entered=request.form, refusal=_shown(refusal), **_choices()
        )
        return page, refusal.status
    _enter(person)
    return redirect(safe_target(request.form.get("next")) or url_for("portal.home"))


@blueprint.get("/sign-in")
@public
def sign_in() -> str | Response:
    if person_or_none():
        return redirect(safe_target(request.args.get("next")) or url_for("portal.home"))
    return render_template("identity/sign_in.html", entered=request.args, refusal=None)


@blueprint.post("/sign-in")
@public
@limiter.limit("10/minute;100/hour", key_func=get_remote_address)
@limiter.limit(
    "10/minute", key_func=lambda: "sign-in:" + request.form.get("email", "").strip().lower()[:254]
)
def begin() -> str | Response | tuple[str, int]:
    try:
        person = service.check_password(
            db_session(), request.form.get("email", ""), request.form.get("password", "")
        )
    except Refusal as refusal:
        return (
            render_template("identity/sign_in.html", entered=request.form, refusal=_shown(refusal)),
            refusal.status,
        )
    _enter(person)
    return redirect(safe_target(request.form.get("next")) or url_for("portal.home"))


@blueprint.post("/sign-out")
@requires(Permission.SESSION_WRITE)
def sign_out() -> Response:
    person = current_person()
    service.end_sign_in(db_session(), person, person.get_id())
    logout_user()
    return redirect(url_for("portal.landing"))


@blueprint.get("/account")
@requires(Permission.PROFILE_READ)
def profile() -> str:
    return _profile_page(current_person().__dict__, None)


@blueprint.post("/account")
@requires(Permission.PROFILE_WRITE)
def change_profile() -> str | Response | tuple[str, int]:
    was = current_person().timezone
    try:
        service.change_profile(db_session(), current_person(), forms.read_profile(request.form))
    except Refusal as refusal:
        return _profile_page(request.form, _shown(refusal)), refusal.status
    session.pop("language", None)
    flash(_("Your details are saved."))
    if current_person().timezone != was and current_person().role in (
        Role.SPECIALIST,
        Role.INTERPRETER,
    ):
        return redirect(
            url_for("scheduling.hours_zone")
        )  # which asks whether their hours move with them
    return redirect(url_for("identity.profile"))


@blueprint.post("/account/devices/<sign_in_id>/end")
@requires(Permission.SESSION_WRITE)
def end_device(sign_in_id: str) -> Response:
    service.end_sign_in(db_session(), current_person(), sign_in_id, Verb.SIGN_IN_REVOKED)
    flash(_("That device is signed out."))
    return redirect(url_for("identity.profile"))


def _enter(person) -> None:  # type: ignore[no-untyped-def]
    kept = session.get("language")
    session.clear()  # a new identity, a new cookie: nothing planted before sign-in survives
    if kept:
        session["language"] = kept
    service.begin_sign_in(db_session(), person, request.user_agent.string)
    login_user(person)
    session.permanent = True


def _profile_page(entered, refusal) -> str:  # type: ignore[no-untyped-def]
    devices = [
        (one, *device_names(one.agent))
        for one in queries.live_sign_ins(db_session(), current_person())
    ]
    return render_template(
        "identity/profile.html", entered=entered, refusal=refusal, devices=devices, **_choices()
    )


def _shown(refusal: Refusal) -> dict[str, str | None]:
    return {"field": refusal.field, "sentence": sentence_of(refusal)}


def _choices() -> dict[str, object]:
    zone = request.form.get("timezone") or getattr(person_or_none(), "timezone", None)
    zones = zone_choices(current_language().tag, now().date(), keep=zone)
    return {**forms.choices(), "zones": zones, "zone_names": CLDR_NAMES}
