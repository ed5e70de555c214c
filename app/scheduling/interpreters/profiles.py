"""What an interpreter is chosen by beside languages and hours, and is paid: gender, dialects,
fields, rate.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

from babel.numbers import format_currency, get_currency_precision
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.cases.specialties import SPECIALTIES
from app.core.errors import Forbidden, Invalid
from app.core.permissions import Role
from app.core.text import N_, write_digits_plainly
from app.i18n.collation import sort_by_name
from app.i18n.locales import get_language_name, list_dialects, match_language
from app.identity.models import Person
from app.identity.verbs import IdentityAuditVerb
from app.scheduling import policy
from app.scheduling.matching.languages import is_well_formed_tag, primary_language_of
from app.scheduling.models import InterpreterProfile, Qualification

PROFILE_GENDER_CHOICES = ("", "female", "male")
RATE_CURRENCIES = (
    "EUR",
    "USD",
    "GBP",
    "CHF",
    "AED",
    "AUD",
    "BRL",
    "CAD",
    "CNY",
    "EGP",
    "INR",
    "JPY",
    "KRW",
    "KWD",
    "MXN",
    "NOK",
    "PLN",
    "QAR",
    "SAR",
    "SEK",
    "THB",
    "TRY",
    "UAH",
)
MAX_PROFILE_DIALECTS = 12
MAX_HOURLY_RATE = 100_000  # in the currency itself


@dataclass(frozen=True)
class InterpreterProfileEntry:
    """As entered. ``rate`` is an amount an hour in words of the form («48,50»), or empty."""

    gender: str
    dialects: str
    specialties: tuple[str, ...]
    rate: str | None = None
    currency: str = "EUR"


def interpreter_profile_of(session: Session, person: Person) -> InterpreterProfile:
    """The profile, or an empty one that is not kept."""
    return session.get(InterpreterProfile, person.id) or InterpreterProfile(
        person_id=person.id,
        gender=None,
        dialects=[],
        specialties=[],
        hourly_rate=None,
        currency="EUR",
    )


def change_interpreter_profile(
    session: Session, actor: Person, owner: Person, entered: InterpreterProfileEntry
) -> InterpreterProfile:
    """Keeps what was entered. The rate is agreed with the office, which alone enters it.

    Raises ``Invalid`` for the first thing that cannot be, naming its field, and then nothing has
    changed.
    """
    if owner.role != Role.INTERPRETER or not policy.can_set_hours(actor, owner):
        raise Forbidden()
    if entered.gender not in PROFILE_GENDER_CHOICES:
        raise Invalid(N_("Choose one of the answers shown."), field="gender")
    unknown = next((one for one in entered.specialties if one not in SPECIALTIES), None)
    if unknown is not None:
        raise Invalid(N_("Choose one of the answers shown."), field="specialties")
    spoken, rate = _read_dialects(entered.dialects), None
    if actor.role == Role.COORDINATOR:
        rate = _read_minor_units(entered.rate or "", entered.currency)
    row = session.get(InterpreterProfile, owner.id)
    if row is None:
        row = InterpreterProfile(person_id=owner.id)
        session.add(row)
    row.gender, row.dialects, row.specialties = (
        entered.gender or None,
        spoken,
        list(entered.specialties),
    )
    if actor.role == Role.COORDINATOR:
        row.hourly_rate, row.currency = rate, entered.currency
    session.flush()
    audit.record_audit_entry(
        session,
        actor.id,
        IdentityAuditVerb.PERSON_CHANGED,
        "person",
        owner.id,
        profile="interpreter",
    )
    return row


def list_dialect_choices(
    owner: Person, held: Iterable[Qualification], kept: Iterable[str], reader: str
) -> list[tuple[str, list[tuple[str, str]]]]:
    """The dialects of each language that somebody interprets or speaks, in the reader's words.

    One that is kept already and is none of them can be kept.
    """
    spoken = dict.fromkeys(
        primary_language_of(tag)
        for tag in (
            *(tag for one in held for tag in (one.source, one.target)),
            *owner.languages,
            *kept,
        )
    )
    offered = {one: dict(list_dialects(one, reader)) for one in spoken}
    for tag in kept:
        offered[primary_language_of(tag)].setdefault(tag, get_language_name(tag, reader))
    return [
        (one, sort_by_name(found.items(), reader))
        for one, found in offered.items()
        if len(found) > 1 or {*found} & {*kept}
    ]


def format_money(minor: int, currency: str, language: str) -> str:
    """An amount as the reader writes it: «48,50 €»."""
    amount = Decimal(minor).scaleb(-get_currency_precision(currency))
    return format_currency(amount, currency, locale=match_language(language).locale)


def format_plain_amount(minor: int | None, currency: str) -> str:
    """An amount for a form or a table of the accounts: «48.50», whatever the language."""
    return "" if minor is None else str(Decimal(minor).scaleb(-get_currency_precision(currency)))


def _read_dialects(text: str) -> list[str]:
    tags = list(dict.fromkeys(tag.strip() for tag in re.split(r"[,;،\s]+", text) if tag.strip()))
    wrong = next((tag for tag in tags if not is_well_formed_tag(tag) or "-" not in tag), None)
    if wrong is not None:
        raise Invalid(N_("Choose one of the answers shown."), field="dialects")
    if len(tags) > MAX_PROFILE_DIALECTS:
        raise Invalid(
            N_("Enter at most %(most)s dialects."),
            field="dialects",
            most=MAX_PROFILE_DIALECTS,
        )
    return tags


def _read_minor_units(text: str, currency: str) -> int | None:
    """«48,50» or «٤٨٫٥٠» as 4850. Raises ``Invalid`` for what is no amount of that currency."""
    if currency not in RATE_CURRENCIES:
        raise Invalid(N_("Choose a currency from the list."), field="currency")
    text = write_digits_plainly(text.strip()).replace(",", ".").replace("٫", ".")
    if not text:
        return None
    digits = get_currency_precision(currency)
    try:
        amount = Decimal(text) if re.fullmatch(r"\d+(\.\d+)?", text) else Decimal("NaN")
    except InvalidOperation:
        amount = Decimal("NaN")
    if (
        amount.is_nan()
        or amount > MAX_HOURLY_RATE
        or amount != amount.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    ):
        raise Invalid(
            N_(
                "Enter the hourly rate as a number, such as 48.50, with at most %(digits)s"
                " digits after the point for this currency."
            ),
            field="rate",
            digits=digits,
        )
    return int(amount.scaleb(digits))
