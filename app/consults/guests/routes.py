"""Inviting a guest, and coming by an invitation."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask_babel import gettext as _
from flask_limiter.util import get_remote_address
from flask_login import login_user
from werkzeug.wrappers import Response

from app.audit import service as audit
from app.audit.verbs import Verb
from app.consults import queries
from app.consults.blueprint import blueprint
from app.consults.guests import service as guests
from app.consults.room import service
from app.core.errors import Conflict, Refusal
from app.core.permissions import Permission
from app.i18n.locales import LOCALES
from app.identity import service as identity
from app.web.access import public, requires
from app.web.context import current_person, db_session, person_or_none
from app.web.errors import sentence_of
from app.web.limits import limiter


@blueprint.get("/<consult_id>/guests")
@requires(Permission.CONSULT_INVITE)
def guest_list(consult_id: str) -> str:
    return _page(consult_id)


@blueprint.post("/<consult_id>/guests")
@requires(Permission.CONSULT_INVITE)
def invite(consult_id: str) -> str | tuple[str, int]:
    consult = queries.consult_for(db_session(), current_person(), consult_id)
    form = request.form
    try:
        _invitation, token = guests.invite(
            db_session(),
            current_person(),
            consult,
            form.get("name", ""),
            form.get("kind", ""),
            form.get("language", ""),
        )
    except Refusal as refusal:
        return (
            _page(consult_id, errors={refusal.field or "name": sentence_of(refusal)}),
            refusal.status,
        )
    return _page(consult_id, link=url_for("consults.guest", token=token, _external=True))


@blueprint.post("/<consult_id>/guests/<invitation_id>/revoke")
@requires(Permission.CONSULT_INVITE)
def revoke(consult_id: str, invitation_id: str) -> Response:
    consult = queries.consult_for(db_session(), current_person(), consult_id)
    guests.revoke(db_session(), current_person(), consult, invitation_id)
    flash(_("The invitation is no longer valid."))
    return redirect(url_for("consults.guest_list", consult_id=consult_id))


@blueprint.get("/guest/<token>")
@public
def guest(token: str) -> Response | str:
    """Says who invites whom to what; whoever has come by this link already goes on to the room."""
    invitation = guests.find(db_session(), token)
    someone = person_or_none()
    if someone is not None and someone.id == invitation.person_id:
        return redirect(url_for("consults.room", consult_id=invitation.consult_id))
    guests.check(invitation)
    return render_template(
        "consults/guest.html",
        invitation=invitation,
        booking=invitation.consult.booking,
        token=token,
    )


@blueprint.post("/guest/<token>")
@public
@limiter.limit("20/minute", key_func=get_remote_address)
def accept(token: str) -> Response:
    unit = db_session()
    try:
        person = guests.accept(unit, token, session.get("timezone", "UTC"))
    except Conflict as refusal:
        unit.rollback()
        invitation = guests.find(unit, token)
        audit.record(
            unit,
            None,
            Verb.CONSULT_REFUSED,
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
    return redirect(url_for("consults.room", consult_id=queries.consult_of_guest(unit, person)))


def _page(consult_id: str, *, link: str | None = None, errors: dict[str, str] | None = None) -> str:
    consult = queries.consult_for(db_session(), current_person(), consult_id)
    service.must_not_be_over(consult)
    return render_template(
        "consults/guests.html",
        consult=consult,
        link=link,
        errors=errors or {},
        invitations=guests.of_consult(db_session(), consult),
        languages=list(LOCALES.values()),
    )
