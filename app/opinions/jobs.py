"""Making the document of a signed opinion, in the background."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases import service as cases
from app.cases.visibility import list_case_coordinator_ids
from app.core.clock import now
from app.core.ids import new_id
from app.core.outbox import JobContext, JobPayload, read_payload_text
from app.opinions import queries, signing
from app.opinions.document import compose_opinion_pdf
from app.opinions.models import Opinion
from app.opinions.verbs import OpinionAuditVerb
from app.organizations.institution import get_hospital_name


class OpinionContentChanged(Exception):
    """The words in the database are not those that were signed."""


class PdfSignatureInvalid(Exception):
    """The document that was just signed does not stand up to its own check."""


def run_opinion_render(session: Session, payload: JobPayload, context: JobContext) -> None:
    """``{opinion_id}``. Leaves one PDF however often it runs: an object that an earlier attempt
    left is dropped first.

    The document is made and stored before this job's own transaction begins.
    """
    opinion_id = read_payload_text(payload, "opinion_id")
    place = _claim_pdf_object(opinion_id, context)
    if place is None:
        return
    pdf = _make_signed_pdf(opinion_id, context)
    stored = context.blobs.put(place, [pdf])
    taken = session.execute(
        update(Opinion)
        .where(Opinion.id == opinion_id, Opinion.pdf_object == place)
        .values(
            rendered_at=now(),
            pdf_key=stored.wrapped_key,
            pdf_size=stored.size,
            pdf_sha256=stored.sha256,
        )
    )
    if not taken.rowcount:  # type: ignore[attr-defined]
        context.blobs.delete(place)
        return
    opinion = session.get_one(Opinion, opinion_id)
    audit.record_audit_entry(
        session,
        None,
        OpinionAuditVerb.OPINION_RENDERED,
        "opinion",
        opinion.id,
        opinion.case_id,
        sha256=stored.sha256,
    )
    office = list_case_coordinator_ids(opinion.case)
    cases.notify_people(session, "opinion_signed", opinion.case, office)


def _claim_pdf_object(opinion_id: str, context: JobContext) -> str | None:
    """A fresh object id, written down before the object exists; None when the document is already
    made.
    """
    place = new_id()
    with context.database.unit_of_work() as before:
        opinion = before.get(Opinion, opinion_id, with_for_update=True)
        if opinion is None or opinion.is_draft or opinion.is_rendered:
            return None
        left, opinion.pdf_object = opinion.pdf_object, place
    if left is not None:
        context.blobs.delete(left)
    return place


def _make_signed_pdf(opinion_id: str, context: JobContext) -> bytes:
    with context.database.unit_of_work() as before:
        case = before.get_one(Opinion, opinion_id).case
        opinion = queries.find_opinion(before, case.id)
        assert opinion is not None
        content = queries.build_opinion_content(case, opinion)
        hospital = get_hospital_name(before, context.settings.hospital_name)
        key = signing.ensure_hospital_key(before, context.settings.hospital_name)
        assert case.patient and opinion.specialist  # loaded now: afterwards there is no session
    if content.digest() != opinion.content_hash:
        raise OpinionContentChanged(opinion_id)
    pdf = signing.sign_pdf(
        compose_opinion_pdf(case, opinion, content, hospital),
        key,
        name=hospital,
        reason=f"{case.number}, {opinion.specialist.name}",
    )
    if not signing.is_pdf_genuine(pdf, key.certificate):
        raise PdfSignatureInvalid(opinion_id)
    return pdf


HANDLERS = {"opinion.render": run_opinion_render}
