"""The second step at sign-in, and the same question again before what matters most."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, render_template, request, url_for
from flask_limiter.util import get_remote_address
from werkzeug.wrappers import Response

from app.audit import service as audit
from app.core.clock import now
from app.core.errors import Refusal
from app.core.text import N_
from app.identity import service as identity
from app.identity.factors import passkeys, policy, proofs, queries
from app.identity.factors.passkeys import PasskeySite
from app.identity.factors.proofs import FactorAnswer
from app.identity.models import Person, SignIn
from app.identity.permissions import IdentityPermission
from app.identity.routes import blueprint, describe_refusal
from app.identity.sign_in import limits
from app.identity.sign_in.session_routes import (
    find_pending_person,
    get_pending_onward,
    start_session,
)
from app.identity.verbs import IdentityAuditVerb
from app.web.access import (
    PUBLIC_ACCESS,
    allow_public,
    allow_without_factor,
    get_route_permission,
    require_permission,
)
from app.web.context import current_person, db_session, get_person_or_none, get_settings
from app.web.errors import is_page_request
from app.web.limits import limiter
from app.web.locale import get_safe_redirect

UNLOCK_ENDPOINTS = (
    "identity.show_confirmation",
    "identity.post_confirmation",
    "identity.post_sign_out",
)
PROOF_FIELDS = ("factor_code", "factor_passkey", "factor_challenge", "factor_password")


class ProofNeeded(Refusal):
    """The person has to show again that it is them. For scripts; a person gets a page."""

    status = 403
    default = N_("Confirm first that it is you. Open “Sign-in and security” in your account.")


@dataclass(frozen=True)
class ProofPage:
    """Where an answer goes, and what goes with it."""

    action: str
    is_sign_in: bool = False
    is_unlock: bool = False
    held: tuple[tuple[str, str], ...] = ()


@blueprint.get("/sign-in/second-step")
@allow_public
def show_factor_proof() -> str | Response:
    person = find_pending_person()
    if person is None:
        return redirect(url_for("identity.show_sign_in"))
    return _render_proof_page(person, _sign_in_page(), None)


@blueprint.post("/sign-in/second-step")
@allow_public
@limiter.limit("30/minute", key_func=get_remote_address)
def post_factor_proof() -> str | Response | tuple[str, int]:
    person = find_pending_person()
    if person is None:
        return redirect(url_for("identity.show_sign_in"))
    try:
        kind = proofs.check_factor(db_session(), person, _read_answer(), find_site())
    except Refusal as refusal:
        db_session().commit()  # the attempt counts
        return _render_proof_page(person, _sign_in_page(), refusal), refusal.status
    onward = get_pending_onward()
    start_session(person)
    proofs.record_factor_proof(db_session(), person, kind)
    return redirect(onward)


@blueprint.get("/account/confirm")
@allow_without_factor
@require_permission(IdentityPermission.SESSION_WRITE)
def show_confirmation() -> str:
    onward = get_safe_redirect(request.args.get("next")) or url_for("identity.show_security")
    return _render_proof_page(current_person(), _confirmation_page(onward), None)


@blueprint.post("/account/confirm")
@allow_without_factor
@require_permission(IdentityPermission.SESSION_WRITE)
@limiter.limit("30/minute", key_func=get_remote_address)
def post_confirmation() -> str | Response | tuple[str, int]:
    onward = get_safe_redirect(request.form.get("next")) or url_for("identity.show_security")
    refused = _take_proof(current_person(), _confirmation_page(onward))
    return refused or redirect(onward)


def install_factor_guard(app: Flask) -> None:
    """Brings staff without a second step to the page that sets one up, and asks for a recent proof
    where a route wants one.
    """

    @app.before_request
    def ask_for_factor() -> str | Response | tuple[str, int] | None:
        if request.endpoint is None:
            return None
        if get_route_permission(app, request.endpoint) == PUBLIC_ACCESS:
            return None
        person = get_person_or_none()
        if person is None:
            return None
        is_locked = get_settings().limits_staff_sessions and limits.is_locked(person, now())
        if is_locked and request.endpoint not in UNLOCK_ENDPOINTS:
            return _ask_within_request(person, is_unlock=True)
        view = current_app.view_functions[request.endpoint]
        required = get_settings().is_second_factor_required
        if policy.needs_factor(person, required=required) and not getattr(
            view, "without_factor", False
        ):
            return _lead_to_factor(person)
        return _ask_again(person, getattr(view, "recent_proof", None))


def find_site() -> PasskeySite | None:
    """For whom this installation's passkeys are made; None where there can be none."""
    settings = get_settings()
    return passkeys.find_passkey_site(settings.web_url, settings.hospital_name)


