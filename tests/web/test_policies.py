"""Every policy of every slice, for every kind of person and every stage, written down by hand.

The policies are pure functions, so each is called for every person (with their membership of the
case) and every stage. A policy that is not listed here fails the first test.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

import pytest

from app.cases.models import Case, CaseMember, CaseShare
from app.cases.states import CaseStage
from app.consults.models import Consult, Seat
from app.core.clock import now
from app.identity.models import Person, SignIn
from app.opinions.models import Opinion
from app.records.models import ReasonedAccess, Record, Upload
from app.scheduling.models import Booking, Engagement

SLICES = "identity cases records scheduling consults opinions"

ALL = (
    "draft submitted triage records_requested accepted scheduled consulted opinion_signed released"
    " closed declined withdrawn"
)
SENT = ALL.removeprefix("draft ")
OPEN = (
    "draft submitted triage records_requested accepted scheduled consulted opinion_signed released"
)
SENT_AND_OPEN = OPEN.removeprefix("draft ")
BEFORE_ACCEPTED = "draft submitted triage records_requested"

# who: role of the person, then their membership of the case: role, from, until (hours from now)
PEOPLE: dict[str, tuple[str, tuple[str, int, int | None] | None]] = {
    "the patient": ("patient", ("patient", -9, None)),
    "the specialist": ("specialist", ("specialist", -9, None)),
    "the interpreter": ("interpreter", ("interpreter", -9, 9)),
    "a guest": ("guest", ("guest", -9, 9)),
    "office": ("coordinator", None),
    "office that opened the file": ("coordinator", ("coordinator", -1, 1)),
    "office whose hour is over": ("coordinator", ("coordinator", -2, -1)),
    "office elsewhere": ("coordinator elsewhere", None),
    "office elsewhere, shared": ("coordinator shared", None),
    "office elsewhere, no longer shared": ("coordinator unshared", None),
    "a patient who is off": ("patient", ("patient", -9, -1)),
    "a specialist who was replaced": ("specialist", ("specialist", -9, -1)),
    "an interpreter before their time": ("interpreter", ("interpreter", 1, 9)),
    "an interpreter after their time": ("interpreter", ("interpreter", -9, -1)),
    "another patient": ("patient", None),
    "another specialist": ("specialist", None),
    "another interpreter": ("interpreter", None),
    "a referring doctor": ("referrer", None),
    "an administrator": ("administrator", None),
    "an auditor": ("auditor", None),
}
OFFICE = (
    "office",
    "office that opened the file",
    "office whose hour is over",
    "office elsewhere, shared",
)

# policy: person: the stages at which they may. Anyone who is not listed never may.
CASE_POLICIES: dict[str, dict[str, str]] = {
    "cases.can_read_case": {
        "the patient": ALL,
        "the specialist": ALL,
        "the interpreter": ALL,
        "a guest": ALL,
        **dict.fromkeys(OFFICE, SENT),
    },
    "cases.can_read_file": {
        "the patient": ALL,
        "the specialist": ALL,
        "office that opened the file": ALL,
    },
    "cases.can_change_case": {"the patient": "draft"},
    "cases.can_add_records": {"the patient": OPEN, **dict.fromkeys(OFFICE, SENT_AND_OPEN)},
    "records.can_list_records": {
        "the patient": ALL,
        "the specialist": ALL,
        "office": SENT,
        "office elsewhere, shared": SENT,
        "office that opened the file": ALL,
        "office whose hour is over": SENT,
    },
    "scheduling.can_see_slots": {"the patient": ALL, **dict.fromkeys(OFFICE, SENT)},
    "scheduling.can_book_meeting": {"the patient": ALL, **dict.fromkeys(OFFICE, SENT)},
    "scheduling.is_patient_of_case": {"the patient": ALL},
}

# The same, for policies that do not look at the membership.
OFFICE_POLICIES = {
    "cases.can_share_case": dict.fromkeys([one for one in OFFICE if "shared" not in one], SENT),
    "cases.can_run_office": dict.fromkeys(OFFICE, SENT),
    "records.can_open_with_reason": dict.fromkeys(OFFICE, SENT),
}

# (policy, state of the opinion): person: stages
OPINION_POLICIES: dict[tuple[str, str], dict[str, str]] = {
    ("can_write_opinion", "none"): {"the specialist": "consulted"},
    ("can_write_opinion", "draft"): {"the specialist": "consulted"},
    ("can_write_opinion", "signed"): {},
    ("can_write_opinion", "released"): {},
    ("can_read_opinion", "draft"): {"the specialist": ALL},
    ("can_read_opinion", "signed"): {"the specialist": ALL, "office that opened the file": ALL},
    ("can_read_opinion", "released"): {
        "the patient": ALL,
        "the specialist": ALL,
        "office that opened the file": ALL,
    },
    ("can_release_opinion", "draft"): {},
    ("can_release_opinion", "signed"): dict.fromkeys(OFFICE, "opinion_signed"),
    ("can_release_opinion", "released"): dict.fromkeys(OFFICE, "opinion_signed"),
    ("can_add_addendum", "draft"): {},
    ("can_add_addendum", "signed"): {"the specialist": ALL},
    ("can_add_addendum", "released"): {"the specialist": ALL},
}

# policy: roles of the seat
SEAT_POLICIES = {
    "can_admit_people": "specialist coordinator",
    "can_end_consult": "specialist coordinator",
    "can_be_removed": "patient interpreter guest",
    "can_ask_to_record": "patient specialist coordinator",
    "can_set_interpreting_mode": "specialist interpreter coordinator",
}
SEAT_ROLES = "patient specialist interpreter coordinator guest"

ROLES = "patient specialist interpreter coordinator referrer administrator auditor guest"

TESTED_BELOW = {  # each in a test of its own
    "identity.can_end_sign_in",
    "cases.is_current_member",
    "cases.is_interpreter_needed",
    "records.can_see_record",
    "records.visible_record_condition",  # with it, in tests/records/test_listed.py
    "records.can_open_record",
    "records.can_continue_upload",
    "records.can_remove_record",
    "scheduling.can_see_booking",
    "scheduling.can_change_booking",
    "scheduling.can_plan_series",
    "scheduling.can_answer_engagement",
    "scheduling.can_see_hours",
    "scheduling.can_set_hours",
    "consults.can_invite_guest",
    "consults.can_call_interpreter",
    "consults.can_interpret",
    "consults.can_take_seat",
    "opinions.is_time_to_write_opinion",
}


@dataclass
class Asker:
    """A person and their membership of the case."""

    person: Person
    member: CaseMember | None


def an_asker(who: str) -> Asker:
    role, held = PEOPLE[who]
    role, _, elsewhere = role.partition(" ")
    person = Person(id=who, role=role, active=True)
    if role == "coordinator":
        person.acting_role, person.acting_office_id = role, elsewhere or "office"
    if held is None:
        return Asker(person, None)
    as_what, since, until = held
    member = CaseMember(
        person_id=person.id,
        role=as_what,
        since=now() + timedelta(hours=since),
        until=None if until is None else now() + timedelta(hours=until),
    )
    return Asker(person, member)


def a_case_at(stage: str, *, written_only: bool = False, patient_id: str = "the patient") -> Case:
    earlier = now() - timedelta(hours=2)
    return Case(
        id="case",
        patient_id=patient_id,
        office_id="office",
        stage=stage,
        written_only=written_only,
        shares=[
            CaseShare(office_id="shared", since=earlier),
            CaseShare(office_id="unshared", since=earlier, until=now() - timedelta(hours=1)),
        ],
    )


def policy_named(name: str) -> Callable[..., bool]:
    slice_name, function = name.split(".")
    return getattr(import_module(f"app.{slice_name}.policy"), function)  # type: ignore[no-any-return]


def stages_at_which(may: Callable[[str], bool]) -> set[str]:
    return {stage for stage in ALL.split() if may(stage)}


def who_may_when(may: Callable[[Asker, str], bool]) -> dict[str, set[str]]:
    """{person: stages} of everybody in ``PEOPLE`` who may at any stage."""
    found = {}
    for who in PEOPLE:
        one = an_asker(who)
        if stages := stages_at_which(lambda stage, one=one: may(one, stage)):
            found[who] = stages
    return found


def as_sets(table: dict[str, str]) -> dict[str, set[str]]:
    return {who: set(stages.split()) for who, stages in table.items()}


def test_every_policy_is_listed_here():
    there = {
        f"{slice_name}.{name}"
        for slice_name in SLICES.split()
        for name, function in inspect.getmembers(
            import_module(f"app.{slice_name}.policy"), inspect.isfunction
        )
        if function.__module__ == f"app.{slice_name}.policy" and not name.startswith("_")
    }
    listed = (
        set(CASE_POLICIES)
        | set(OFFICE_POLICIES)
        | {f"opinions.{name}" for name, _ in OPINION_POLICIES}
        | {f"consults.{name}" for name in SEAT_POLICIES}
        | TESTED_BELOW
    )
    assert there == listed
    assert {str(stage) for stage in CaseStage} == set(ALL.split())


@pytest.mark.parametrize("name", CASE_POLICIES)
def test_who_may_do_what_with_a_case(name: str):
    can = policy_named(name)
    assert who_may_when(lambda one, stage: can(one.person, a_case_at(stage), one.member)) == (
        as_sets(CASE_POLICIES[name])
    )


@pytest.mark.parametrize("name", OFFICE_POLICIES)
def test_what_only_the_office_may_do(name: str):
    can = policy_named(name)
    assert who_may_when(lambda one, stage: can(one.person, a_case_at(stage))) == (
        as_sets(OFFICE_POLICIES[name])
    )


# Opinions


@pytest.mark.parametrize("name, state", OPINION_POLICIES)
def test_who_may_do_what_with_an_opinion(name: str, state: str):
    can = policy_named(f"opinions.{name}")
    opinion = Opinion(state=state, specialist_id="the specialist") if state != "none" else None

    def may(one: Asker, stage: str) -> bool:
        case = a_case_at(stage)
        match name:
            case "can_release_opinion":
                return can(one.person, case, opinion)
            case "can_add_addendum":
                return can(one.person, one.member, opinion)
            case _:
                return can(one.person, case, one.member, opinion)

    assert who_may_when(may) == as_sets(OPINION_POLICIES[name, state])


def test_a_written_opinion_may_be_written_once_the_case_is_accepted():
    one, can = an_asker("the specialist"), policy_named("opinions.can_write_opinion")
    may = stages_at_which(
        lambda stage: can(one.person, a_case_at(stage, written_only=True), one.member, None)
    )
    assert may == {"accepted", "consulted"}
    is_time = policy_named("opinions.is_time_to_write_opinion")
    assert stages_at_which(lambda stage: is_time(a_case_at(stage))) == {"consulted"}
    assert stages_at_which(lambda stage: is_time(a_case_at(stage, written_only=True))) == {
        "accepted",
        "consulted",
    }


def test_the_successor_goes_on_with_the_draft_and_adds_nothing_to_what_another_signed():
    one = an_asker("the specialist")
    draft = Opinion(state="draft", specialist_id="a specialist who was replaced")
    signed = Opinion(state="signed", specialist_id="a specialist who was replaced")
    case = a_case_at("consulted")
    assert policy_named("opinions.can_write_opinion")(one.person, case, one.member, draft)
    assert policy_named("opinions.can_read_opinion")(one.person, case, one.member, signed)
    assert not policy_named("opinions.can_add_addendum")(one.person, one.member, signed)
    left = an_asker("a specialist who was replaced")
    assert not policy_named("opinions.can_write_opinion")(left.person, case, left.member, draft)
    assert not policy_named("opinions.can_read_opinion")(left.person, case, left.member, signed)
    assert not policy_named("opinions.can_add_addendum")(left.person, left.member, signed)


# Records

# state of the record: who sees that it is there, who opens it
SEES_RECORD = {
    "arriving": {"the patient", *OFFICE},
    "inspecting": {"the patient", *OFFICE},
    "ready": {"the patient", "the specialist", *OFFICE},
    "refused": {"the patient", *OFFICE},
    "quarantined": {"the patient", *OFFICE},
    "removed": set(),
    "nothing arrived": set(),
}
OPENS_RECORD = {
    **dict.fromkeys(SEES_RECORD, set()),
    "ready": {"the patient", "the specialist", "office that opened the file"},
}


def a_record(state: str) -> Record:
    removed = now() if state == "removed" else None
    kept = {"removed": "ready", "nothing arrived": "arriving"}.get(state, state)
    upload = Upload(person_id="the patient", received=0 if state == "nothing arrived" else 10)
    return Record(state=kept, removed_at=removed, upload=upload)


@pytest.mark.parametrize("state", SEES_RECORD)
def test_who_sees_and_who_opens_a_record(state: str):
    see, open_it = policy_named("records.can_see_record"), policy_named("records.can_open_record")
    record, case = a_record(state), a_case_at("accepted")
    people = {who: an_asker(who) for who in PEOPLE}
    assert {
        who for who, one in people.items() if see(one.person, record, case, one.member)
    } == SEES_RECORD[state]
    assert {
        who for who, one in people.items() if open_it(one.person, record, case, one.member)
    } == OPENS_RECORD[state]


@pytest.mark.parametrize(
    "since, until, opens", [(-1, 1, True), (-2, -1, False), (1, 2, False), (-1, 0, False)]
)
def test_a_reason_opens_one_record_to_the_office_for_its_hour(since: int, until: int, opens: bool):
    access = ReasonedAccess(
        since=now() + timedelta(hours=since), until=now() + timedelta(hours=until)
    )
    can, case = policy_named("records.can_open_record"), a_case_at("accepted")
    may = {
        who
        for who in PEOPLE
        if can(an_asker(who).person, a_record("ready"), case, an_asker(who).member, access)
    }
    assert may == OPENS_RECORD["ready"] | (set(OFFICE) if opens else set())
    refused = a_record("refused")
    assert not can(an_asker("office").person, refused, case, None, access)


def test_only_the_person_who_began_an_upload_continues_it():
    can = policy_named("records.can_continue_upload")

    def may(one: Asker, stage: str, owner: str) -> bool:
        return can(one.person, Upload(person_id=owner), a_case_at(stage), one.member)

    assert who_may_when(lambda one, stage: may(one, stage, one.person.id)) == as_sets(
        {"the patient": OPEN, **dict.fromkeys(OFFICE, SENT_AND_OPEN)}
    )
    assert who_may_when(lambda one, stage: may(one, stage, "someone else")) == {}


@pytest.mark.parametrize(
    "state, stages",
    [
        ("arriving", ""),
        ("inspecting", ""),
        ("ready", BEFORE_ACCEPTED),
        ("refused", ALL),
        ("quarantined", ""),
        ("removed", ""),
    ],
)
def test_the_patient_takes_a_file_back_until_the_case_is_accepted(state: str, stages: str):
    can, record = policy_named("records.can_remove_record"), a_record(state)
    may = who_may_when(lambda one, stage: can(one.person, record, a_case_at(stage), one.member))
    assert may == (as_sets({"the patient": stages}) if stages else {})


# Bookings, engagements and hours


def people_of_every_role() -> list[Person]:
    people = [Person(id=f"another {role}", role=role, active=True) for role in ROLES.split()]
    elsewhere = Person(id="coordinator elsewhere", role="coordinator", active=True)
    for one in (*people, elsewhere):
        one.acting_role, one.acting_office_id = one.home_role, "office"
    elsewhere.acting_office_id = "elsewhere"
    return [*people, elsewhere]


def in_the_booking() -> list[Person]:
    return [
        Person(id="patient", role="patient"),
        Person(id="specialist", role="specialist"),
        Person(id="first", role="interpreter"),
        Person(id="second", role="interpreter"),
    ]


def a_booking(state: str = "confirmed") -> Booking:
    return Booking(
        case=a_case_at("scheduled"),
        patient_id="patient",
        specialist_id="specialist",
        interpreter_id="first",
        second_interpreter_id="second",
        state=state,
    )


def who_may(name: str, *facts: object) -> set[str]:
    can = policy_named(name)
    return {one.id for one in (*in_the_booking(), *people_of_every_role()) if can(one, *facts)}


def test_who_sees_a_booking_and_who_changes_it():
    booking = a_booking()
    assert who_may("scheduling.can_see_booking", booking) == {
        "patient",
        "specialist",
        "first",
        "second",
        "another coordinator",
    }
    assert who_may("scheduling.can_change_booking", booking) == {"patient", "another coordinator"}


@pytest.mark.parametrize("state", ["held", "confirmed", "cancelled", "expired"])
def test_the_office_plans_a_series_of_a_confirmed_meeting(state: str):
    may = who_may("scheduling.can_plan_series", a_booking(state))
    assert may == ({"another coordinator"} if state == "confirmed" else set())


def test_only_the_interpreter_who_was_asked_answers():
    assert who_may("scheduling.can_answer_engagement", Engagement(interpreter_id="first")) == {
        "first"
    }


@pytest.mark.parametrize("role", ROLES.split())
def test_whose_hours_may_be_seen_and_set(role: str):
    owner = Person(id="owner", role=role)
    see, change = policy_named("scheduling.can_see_hours"), policy_named("scheduling.can_set_hours")
    people = [owner, *people_of_every_role()]
    office = {"another coordinator", "coordinator elsewhere"}
    keeps_hours = role in ("specialist", "interpreter")
    assert {one.id for one in people if see(one, owner)} == {"owner"} | (
        office if keeps_hours else set()
    )
    assert {one.id for one in people if change(one, owner)} == (
        {"owner"} | office if keeps_hours else set()
    )


# Consults


@pytest.mark.parametrize("name", SEAT_POLICIES)
def test_what_a_seat_may(name: str):
    can = policy_named(f"consults.{name}")
    assert {role for role in SEAT_ROLES.split() if can(Seat(role=role))} == set(
        SEAT_POLICIES[name].split()
    )


def test_who_may_take_a_seat_invite_and_call():
    consult = Consult(
        case=a_case_at("scheduled"),
        seats=[
            *(Seat(person_id=one.id) for one in in_the_booking()),
            Seat(person_id="another guest"),
            Seat(person_id="another patient", removed_at=now()),
        ],
    )
    seated = {"patient", "specialist", "first", "second", "another guest"}
    assert who_may("consults.can_take_seat", consult) == seated | {"another coordinator"}
    assert who_may("consults.can_invite_guest", consult) == {
        "patient",
        "specialist",
        "another guest",  # has no permission to invite: see test_who_may.py
        "another coordinator",
    }
    assert who_may("consults.can_call_interpreter") == {
        "another coordinator",
        "coordinator elsewhere",  # of a consult that they can reach: see can_take_seat
    }


@pytest.mark.parametrize(
    "pair, language, may",
    [
        (["ar", "en"], "ar", True),
        (["ar", "en"], "en-GB", True),
        (["ar", "en"], "de", False),
        ([], "ar", False),
        (None, "ar", False),
    ],
)
def test_an_interpreter_interprets_into_the_languages_of_their_pair(pair, language, may):
    assert policy_named("consults.can_interpret")(Seat(pair=pair), language) is may


# People


def test_a_person_ends_their_own_sign_ins():
    assert who_may("identity.can_end_sign_in", SignIn(person_id="patient")) == {"patient"}


@pytest.mark.parametrize(
    "since, until, holds",
    [
        (-2, None, True),
        (-2, 1, True),
        (0, None, True),
        (-2, 0, False),
        (-2, -1, False),
        (1, None, False),
        (1, 2, False),
    ],
)
def test_a_membership_holds_from_then_until_then(since: int, until: int | None, holds: bool):
    member = CaseMember(
        since=now() + timedelta(hours=since),
        until=None if until is None else now() + timedelta(hours=until),
    )
    holds_now = policy_named("cases.is_current_member")
    assert holds_now(member) is holds
    assert not holds_now(None)


@pytest.mark.parametrize(
    "patient, specialist, needed",
    [
        (("ar", []), ("en", []), True),
        (("es-MX", []), ("es", []), False),
        (("ar", ["en"]), ("en", []), False),
        (("ar", []), ("en", ["AR"]), False),
        (("ar", ["fr"]), ("en", ["de"]), True),
    ],
)
def test_an_interpreter_is_needed_where_no_language_is_shared(patient, specialist, needed):
    people = [Person(language=own, speaks=others) for own, others in (patient, specialist)]
    assert policy_named("cases.is_interpreter_needed")(*people) is needed
