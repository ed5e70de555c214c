"""Inviting a guest, and coming by an invitation."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import login_user
from werkzeug.wrappers import Response

from app.audit import service as audit
from app.consults import queries
from app.consults.blueprint import blueprint
from app.consults.guests import service as guests
from app.consults.permissions import ConsultPermission
from app.consults.room import service
from app.consults.verbs import ConsultAuditVerb
from app.core.errors import Conflict, Refusal
from app.i18n.locales import LOCALES
from app.identity import service as identity
from app.web.access import allow_public, require_permission
from app.web.context import current_person, db_session, get_person_or_none, get_settings
from app.web.errors import translate_refusal
from app.web.limits import limiter


@blueprint.get("/<consult_id>/guests")
@require_permission(ConsultPermission.CONSULT_INVITE)
def show_guests(consult_id: str) -> str:
    return _render_guests_page(consult_id)


@blueprint.post("/<consult_id>/guests")
@require_permission(ConsultPermission.CONSULT_INVITE)
def post_guest_invitation(consult_id: str) -> str | tuple[str, int]:
    consult = queries.get_consult(db_session(), current_person(), consult_id)
    form = request.form
    try:
        _invitation, token = guests.invite_guest(
            db_session(),
            current_person(),
            consult,
            form.get("name", ""),
            form.get("kind", ""),
            form.get("language", ""),
        )
    except Refusal as refusal:
        return (
            _render_guests_page(
                consult_id, errors={refusal.field or "name": translate_refusal(refusal)}
            ),
            refusal.status,
        )
    return _render_guests_page(
        # not by the Host header of the request, which whoever sends it chooses
        consult_id,
        link=get_settings().web_url + url_for("consults.show_guest_invitation", token=token),
    )


@blueprint.post("/<consult_id>/guests/<invitation_id>/revoke")
@require_permission(ConsultPermission.CONSULT_INVITE)
def post_guest_revocation(consult_id: str, invitation_id: str) -> Response:
    consult = queries.get_consult(db_session(), current_person(), consult_id)
    guests.revoke_guest_invitation(db_session(), current_person(), consult, invitation_id)
    flash(_("The invitation is no longer valid."))
    return redirect(url_for("consults.show_guests", consult_id=consult_id))


@blueprint.get("/guest/<token>")
@allow_public
def show_guest_invitation(token: str) -> Response | str:
    """Says who invites whom to what; whoever has come by this link already goes on to the room."""
    invitation = guests.find_guest_invitation(db_session(), token)
    someone = get_person_or_none()
    if someone is not None and someone.id == invitation.person_id:
        return redirect(url_for("consults.show_consult", consult_id=invitation.consult_id))
    guests.require_open_invitation(invitation)
    return render_template(
        "consults/guest.html",
        invitation=invitation,
        booking=invitation.consult.booking,
        token=token,
    )


@blueprint.post("/guest/<token>")
@allow_public
@limiter.limit("20/minute", key_func=get_remote_address)
def post_guest_acceptance(token: str) -> Response:
    unit = db_session()
    try:
        person = guests.accept_guest_invitation(unit, token, session.get("timezone", "UTC"))
    except Conflict as refusal:
        unit.rollback()
        invitation = guests.find_guest_invitation(unit, token)
        audit.record_audit_entry(
            unit,
            None,
            ConsultAuditVerb.CONSULT_REFUSED,
            "invitation",
            invitation.id,
            invitation.consult.case_id,
            event="guest.accept",
            status=refusal.status,
            sentence=refusal.sentence,
        )
        unit.commit()
        raise
    session.clear()  # a new identity, a new cookie
    session["language"] = person.language if person.language in LOCALES else None
    identity.begin_sign_in(unit, person, request.user_agent.string)
    login_user(person)
    return redirect(
        url_for("consults.show_consult", consult_id=queries.find_consult_id_of_guest(unit, person))
    )


def _render_guests_page(
    consult_id: str, *, link: str | None = None, errors: dict[str, str] | None = None
) -> str:
    consult = queries.get_consult(db_session(), current_person(), consult_id)
    service.require_consult_not_over(consult)
    return render_template(
        "consults/guests.html",
        consult=consult,
        link=link,
        errors=errors or {},
        invitations=guests.list_guest_invitations(db_session(), consult),
        languages=list(LOCALES.values()),
    )