def _lead_to_factor(person: Person) -> Response:
    if not is_page_request():
        raise ProofNeeded()
    if queries.has_factor(db_session(), person):
        return redirect(url_for("identity.show_confirmation", next=_get_own_address()))
    return redirect(url_for("identity.show_security"))


def _ask_again(person: Person, wanted: str | None) -> str | Response | tuple[str, int] | None:
    """None where the request may go on."""
    if wanted is None or policy.is_factor_recent(person, now()):
        return None
    if not queries.has_factor(db_session(), person) and (
        wanted == "factor" or policy.is_proof_recent(person.confirmed_at, now())
    ):
        return None
    return _ask_within_request(person)


def _ask_within_request(
    person: Person, *, is_unlock: bool = False
) -> str | Response | tuple[str, int] | None:
    """Asks for a proof, and holds what the request was about. None where the proof came with it."""
    if not is_page_request():
        raise ProofNeeded()
    if request.method == "GET":
        return redirect(url_for("identity.show_confirmation", next=_get_own_address()))
    held = tuple(
        (name, value)
        for name, value in request.form.items(multi=True)
        if name not in (*PROOF_FIELDS, "csrf_token")
    )
    page = ProofPage(request.full_path.rstrip("?"), held=held, is_unlock=is_unlock)
    if any(name in request.form for name in PROOF_FIELDS):
        return _take_proof(person, page)
    return _render_proof_page(person, page, None)


def _take_proof(person: Person, page: ProofPage) -> tuple[str, int] | None:
    """Checks what was answered. None where it was right; else the page again, with the reason."""
    try:
        if queries.has_factor(db_session(), person):
            kind = proofs.check_factor(db_session(), person, _read_answer(), find_site())
            proofs.record_factor_proof(db_session(), person, kind)
        else:
            _check_password_again(person)
    except Refusal as refusal:
        db_session().commit()  # the attempt counts
        return _render_proof_page(person, page, refusal), refusal.status
    return None


def _check_password_again(person: Person) -> None:
    identity.check_own_password(person, request.form.get("factor_password", ""), "factor_password")
    person.confirmed_at = now()
    sign_in = db_session().get_one(SignIn, person.sign_in_id)
    sign_in.confirmed_at = sign_in.last_seen_at = person.seen_at = now()
    audit.record_audit_entry(
        db_session(), person.id, IdentityAuditVerb.IDENTITY_CONFIRMED, "sign_in", person.get_id()
    )


def _read_answer() -> FactorAnswer:
    return FactorAnswer(
        request.form.get("factor_code", ""),
        request.form.get("factor_passkey", ""),
        request.form.get("factor_challenge", ""),
    )


def _sign_in_page() -> ProofPage:
    return ProofPage(url_for("identity.post_factor_proof"), is_sign_in=True)


def _confirmation_page(onward: str) -> ProofPage:
    return ProofPage(
        url_for("identity.post_confirmation"),
        held=(("next", onward),),
        is_unlock=limits.is_locked(current_person(), now()),
    )


def _get_own_address() -> str:
    if request.method == "GET":
        return request.full_path.rstrip("?")
    came_from = urlsplit(request.referrer or "")
    is_ours = came_from.netloc == request.host
    return came_from.path if is_ours and came_from.path else url_for("portal.show_home")


def _render_proof_page(person: Person, page: ProofPage, refusal: Refusal | None) -> str:
    known = queries.list_passkeys(db_session(), person)
    site = find_site()
    options, challenge_id = None, ""
    if known and site is not None:
        challenge = proofs.create_passkey_challenge(db_session(), person)
        challenge_id = challenge.id
        options = passkeys.build_authentication_options(
            site, challenge.challenge, [(key.credential_id, key.transports) for key in known]
        )
        if refusal is not None:
            db_session().commit()  # a refusal is rolled back, and the next answer needs this
    return render_template(
        "identity/factors/proof.html",
        page=page,
        options=options,
        challenge_id=challenge_id,
        has_app=bool(queries.list_totp_factors(db_session(), person)),
        has_factor=queries.has_factor(db_session(), person),
        refusal=describe_refusal(refusal) if refusal else None,
    )
