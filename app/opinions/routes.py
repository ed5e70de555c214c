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
from app.opinions import policy, queries, service
from app.opinions.content import (
    AGREEMENT_LABELS,
    URGENCY_LABELS,
    OpinionContent,
    detect_text_direction,
)
from app.opinions.forms import read_opinion_draft, read_opinion_version
from app.opinions.models import Opinion
from app.opinions.permissions import OpinionPermission
from app.web.access import require_permission, require_recent_factor
from app.web.context import current_person, db_session, get_blob_store
from app.web.errors import is_page_request, translate_refusal

blueprint = Blueprint(
    "opinions", __name__, template_folder="templates", url_prefix="/cases/<case_id>"
)
SPARE_RECOMMENDATION_ROWS = (
    2  # empty recommendations at the end of the form, for a page without scripts
)


@blueprint.get("/opinion")
@require_permission(OpinionPermission.OPINION_READ)
def show_opinion(case_id: str) -> str | Answered:
    """The opinion as a document; for its specialist, before the signature, the way to the
    editor.
    """
    person = current_person()
    if queries.build_opinion_panel(
        db_session(), person, cases.get_case(db_session(), person, case_id)
    ).can_write:
        return redirect(url_for("opinions.show_opinion_editor", case_id=case_id))
    case, opinion = queries.get_opinion_to_read(db_session(), person, case_id)
    service.record_opinion_read(db_session(), person, opinion)
    member = cases.find_membership(db_session(), person, case_id)
    return render_template(
        "opinions/read.html",
        case=case,
        opinion=opinion,
        content=queries.build_opinion_content(case, opinion),
        can_release=policy.can_release_opinion(person, case, opinion),
        can_add=policy.can_add_addendum(person, member, opinion),
        **_template_labels(),
    )


@blueprint.get("/opinion/edit")
@require_permission(OpinionPermission.OPINION_WRITE)
def show_opinion_editor(case_id: str) -> str:
    case, opinion = queries.get_opinion_to_write(db_session(), current_person(), case_id)
    return _render_editor(
        case, opinion.version if opinion else 0, queries.build_opinion_content(case, opinion)
    )


@blueprint.post("/opinion/draft")
@require_permission(OpinionPermission.OPINION_WRITE)
def post_opinion_draft(case_id: str) -> str | Answered | tuple[str, int]:
    """Keeps the draft: a script gets the new version, a page without scripts goes on to where its
    button leads.
    """
    case = cases.get_case(db_session(), current_person(), case_id)
    draft = read_opinion_draft(request.form)
    try:
        opinion = service.save_opinion_draft(db_session(), current_person(), case, draft)
    except (Conflict, Invalid) as refusal:
        if not is_page_request():
            raise
        db_session().rollback()
        return _render_editor(
            case, draft.version, _content_as_typed(case, draft), refusal
        ), refusal.status
    if not is_page_request():
        return jsonify(version=opinion.version)
    return redirect(
        url_for(
            "opinions.show_opinion_confirmation"
            if "sign" in request.form
            else "opinions.show_opinion_editor",
            case_id=case_id,
        ),
        303,
    )


@blueprint.get("/opinion/sign")
@require_recent_factor
@require_permission(OpinionPermission.OPINION_SIGN)
def show_opinion_confirmation(case_id: str) -> str | Answered:
    """Shows once more all that the signature will freeze, or what is still missing."""
    case, opinion = queries.get_opinion_to_write(db_session(), current_person(), case_id)
    if opinion is None:
        return redirect(url_for("opinions.show_opinion_editor", case_id=case_id))
    content = queries.build_opinion_content(case, opinion)
    missing = [gettext(sentence, **facts) for sentence, facts in content.missing()]
    return render_template(
        "opinions/confirm.html",
        case=case,
        opinion=opinion,
        content=content,
        missing=missing,
        **_template_labels(),
    )


