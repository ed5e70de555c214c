"""The people of the demo. All are invented."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from argon2 import PasswordHasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit import service as audit
from app.core import clock
from app.core.demo import DemoDiary
from app.core.permissions import Role
from app.identity.models import Person
from app.identity.queries import find_person_by_email
from app.identity.verbs import IdentityAuditVerb

DEMO_PASSWORD = "consilium-demo"


@dataclass(frozen=True)
class DemoPerson:
    """A demo person; the address is ``key@demo.example``. ``hours`` are their weekly hours,
    Monday to Friday.
    """

    key: str
    role: Role
    name: str
    language: str
    timezone: str
    country: str
    title: str = ""
    specialties: tuple[str, ...] = ()
    speaks: tuple[str, ...] = ()
    hours: tuple[int, int] | None = None
    pairs: tuple[tuple[str, str], ...] = field(default=())


DEMO_PEOPLE: tuple[DemoPerson, ...] = (
    DemoPerson(
        "coordinator",
        Role.COORDINATOR,
        "Maria Ortega",
        "en",
        "Europe/Berlin",
        "DE",
        speaks=("es", "de"),
    ),
    DemoPerson("admin", Role.ADMINISTRATOR, "Jonas Weber", "en", "Europe/Berlin", "DE"),
    DemoPerson("auditor", Role.AUDITOR, "Ingrid Solberg", "en", "Europe/Oslo", "NO"),
    DemoPerson(
        "specialist",
        Role.SPECIALIST,
        "Anna Bergmann",
        "en",
        "Europe/Berlin",
        "DE",
        "Prof.",
        ("oncology", "haematology"),
        ("de",),
        (8, 18),
    ),
    DemoPerson(
        "cardiologist",
        Role.SPECIALIST,
        "Michael Chen",
        "en",
        "America/New_York",
        "US",
        "Dr.",
        ("cardiology", "nephrology"),
        (),
        (8, 17),
    ),
    DemoPerson(
        "neurologist",
        Role.SPECIALIST,
        "Priya Raman",
        "en",
        "Europe/London",
        "GB",
        "Dr.",
        ("neurology", "neurosurgery"),
        ("hi",),
        (9, 18),
    ),
    DemoPerson(
        "surgeon",
        Role.SPECIALIST,
        "Erik Lindqvist",
        "en",
        "Europe/Stockholm",
        "SE",
        "Dr.",
        ("orthopaedics", "rheumatology"),
        ("sv",),
        (9, 17),
    ),
    DemoPerson(
        "paediatrician",
        Role.SPECIALIST,
        "Carmen Vidal",
        "es",
        "Europe/Madrid",
        "ES",
        "Dra.",
        ("paediatrics", "gastroenterology"),
        ("en",),
        (9, 15),
    ),
    DemoPerson(
        "interpreter",
        Role.INTERPRETER,
        "Omar Haddad",
        "ar",
        "Africa/Cairo",
        "EG",
        speaks=("en",),
        hours=(8, 20),
        pairs=(("ar", "en"),),
    ),
    DemoPerson(
        "interpreter2",
        Role.INTERPRETER,
        "Nadia Mansour",
        "ar",
        "Asia/Beirut",
        "LB",
        speaks=("en", "fr"),
        hours=(9, 21),
        pairs=(("ar", "en"), ("ar", "fr")),
    ),
    DemoPerson(
        "interpreter3",
        Role.INTERPRETER,
        "Lucía Fernández",
        "es",
        "Europe/Madrid",
        "ES",
        speaks=("en",),
        hours=(12, 22),
        pairs=(("es", "en"),),
    ),
    DemoPerson(
        "interpreter4",
        Role.INTERPRETER,
        "Lin Wei",
        "zh",
        "Asia/Shanghai",
        "CN",
        speaks=("en",),
        hours=(13, 22),
        pairs=(("zh", "en"),),
    ),
    DemoPerson("patient", Role.PATIENT, "ليلى الحربي", "ar", "Asia/Riyadh", "SA"),
    DemoPerson("patient2", Role.PATIENT, "Carlos Ramírez Soto", "es", "America/Mexico_City", "MX"),
    DemoPerson("patient3", Role.PATIENT, "王芳", "zh", "Asia/Shanghai", "CN"),
    DemoPerson("patient4", Role.PATIENT, "يوسف خليل", "ar", "Asia/Amman", "JO"),
    DemoPerson("patient5", Role.PATIENT, "María López Cárdenas", "es", "America/Bogota", "CO"),
    DemoPerson("patient6", Role.PATIENT, "سميرة عزيز", "ar", "Asia/Baghdad", "IQ"),
    DemoPerson("patient7", Role.PATIENT, "أحمد حسن", "ar", "Africa/Cairo", "EG"),
    DemoPerson("patient8", Role.PATIENT, "Diego Torres Quispe", "es", "America/Lima", "PE"),
    DemoPerson("patient9", Role.PATIENT, "Rosa Jiménez Vega", "es", "America/Mexico_City", "MX"),
)
SHOWN_DEMO_ACCOUNTS = ("patient", "specialist", "interpreter", "coordinator", "admin", "auditor")


def seed_demo_people(diary: DemoDiary) -> None:
    hashed = PasswordHasher().hash(DEMO_PASSWORD)
    for one in DEMO_PEOPLE:
        _add_demo_person(diary.session, one, hashed)


def are_demo_people_there(session: Session) -> bool:
    return find_person_by_email(session, "patient@demo.example") is not None


def load_demo_people(session: Session) -> dict[str, Person]:
    """The demo people by key."""
    found = session.scalars(select(Person).where(Person.email.endswith("@demo.example")))
    return {person.email.partition("@")[0]: person for person in found}


def format_demo_accounts() -> str:
    """The demo accounts and their password, to be printed."""
    rows = [
        (f"{one.key}@demo.example", str(one.role), one.name)
        for one in DEMO_PEOPLE
        if one.key in SHOWN_DEMO_ACCOUNTS
    ]
    rows.sort(key=lambda row: SHOWN_DEMO_ACCOUNTS.index(row[0].partition("@")[0]))
    width = max(len(address) for address, _, _ in rows)
    lines = [f"  {address:<{width}}  {role:<13}  {name}" for address, role, name in rows]
    return "\n".join([f"Demo accounts (password of all: {DEMO_PASSWORD})", *lines])


def _add_demo_person(session: Session, one: DemoPerson, hashed: str) -> Person:
    person = Person(
        email=f"{one.key}@demo.example",
        name=one.name,
        password=hashed,
        role=one.role,
        language=one.language,
        timezone=one.timezone,
        country=one.country,
        title=one.title,
        specialties=list(one.specialties),
        speaks=list(one.speaks),
        created_at=clock.now() - timedelta(days=60),
    )
    session.add(person)
    session.flush()
    audit.record_audit_entry(
        session, person.id, IdentityAuditVerb.PERSON_REGISTERED, "person", person.id
    )
    return person
