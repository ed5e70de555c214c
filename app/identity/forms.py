"""What people enter about themselves."""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import available_timezones

from babel import Locale
from email_validator import EmailNotValidError, validate_email
from werkzeug.datastructures import MultiDict

from app.core.errors import Invalid
from app.core.text import N_, UNSEEN_CHARACTERS, has_unseen_characters
from app.i18n.locales import LOCALES, get_own_language_name, is_language_tag
from app.identity.accounts.passwords import read_password
from app.identity.models import Person

MAX_PERSON_NAME_CHARACTERS = 120
COUNTRY_CODES = frozenset(
    code
    for code in map(str, Locale("en").territories)
    if len(code) == 2 and code.isalpha() and code not in ("EU", "EZ", "QO", "UN", "XA", "XB", "ZZ")
)


@dataclass(frozen=True)
class Registration:
    """A person as they sign up; every field checked."""

    name: str
    email: str
    password: str
    language: str
    timezone: str
    country: str


@dataclass(frozen=True)
class PersonProfile:
    name: str
    language: str
    timezone: str
    country: str


def build_profile(person: Person) -> PersonProfile:
    """The person's details as the form shows them."""
    return PersonProfile(person.name, person.language, person.timezone, person.country)


def read_registration(form: MultiDict[str, str]) -> Registration:
    """Raises ``Invalid`` with its field for the first thing that cannot be accepted."""
    profile = read_profile(form)
    email = read_email(form.get("email", ""))
    return Registration(
        profile.name,
        email,
        read_password(form.get("password", ""), (profile.name, email)),
        profile.language,
        profile.timezone,
        profile.country,
    )


def read_profile(form: MultiDict[str, str]) -> PersonProfile:
    return PersonProfile(
        read_name(form.get("name", "")),
        read_language(form.get("language", "")),
        read_timezone(form.get("timezone", "")),
        _read_country(form.get("country", "")),
    )


def read_language(tag: str) -> str:
    if tag not in LOCALES and not is_language_tag(tag):
        raise Invalid(N_("Choose a language from the list."), field="language")
    return tag


def read_timezone(zone: str) -> str:
    if zone not in available_timezones():
        raise Invalid(N_("Choose a time zone from the list."), field="timezone")
    return zone


def read_name(name: str) -> str:
    name = " ".join(name.split())
    if not name:
        raise Invalid(N_("Enter your name."), field="name")
    if len(name) > MAX_PERSON_NAME_CHARACTERS:
        raise Invalid(
            N_("Keep this under %(most)s characters."),
            field="name",
            most=MAX_PERSON_NAME_CHARACTERS,
        )
    if has_unseen_characters(name):
        raise Invalid(UNSEEN_CHARACTERS, field="name")
    return name


def read_email(email: str) -> str:
    try:
        return validate_email(
            email.strip(), check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        raise Invalid(
            N_("This does not look like an e-mail address. Check it."), field="email"
        ) from None


def _read_country(code: str) -> str:
    if code.upper() not in COUNTRY_CODES:
        raise Invalid(N_("Choose a country from the list."), field="country")
    return code.upper()


def list_profile_choices(kept_language: str | None = None) -> dict[str, list[tuple[str, str]]]:
    """What the selects offer: languages by their own names, and countries by code (named by the
    template). ``kept_language`` is offered too: a save never changes what was not touched.
    """
    languages = [(language.tag, language.name) for language in LOCALES.values()]
    if kept_language and kept_language not in LOCALES and is_language_tag(kept_language):
        languages.append((kept_language, get_own_language_name(kept_language)))
    return {
        "languages": languages,
        "countries": [(code, code) for code in sorted(COUNTRY_CODES)],
    }