@blueprint.post("/opinion/sign")
@require_recent_factor
@require_permission(OpinionPermission.OPINION_SIGN)
def post_opinion_signature(case_id: str) -> Answered:
    case = cases.get_case(db_session(), current_person(), case_id)
    service.sign_opinion(db_session(), current_person(), case, read_opinion_version(request.form))
    flash(gettext("The opinion is signed. Thank you."))
    return redirect(url_for("opinions.show_opinion", case_id=case_id), 303)


@blueprint.post("/opinion/release")
@require_recent_factor
@require_permission(OpinionPermission.OPINION_RELEASE)
def post_opinion_release(case_id: str) -> Answered:
    case, opinion = queries.get_opinion_to_release(db_session(), current_person(), case_id)
    service.release_opinion(db_session(), current_person(), case, opinion)
    flash(gettext("The patient can now read the opinion, and we have sent them a message."))
    return redirect(url_for("portal.show_case", case_id=case_id), 303)


@blueprint.post("/opinion/notes")
@require_recent_factor
@require_permission(OpinionPermission.OPINION_SIGN)
def post_opinion_addendum(case_id: str) -> Answered:
    case, opinion = queries.get_opinion_to_read(db_session(), current_person(), case_id)
    service.add_addendum(
        db_session(), current_person(), case, opinion, request.form.get("text", "")
    )
    flash(gettext("Your note is now part of the opinion."))
    return redirect(url_for("opinions.show_opinion", case_id=case_id), 303)


@blueprint.get("/opinion/state")
@require_permission(OpinionPermission.OPINION_READ)
def show_opinion_pdf_state(case_id: str) -> Answered:
    """Whether the PDF is made; for a page that waits for it."""
    panel = queries.build_opinion_panel(
        db_session(), current_person(), cases.get_case(db_session(), current_person(), case_id)
    )
    if not panel.exists:
        raise NotFound()
    return jsonify(rendered=panel.is_rendered)


@blueprint.get("/opinion.pdf")
@require_permission(OpinionPermission.OPINION_READ)
def download_opinion_pdf(case_id: str) -> Response:
    case, opinion = queries.get_opinion_to_read(db_session(), current_person(), case_id)
    if not opinion.is_rendered or opinion.pdf_object is None or opinion.pdf_key is None:
        raise NotFound()
    chunks = get_blob_store().read(opinion.pdf_object, opinion.pdf_key)
    service.record_opinion_read(db_session(), current_person(), opinion, form="pdf")
    response = Response(stream_with_context(chunks), mimetype="application/pdf")
    response.content_length = opinion.pdf_size or 0
    response.headers.set("Content-Disposition", "attachment", filename=f"opinion-{case.number}.pdf")
    return response


def _render_editor(
    case: Case, version: int, content: OpinionContent, refusal: Refusal | None = None
) -> str:
    return render_template(
        "opinions/edit.html",
        case=case,
        version=version,
        content=content,
        refusal=translate_refusal(refusal) if refusal else None,
        spare_rows=SPARE_RECOMMENDATION_ROWS,
        most=service.MAX_RECOMMENDATIONS,
        longest=service.MAX_OPINION_PART_CHARACTERS,
        **_template_labels(),
    )


def _content_as_typed(case: Case, draft: service.OpinionDraft) -> OpinionContent:
    """What somebody typed and could not be kept, to be shown to them again."""
    typed = Opinion(
        agreement=draft.agreement,
        diagnosis=draft.diagnosis,
        further_tests=draft.further_tests,
        limits=draft.limits,
    )
    base = queries.build_opinion_content(case, typed)
    answers = tuple(
        type(one)(one.number, one.question, draft.answers.get(one.number, ""))
        for one in base.answers
    )
    return OpinionContent(
        answers,
        draft.agreement,
        draft.diagnosis,
        draft.recommendations,
        draft.further_tests,
        draft.limits,
    )


def _template_labels() -> dict[str, object]:
    return {
        "agreements": [(value, gettext(words)) for value, words in AGREEMENT_LABELS.items()],
        "urgencies": [(value, gettext(words)) for value, words in URGENCY_LABELS.items()],
        "direction": detect_text_direction,
    }
