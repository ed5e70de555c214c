"""Offices as administrators enter them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from app.audit import service as audit
from app.core.errors import Invalid
from app.core.text import N_
from app.i18n.locales import is_language_tag
from app.identity.forms import COUNTRY_CODES, read_timezone
from app.identity.models import Person
from app.organizations.institution import (
    MAX_NAME_CHARACTERS,
    MAX_PHONE_CHARACTERS,
    ensure_organisation,
    read_contact_email,
    read_line,
    read_text,
)
from app.organizations.models import Office
from app.organizations.queries import list_offices
from app.organizations.verbs import OrganizationAuditVerb

MAX_HOURS_CHARACTERS = 200
MAX_EMERGENCY_CHARACTERS = 500
MAX_HOLIDAYS = 60
MAX_LANGUAGES = 40


@dataclass(frozen=True)
class OfficeEntry:
    """``holidays`` are days in ISO 8601; ``countries`` ISO 3166-1 alpha-2; ``languages`` BCP 47."""

    name: str
    timezone: str
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    hours: str
    holidays: tuple[str, ...]
    emergency_text: str
    sender: str
    phone: str

    @classmethod
    def read(cls, form: MultiDict[str, str]) -> OfficeEntry:
        """Raises ``Invalid`` with its field for the first thing that cannot be accepted."""
        email = form.get("sender", "").strip()
        return cls(
            name=read_line(form, "name", MAX_NAME_CHARACTERS, required=True),
            timezone=read_timezone(form.get("timezone", "")),
            countries=_read_countries(form.getlist("countries")),
            languages=_read_languages(form.getlist("languages")),
            hours=read_line(form, "hours", MAX_HOURS_CHARACTERS),
            holidays=_read_holidays(form.get("holidays", "")),
            emergency_text=read_text(form, "emergency_text", MAX_EMERGENCY_CHARACTERS),
            sender=read_contact_email(email, "sender") if email else "",
            phone=read_line(form, "phone", MAX_PHONE_CHARACTERS),
        )


def create_office(session: Session, actor: Person, entry: OfficeEntry) -> Office:
    """Raises ``Invalid`` for a name that another office has."""
    office = Office(organisation_id=ensure_organisation(session).id, name=entry.name)
    session.add(office)
    session.flush()
    change_office(session, actor, office, entry)
    return office


def change_office(session: Session, actor: Person, office: Office, entry: OfficeEntry) -> None:
    """Raises ``Invalid`` for a name that another office has."""
    names = {
        one.name.casefold() for one in list_offices(session, with_closed=True) if one is not office
    }
    if entry.name.casefold() in names:
        raise Invalid(N_("Another office has this name."), field="name")
    office.name, office.timezone = entry.name, entry.timezone
    office.countries, office.languages = list(entry.countries), list(entry.languages)
    office.hours, office.holidays = entry.hours, list(entry.holidays)
    office.emergency_text, office.sender = entry.emergency_text, entry.sender
    office.phone = entry.phone
    session.flush()
    audit.record_audit_entry(
        session, actor.id, OrganizationAuditVerb.OFFICE_CHANGED, "office", office.id
    )


def _read_countries(codes: list[str]) -> tuple[str, ...]:
    if not set(codes) <= COUNTRY_CODES:
        raise Invalid(N_("Choose a country from the list."), field="countries")
    return tuple(dict.fromkeys(codes))


def _read_languages(tags: list[str]) -> tuple[str, ...]:
    if len(tags) > MAX_LANGUAGES or not all(is_language_tag(tag) for tag in tags):
        raise Invalid(N_("Choose a language from the list."), field="languages")
    return tuple(dict.fromkeys(tags))


def _read_holidays(text: str) -> tuple[str, ...]:
    words = text.split()
    if len(words) > MAX_HOLIDAYS:
        raise Invalid(N_("Enter at most %(most)s days."), field="holidays", most=MAX_HOLIDAYS)
    try:
        days = sorted({date.fromisoformat(word) for word in words})
    except ValueError:
        raise Invalid(N_("Enter a day as in 2026-05-31."), field="holidays") from None
    return tuple(day.isoformat() for day in days)
