"""Writing, signing, reading and releasing an opinion."""

from __future__ import annotations

from flask import (
    Blueprint,
    Response,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask_babel import gettext
from werkzeug.wrappers import Response as Answered

from app.cases import queries as cases
from app.cases.models import Case
from app.core.errors import Conflict, Invalid, NotFound, Refusal
from app.core.permissions import Permission
from app.opinions import policy, queries, service
from app.opinions.content import AGREEMENTS, URGENCIES, Content, direction
from app.opinions.forms import draft_from, version_from
from app.opinions.models import Opinion
from app.web.access import requires
from app.web.context import blobs, current_person, db_session
from app.web.errors import sentence_of, wants_page

blueprint = Blueprint(
    "opinions", __name__, template_folder="templates", url_prefix="/cases/<case_id>"
)
SPARE_ROWS = 2  # empty recommendations at the end of the form, for a page without scripts


@blueprint.get("/opinion")
@requires(Permission.OPINION_READ)
def read(case_id: str) -> str | Answered:
    """The opinion as a document; for its specialist, before the signature, the way to the
    editor.
    """
    person = current_person()
    if queries.panel(db_session(), person, cases.case_for(db_session(), person, case_id)).can_write:
        return redirect(url_for("opinions.edit", case_id=case_id))
    case, opinion = queries.opinion_to_read(db_session(), person, case_id)
    service.note_read(db_session(), person, opinion)
    member = cases.membership(db_session(), person, case_id)
    return render_template(
        "opinions/read.html",
        case=case,
        opinion=opinion,
        content=queries.content_of(case, opinion),
        can_release=policy.can_release(person, case, opinion),
        can_add=policy.can_add(person, member, opinion),
        **_words(),
    )


@blueprint.get("/opinion/edit")
@requires(Permission.OPINION_WRITE)
def edit(case_id: str) -> str:
    case, opinion = queries.case_to_write(db_session(), current_person(), case_id)
    return _editor(case, opinion.version if opinion else 0, queries.content_of(case, opinion))


@blueprint.post("/opinion/draft")
@requires(Permission.OPINION_WRITE)
def save(case_id: str) -> str | Answered | tuple[str, int]:
    """Keeps the draft: a script gets the new version, a page without scripts goes on to where its
    button leads.
    """
    case = cases.case_for(db_session(), current_person(), case_id)
    draft = draft_from(request.form)
    try:
        opinion = service.save_draft(db_session(), current_person(), case, draft)
    except (Conflict, Invalid) as refusal:
        if not wants_page():
            raise
        db_session().rollback()
        return _editor(case, draft.version, _as_typed(case, draft), refusal), refusal.status
    if not wants_page():
        return jsonify(version=opinion.version)
    return redirect(
        url_for("opinions.confirm" if "sign" in request.form else "opinions.edit", case_id=case_id),
        303,
    )


@blueprint.get("/opinion/sign")
@requires(Permission.OPINION_SIGN)
def confirm(case_id: str) -> str | Answered:
    """Shows once more all that the signature will freeze, or what is still missing."""
    case, opinion = queries.case_to_write(db_session(), current_person(), case_id)
    if opinion is None:
        return redirect(url_for("opinions.edit", case_id=case_id))
    content = queries.content_of(case, opinion)
    missing = [gettext(sentence, **facts) for sentence, facts in content.missing()]
    return render_template(
        "opinions/confirm.html",
        case=case,
        opinion=opinion,
        content=content,
        missing=missing,
        **_words(),
    )


@blueprint.post("/opinion/sign")
@requires(Permission.OPINION_SIGN)
def sign(case_id: str) -> Answered:
    case = cases.case_for(db_session(), current_person(), case_id)
    service.sign(db_session(), current_person(), case, version_from(request.form))
    flash(gettext("The opinion is signed. Thank you."))
    return redirect(url_for("opinions.read", case_id=case_id), 303)


@blueprint.post("/opinion/release")
@requires(Permission.OPINION_RELEASE)
def release(case_id: str) -> Answered:
    case, opinion = queries.opinion_to_release(db_session(), current_person(), case_id)
    service.release(db_session(), current_person(), case, opinion)
    flash(gettext("The opinion is with the patient now, and a message tells them so."))
    return redirect(f"/cases/{case_id}", 303)


@blueprint.post("/opinion/notes")
@requires(Permission.OPINION_SIGN)
def add(case_id: str) -> Answered:
    case, opinion = queries.opinion_to_read(db_session(), current_person(), case_id)
    service.add(db_session(), current_person(), case, opinion, request.form.get("text", ""))
    flash(gettext("Your note is now part of the opinion."))
    return redirect(url_for("opinions.read", case_id=case_id), 303)


@blueprint.get("/opinion/state")
@requires(Permission.OPINION_READ)
def state(case_id: str) -> Answered:
    """Whether the PDF is made; for a page that waits for it."""
    panel = queries.panel(
        db_session(), current_person(), cases.case_for(db_session(), current_person(), case_id)
    )
    if not panel.exists:
        raise NotFound()
    return jsonify(rendered=panel.is_rendered)


@blueprint.get("/opinion.pdf")
@requires(Permission.OPINION_READ)
def pdf(case_id: str) -> Response:
    case, opinion = queries.opinion_to_read(db_session(), current_person(), case_id)
    if not opinion.is_rendered or opinion.pdf_object is None or opinion.pdf_key is None:
        raise NotFound()
    chunks = blobs().read(opinion.pdf_object, opinion.pdf_key)
    service.note_read(db_session(), current_person(), opinion, form="pdf")
    response = Response(stream_with_context(chunks), mimetype="application/pdf")
    response.content_length = opinion.pdf_size or 0
    response.headers.set("Content-Disposition", "attachment", filename=f"opinion-{case.number}.pdf")
    return response


def _editor(case: Case, version: int, content: Content, refusal: Refusal | None = None) -> str:
    return render_template(
        "opinions/edit.html",
        case=case,
        version=version,
        content=content,
        refusal=sentence_of(refusal) if refusal else None,
        spare_rows=SPARE_ROWS,
        most=service.MOST_RECOMMENDATIONS,
        longest=service.LONGEST,
        **_words(),
    )


def _as_typed(case: Case, draft: service.Draft) -> Content:
    """What somebody typed and could not be kept, to be shown to them again."""
    typed = Opinion(
        agreement=draft.agreement,
        diagnosis=draft.diagnosis,
        further_tests=draft.further_tests,
        limits=draft.limits,
    )
    base = queries.content_of(case, typed)
    answers = tuple(
        type(one)(one.number, one.question, draft.answers.get(one.number, ""))
        for one in base.answers
    )
    return Content(
        answers,
        draft.agreement,
        draft.diagnosis,
        draft.recommendations,
        draft.further_tests,
        draft.limits,
    )


def _words() -> dict[str, object]:
    return {
        "agreements": [(value, gettext(words)) for value, words in AGREEMENTS.items()],
        "urgencies": [(value, gettext(words)) for value, words in URGENCIES.items()],
        "direction": direction,
    }
