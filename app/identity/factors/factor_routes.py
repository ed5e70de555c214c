"""The page about sign-in and security: the person's factors and recovery codes."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.core.errors import NotFound, Refusal
from app.identity.factors import codes, passkeys, policy, proofs, queries, service
from app.identity.factors.proof_routes import find_site
from app.identity.permissions import IdentityPermission
from app.identity.routes import blueprint, describe_refusal
from app.web.access import allow_without_factor, require_permission, require_recent_proof
from app.web.context import current_person, db_session, get_settings
from app.web.errors import translate_refusal


@blueprint.get("/account/security")
@allow_without_factor
@require_permission(IdentityPermission.PROFILE_READ)
def show_security() -> str:
    return _render_security(None)


@blueprint.get("/account/security/app")
@allow_without_factor
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def show_totp_setup() -> str:
    return _render_totp_setup(None)


@blueprint.post("/account/security/app")
@allow_without_factor
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_totp_setup() -> str | Response | tuple[str, int]:
    try:
        made = service.confirm_totp(
            db_session(),
            current_person(),
            request.form.get("name", ""),
            request.form.get("code", ""),
        )
    except Refusal as refusal:
        return _render_totp_setup(refusal), refusal.status
    return _show_addition(made)


@blueprint.get("/account/security/passkey")
@allow_without_factor
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def show_passkey_setup() -> str:
    return _render_passkey_setup(None)


@blueprint.post("/account/security/passkey")
@allow_without_factor
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_passkey_setup() -> str | Response | tuple[str, int]:
    site = find_site()
    if site is None:
        raise NotFound()
    try:
        made = service.add_passkey(
            db_session(),
            current_person(),
            request.form.get("name", ""),
            request.form.get("answer", ""),
            request.form.get("challenge", ""),
            site,
        )
    except Refusal as refusal:
        db_session().rollback()
        page = _render_passkey_setup(refusal)
        db_session().commit()  # the new challenge
        return page, refusal.status
    return _show_addition(made)


@blueprint.post("/account/security/recovery-codes")
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_recovery_codes() -> str:
    if not queries.has_factor(db_session(), current_person()):
        raise NotFound()
    made = service.make_recovery_codes(db_session(), current_person())
    return render_template("identity/factors/recovery_codes.html", codes=made, is_first=False)


@blueprint.post("/account/security/factors/<factor_id>/name")
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_factor_name(factor_id: str) -> str | Response | tuple[str, int]:
    factor = queries.get_own_factor(db_session(), current_person(), factor_id)
    try:
        service.rename_factor(db_session(), current_person(), factor, request.form.get("name", ""))
    except Refusal as refusal:
        return _render_security(refusal), refusal.status
    flash(_("The name is saved."))
    return redirect(url_for("identity.show_security"))


@blueprint.post("/account/security/factors/<factor_id>/removal")
@require_recent_proof
@require_permission(IdentityPermission.PROFILE_WRITE)
def post_factor_removal(factor_id: str) -> str | Response | tuple[str, int]:
    factor = queries.get_own_factor(db_session(), current_person(), factor_id)
    required = get_settings().is_second_factor_required
    try:
        service.remove_factor(db_session(), current_person(), factor, required=required)
    except Refusal as refusal:
        return _render_security(refusal), refusal.status
    flash(_("It is removed. You can no longer use it to sign in."))
    return redirect(url_for("identity.show_security"))


def _show_addition(made: list[str]) -> str | Response:
    """New recovery codes are shown in the answer itself: they are kept nowhere."""
    if made:
        return render_template("identity/factors/recovery_codes.html", codes=made, is_first=True)
    flash(_("It is added. You can use it from now on when you sign in."))
    return redirect(url_for("identity.show_security"))


def _render_security(refusal: Refusal | None) -> str:
    person = current_person()
    required = get_settings().is_second_factor_required
    return render_template(
        "identity/factors/security.html",
        factors=queries.list_factors(db_session(), person),
        codes_left=queries.count_unused_recovery_codes(db_session(), person),
        can_add_passkey=find_site() is not None,
        is_required=required and policy.is_staff(person),
        refusal=translate_refusal(refusal) if refusal else None,
    )


def _render_totp_setup(refusal: Refusal | None) -> str:
    person = current_person()
    factor = service.begin_totp_setup(db_session(), person)
    uri = codes.build_totp_uri(factor.secret, person.email, get_settings().hospital_name)
    return render_template(
        "identity/factors/totp_setup.html",
        image=codes.build_totp_image(uri),
        uri=uri,
        secret=" ".join(factor.secret[n : n + 4] for n in range(0, len(factor.secret), 4)),
        entered=request.form,
        refusal=describe_refusal(refusal) if refusal else None,
    )


def _render_passkey_setup(refusal: Refusal | None) -> str:
    site = find_site()
    if site is None:
        raise NotFound()
    person = current_person()
    challenge = proofs.create_passkey_challenge(db_session(), person)
    known = [key.credential_id for key in queries.list_passkeys(db_session(), person)]
    return render_template(
        "identity/factors/passkey_setup.html",
        options=passkeys.build_registration_options(
            site, person.id, person.email, challenge.challenge, known
        ),
        challenge_id=challenge.id,
        entered=request.form,
        refusal=describe_refusal(refusal) if refusal else None,
    )
