"""People are invited one by one, or many from a table."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid, Refusal
from app.core.outbox import enqueue_notice
from app.core.permissions import STAFF_ROLES, Role
from app.core.text import N_
from app.identity import forms
from app.identity.accounts.links import AccountLink
from app.identity.accounts.service import NO_PASSWORD_YET
from app.identity.models import Person
from app.identity.queries import find_person_by_email
from app.organizations import queries
from app.organizations.models import Office
from app.organizations.service import grant_affiliation, invite_staff

ACCOUNT_INVITED_NOTICE = "account_invited"
MAX_IMPORTED_ROWS = 500
MAX_IMPORTED_CHARACTERS = 200_000
IMPORT_COLUMNS = ("email", "name", "role", "office", "language")


@dataclass(frozen=True)
class StaffInvitation:
    """Somebody who shall work in an office. ``role`` is a ``Role``, ``language`` a BCP 47 tag."""

    email: str
    name: str
    role: str
    office_id: str
    language: str = "en"


@dataclass(frozen=True)
class ImportedRow:
    """One row of a table. ``refusal`` says why it cannot be used, and is None if it can."""

    number: int
    entered: StaffInvitation
    refusal: Refusal | None = None
    has_account: bool = False


def invite_to_office(session: Session, actor: Person, entry: StaffInvitation) -> AccountLink | None:
    """An account with a role in an office. Who has an account already gets the role in it, and
    None is returned; everybody else gets a mail with the link that is returned too.
    """
    office = _check_invitation(session, entry)
    person = find_person_by_email(session, entry.email)
    if person is not None and not _waits_for_first_sign_in(person):
        if not person.active:
            raise Conflict(
                N_("This account is deactivated. Activate it on the person’s page first."),
                field="email",
            )
        grant_affiliation(session, actor, person, office, Role(entry.role))
        return None
    link = invite_staff(
        session, actor, entry.email, entry.name, entry.role, office=office, language=entry.language
    )
    enqueue_notice(session, ACCOUNT_INVITED_NOTICE, link.person_id, {"link_id": link.id})
    return link


def read_import(session: Session, text: str) -> list[ImportedRow]:
    """The rows of a CSV table with the columns e-mail, name, role, office, language; the last two
    may be missing. Raises ``Invalid`` for what is no such table.
    """
    if len(text) > MAX_IMPORTED_CHARACTERS:
        raise Invalid(N_("The table is too long. Split it into several."), field="table")
    rows = [row for row in _parse_csv(text) if any(cell.strip() for cell in row)]
    if rows and rows[0][0].strip().lower() in IMPORT_COLUMNS:
        rows = rows[1:]
    if not rows:
        raise Invalid(N_("Enter at least one row: e-mail address, name, role."), field="table")
    if len(rows) > MAX_IMPORTED_ROWS:
        raise Invalid(
            N_("The table has more than %(most)s rows. Split it into several."),
            field="table",
            most=MAX_IMPORTED_ROWS,
        )
    offices = queries.list_offices(session)
    seen: set[str] = set()
    return [
        _read_row(session, number, row, offices, seen) for number, row in enumerate(rows, start=1)
    ]


def import_people(session: Session, actor: Person, rows: Sequence[ImportedRow]) -> int:
    """Invites everybody whose row can be used. Returns how many."""
    usable = [row for row in rows if row.refusal is None]
    for row in usable:
        invite_to_office(session, actor, row.entered)
    return len(usable)


def _parse_csv(text: str) -> list[list[str]]:
    text = text.lstrip("\ufeff")
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text), delimiter=delimiter, strict=True))
    except csv.Error:
        raise Invalid(
            N_("This is not a table in CSV format. Check the quotation marks."), field="table"
        ) from None


def _read_row(
    session: Session, number: int, row: list[str], offices: Sequence[Office], seen: set[str]
) -> ImportedRow:
    cells = [cell.strip() for cell in row[: len(IMPORT_COLUMNS)]]
    email, name, role, office, language = [*cells, *[""] * (len(IMPORT_COLUMNS) - len(cells))]
    wanted = next((one for one in offices if one.name.casefold() == office.casefold()), None)
    first = offices[0].id if offices else ""
    entry = StaffInvitation(
        email[:254],
        name[:200],
        role.lower()[:40],
        wanted.id if wanted else ("" if office else first),
        language or "en",
    )
    found = ImportedRow(number, entry)
    try:
        _check_invitation(session, entry)
        if entry.email.lower() in seen:
            raise Conflict(N_("This e-mail address is in the table twice."), field="email")
    except Refusal as refusal:
        return replace(found, refusal=refusal)
    seen.add(entry.email.lower())
    person = find_person_by_email(session, entry.email)
    if person is not None and not person.active:
        return replace(found, refusal=Conflict(N_("This account is deactivated."), field="email"))
    return replace(found, has_account=person is not None and not _waits_for_first_sign_in(person))


def _check_invitation(session: Session, entry: StaffInvitation) -> Office:
    """The office of an invitation. Raises ``Invalid`` for the first thing that cannot be."""
    forms.read_email(entry.email)
    forms.read_name(entry.name)
    if entry.role not in STAFF_ROLES:
        raise Invalid(
            N_("There is no role “%(role)s”. Choose one of these: %(roles)s."),
            field="role",
            role=entry.role,
            roles=", ".join(STAFF_ROLES),
        )
    forms.read_language(entry.language)
    return queries.get_open_office(session, entry.office_id)


def _waits_for_first_sign_in(person: Person) -> bool:
    return person.password == NO_PASSWORD_YET
