"""What an institution decides about itself: its name, contact, privacy notice and rules.

Every page and job reads it from the database, so a change needs no restart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.text import N_, has_unseen_characters
from app.identity.forms import read_email
from app.identity.models import Person
from app.organizations.models import UNNAMED_ORGANISATION, Organisation
from app.organizations.queries import get_organisation
from app.organizations.service import ensure_default_office
from app.organizations.verbs import OrganizationAuditVerb

MAX_NAME_CHARACTERS = 120
MAX_PHONE_CHARACTERS = 40
MAX_PRIVACY_NOTICE_CHARACTERS = 20_000
TURNAROUND_DAYS = range(1, 91)
DEFAULT_TURNAROUND_DAYS = 10


@dataclass(frozen=True)
class InstitutionEntry:
    """What an administrator entered. An empty ``specialties`` offers all of them."""

    name: str
    contact_email: str
    contact_phone: str
    privacy_notice: str
    sign_up_open: bool
    turnaround_days: int
    specialties: tuple[str, ...]

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> InstitutionEntry:
        """Raises ``Invalid`` with its field for the first thing that cannot be accepted."""
        email = form.get("contact_email", "").strip()
        return cls(
            name=read_line(form, "name", MAX_NAME_CHARACTERS, required=True),
            contact_email=read_contact_email(email) if email else "",
            contact_phone=read_line(form, "contact_phone", MAX_PHONE_CHARACTERS),
            privacy_notice=read_text(form, "privacy_notice", MAX_PRIVACY_NOTICE_CHARACTERS),
            sign_up_open="sign_up_open" in form,
            turnaround_days=_read_days(form.get("turnaround_days", "")),
            specialties=tuple(dict.fromkeys(form.getlist("specialties"))),
        )


def ensure_organisation(session: Session) -> Organisation:
    """The institution of this installation, made on first need."""
    return get_organisation(session) or ensure_default_office(session).organisation


def change_institution(
    session: Session, actor: Person, entry: InstitutionEntry, known_specialties: Sequence[str]
) -> None:
    """Raises ``Invalid`` for a specialty that is not known."""
    if not set(entry.specialties) <= set(known_specialties):
        raise Invalid(N_("Choose the specialties from the list."), field="specialties")
    organisation = ensure_organisation(session)
    organisation.name = entry.name
    organisation.contact_email, organisation.contact_phone = (
        entry.contact_email,
        entry.contact_phone,
    )
    organisation.privacy_notice = entry.privacy_notice
    organisation.sign_up_open = entry.sign_up_open
    organisation.turnaround_days = entry.turnaround_days
    organisation.specialties = (
        [] if set(entry.specialties) == set(known_specialties) else list(entry.specialties)
    )
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        OrganizationAuditVerb.INSTITUTION_CHANGED,
        "organisation",
        organisation.id,
    )


def get_hospital_name(session: Session, fallback: str) -> str:
    """The name that patients read; ``fallback`` until an administrator has entered one."""
    organisation = get_organisation(session)
    return (
        organisation.name
        if organisation is not None and organisation.name != UNNAMED_ORGANISATION
        else fallback
    )


def get_turnaround(session: Session) -> timedelta:
    """How long an opinion may take once the records are complete."""
    organisation = get_organisation(session)
    return timedelta(days=organisation.turnaround_days if organisation else DEFAULT_TURNAROUND_DAYS)


def is_specialty_offered(session: Session, specialty: str) -> bool:
    organisation = get_organisation(session)
    return not organisation or not organisation.specialties or specialty in organisation.specialties


def read_line(form: MultiDict[str, str], field: str, most: int, *, required: bool = False) -> str:
    text = " ".join(form.get(field, "").split())
    if required and not text:
        raise Invalid(N_("Enter a name."), field=field)
    if len(text) > most:
        raise Invalid(N_("Keep this under %(most)s characters."), field=field, most=most)
    if has_unseen_characters(text):
        raise Invalid(N_("Remove the characters that cannot be seen."), field=field)
    return text


def read_text(form: MultiDict[str, str], field: str, most: int) -> str:
    text = form.get(field, "").replace("\r\n", "\n").strip()
    if len(text) > most:
        raise Invalid(N_("Keep this under %(most)s characters."), field=field, most=most)
    if has_unseen_characters(text.replace("\n", "").replace("\t", "")):
        raise Invalid(N_("Remove the characters that cannot be seen."), field=field)
    return text


def read_contact_email(email: str, field: str = "contact_email") -> str:
    try:
        return read_email(email)
    except Invalid as refusal:
        raise Invalid(refusal.sentence, field=field) from None


def _read_days(text: str) -> int:
    try:
        days = int(text)
    except ValueError:
        days = 0
    if days not in TURNAROUND_DAYS:
        raise Invalid(
            N_("Enter a number of days from %(least)s to %(most)s."),
            field="turnaround_days",
            least=TURNAROUND_DAYS.start,
            most=TURNAROUND_DAYS.stop - 1,
        )
    return days
