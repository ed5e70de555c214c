"""Every door is closed unless it is opened: a walk over all routes and all socket events, generated
from what there is.

Nobody, each role of another case, and somebody who has left the case try every address of a case,
filled with ids that really exist. None may learn or change anything.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Blueprint
from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import create_app
from app.audit.models import AuditEntry
from app.cases.models import Case
from app.cases.queries import WorklistFilter, count_worklist_cases
from app.cases.sharing import end_case_share, share_case
from app.core.permissions import Role
from app.core.slices import get_slices
from app.identity.models import Person
from app.organizations.models import DEFAULT_ORGANISATION_ID, Office
from app.organizations.queries import list_affiliations
from app.organizations.service import grant_affiliation
from app.web import sockets
from app.web.access import PUBLIC_ACCESS, UnguardedEndpoint, check_every_route, get_route_permission
from app.web.limits import limiter
from app.web.slices import import_socket_events
from app.web.sockets import SOCKET_EVENTS, SocketEvent, check_every_socket_event, socketio
from tests.conftest import test_settings
from tests.people import LONG_AGO, Visitor, a_case, a_person
from tests.web.test_who_may import HOLDERS, ROUTES, by_name
from tests.world import Circle, a_circle, furnish

import_socket_events(get_slices())  # the tests below are generated from them
METHODS = ("GET", "POST", "PATCH", "DELETE", "HEAD")
# Addresses that carry an id, whose thing is not a case's and which everybody may open.
OWN_WORDS = {"filename", "name", "language"}
NOTHING_TO_SEE = {
    404,
    422,
    400,
}  # what an outsider may be answered; 422 and 400 speak of the form alone


# What the coordinators of every office may do: it is about the staff, and about no case; and links
# that are secrets themselves.
OWN_STAFF = {
    "scheduling.show_answer_link",
    "scheduling.post_answer_link",
    "scheduling.post_opening_change",
    "scheduling.post_opening_removal",
    "scheduling.post_exception_days_change",
    "scheduling.post_exception_days_removal",
    "scheduling.post_busy_feed_removal",
    "scheduling.post_qualification_removal",
}


@dataclass
class World:
    app: object
    database: object
    coordinator: Person
    inside: Circle
    outside: Circle
    left: Person
    elsewhere: dict[str, Person]
    """Coordinators of other offices: of one with nothing of the case, and of two with which it was
    shared, with one of them no longer.
    """


@pytest.fixture(scope="module")
def world(tmp_path_factory, _empty_sqlite) -> Iterator[World]:
    """Built once: the walks below change nothing, which is what they are about."""
    folder = tmp_path_factory.mktemp("world")
    shutil.copy(_empty_sqlite, folder / "consilium.db")
    app = create_app(test_settings(folder))
    database = app.extensions["database"]
    with database.unit_of_work() as session:
        coordinator = a_person(session, Role.COORDINATOR)
        inside = a_circle(session, coordinator, days=3)
        outside = a_circle(session, coordinator, days=4)
    furnish(app, database, inside)
    with database.unit_of_work() as session:
        elsewhere = {
            name: a_coordinator_elsewhere(session, name) for name in ("none", "revoked", "shared")
        }
        case = session.get_one(Case, inside.case.id)
        office = session.merge(coordinator)
        for name in ("revoked", "shared"):
            (one,) = list_affiliations(session, elsewhere[name])
            share = share_case(session, office, case, one.office_id, "joint board")
            if name == "revoked":
                end_case_share(session, office, share)
    yield World(app, database, coordinator, inside, outside, inside.left, elsewhere)
    database.close()


def a_coordinator_elsewhere(session: Session, name: str) -> Person:
    """A coordinator of an office of their own, with a case of its own."""
    office = Office(organisation_id=DEFAULT_ORGANISATION_ID, name=f"Office {name}")
    session.add(office)
    session.flush()
    person = a_person(session)
    grant_affiliation(session, None, person, office, Role.COORDINATOR, since=LONG_AGO)
    case = a_case(session, a_person(session))
    case.office = office
    session.flush()
    return person


@pytest.fixture(autouse=True)
def fresh_limits(world):
    """The walks sign in more often than a person may in a minute."""
    with world.app.app_context():
        limiter.reset()


def doors(app) -> Iterator[tuple[str, str, str]]:
    """(method, rule, endpoint) of every door that is not public."""
    for rule in app.url_map.iter_rules():
        if get_route_permission(app, rule.endpoint) == PUBLIC_ACCESS:
            continue
        for method in sorted(set(rule.methods or ()) & set(METHODS)):
            if method != "HEAD" or "GET" not in (rule.methods or ()):
                yield method, rule, rule.endpoint


def address(app, rule, ids: dict[str, str]) -> str:
    """The rule's address, filled with ids that exist. A new kind of id must be made known here."""
    values = {}
    for name in rule.arguments:
        if name in OWN_WORDS:
            values[name] = next(iter(getattr(rule._converters[name], "items", {"x"})))  # noqa: SLF001 - any(...)
        else:
            known = next((key for key in (f"{rule.endpoint}:{name}", name) if key in ids), None)
            assert known, f"{rule.rule}: tests/world.py does not know what ‘{name}’ is"
            values[name] = ids[known]
    with app.test_request_context():
        return app.url_map.bind("").build(
            rule.endpoint, values, method=next(iter(rule.methods - {"OPTIONS"}))
        )


def without_ids(text: str, ids: dict[str, str]) -> str:
    """A page without what differs at every request, and without the ids that were asked for."""
    for one in sorted({one for one in ids.values() if one}, key=len, reverse=True):
        text = text.replace(one, "ID")
    return re.sub(r'(nonce|value|content|csrf_token)="[^"]*"', "", text)


def knock(visitor: Visitor, method: str, path: str):  # type: ignore[no-untyped-def]
    """Asks as a browser's page would: a form for POST, a script with its token for the rest."""
    if method in ("GET", "POST"):
        form = {"csrf_token": visitor.token} if method == "POST" else None
        tus = {"Tus-Resumable": "1.0.0"} if "upload" in path else {}
        return visitor.client.open(path, method=method, data=form, headers=tus)
    tus = {
        "Tus-Resumable": "1.0.0",
        "Content-Type": "application/offset+octet-stream",
        "Upload-Offset": "0",
    }
    return visitor.client.open(path, method=method, headers={"X-CSRFToken": visitor.token, **tus})


def test_a_route_without_permission_stops_the_start(tmp_path, monkeypatch):
    app = create_app(test_settings(tmp_path, database_url=f"sqlite:///{tmp_path}/x.db"))
    check_every_route(app)
    naked = Blueprint("naked", __name__)
    naked.get("/naked")(lambda: "here I am")
    app._got_first_request = False  # noqa: SLF001
    app.register_blueprint(naked)
    with pytest.raises(UnguardedEndpoint, match="naked"):
        check_every_route(app)


def test_a_socket_event_without_permission_stops_the_start(monkeypatch):
    check_every_socket_event()
    monkeypatch.setattr(
        sockets, "SOCKET_EVENTS", [SocketEvent("/consult", "naked", None, None, lambda *a: {})]
    )
    with pytest.raises(UnguardedEndpoint, match="naked"):
        check_every_socket_event()


def test_nobody_gets_in_anywhere(world):
    stranger = Visitor(world.app)
    stranger.get("/sign-in")
    for method, rule, endpoint in doors(world.app):
        path = address(world.app, rule, world.inside.ids)
        answer = knock(stranger, method, path)
        assert (
            answer.status_code == 302 and "/sign-in" in answer.location
        ) or answer.status_code == 401, (
            f"{method} {path} ({endpoint}) answered {answer.status_code} to nobody"
        )


@pytest.mark.parametrize("who", ["patient", "specialist", "interpreter", "left"])
def test_people_of_another_case_find_nothing(world, who):
    person = world.left if who == "left" else getattr(world.outside, who)
    visitor = Visitor(world.app, person)
    visitor.get("/account")
    before = acts_on(world, person)
    for method, rule, endpoint in doors(world.app):
        about = rule.arguments - OWN_WORDS
        if not about or about <= {"person_id"}:
            continue
        path = address(world.app, rule, world.inside.ids)
        answer = knock(visitor, method, path)
        assert answer.status_code in NOTHING_TO_SEE, (
            f"{method} {path} ({endpoint}) answered {answer.status_code} to the {who} of another"
            " case"
        )
        if method == "GET":
            assert answer.status_code == 404, f"{method} {path} answered {answer.status_code}"
    assert acts_on(world, person) == before


@pytest.mark.parametrize("who", ["none", "revoked"])
def test_a_coordinator_of_another_office_learns_no_more_of_a_case_than_of_one_that_is_not(
    world, who
):
    person = world.elsewhere[who]
    visitor = Visitor(world.app, person)
    visitor.get("/account")
    before, tried = acts_on(world, person), 0
    missing = dict.fromkeys(world.inside.ids, "0" * 32)
    missing |= {"number": "1", "numbers": "1"}
    for method, rule, endpoint in doors(world.app):
        about = rule.arguments - OWN_WORDS
        if not about or about <= {"person_id"} or endpoint in OWN_STAFF:
            continue
        tried += 1
        answers = []
        for ids in (world.inside.ids, missing):
            visitor.token = ""
            path = address(world.app, rule, ids)
            answer = knock(visitor, method, path)
            answers.append((answer.status_code, without_ids(answer.text, ids)))
        real, none = answers
        assert real[0] in NOTHING_TO_SEE, (
            f"{method} {path} ({endpoint}) answered {real[0]} to the office {who}"
        )
        assert real == none, f"{method} {path} ({endpoint}) tells a hidden case from a missing one"
    assert tried > 80
    assert acts_on(world, person) == before


def test_an_office_with_which_a_case_is_shared_sees_it(world):
    visitor = Visitor(world.app, world.elsewhere["shared"])
    page = visitor.get(f"/cases/{world.inside.case.id}")
    assert page.status_code == 200 and world.inside.case.number in page.text
    assert f"/cases/{world.inside.case.id}/shares" not in page.text, "it is not theirs to share"
    assert visitor.post(f"/cases/{world.inside.case.id}/shares").status_code == 404


@pytest.mark.parametrize("path", ["/worklist", "/worklist?q=", "/board", "/board/meetings.json"])
def test_lists_and_searches_show_each_office_its_own(world, path):
    number, week = world.inside.case.number, f"{world.inside.booking.starts_at:%Y-%m-%d}"
    # the search shows again what was asked for
    sought = f"/cases/{world.inside.case.id}" if path.endswith("=") else number
    path = path + number if path.endswith("=") else path
    path = path.replace(".json", f".json?from={week}").replace("/board", "/board", 1)
    path = f"{path}?week={week}" if path == "/board" else path
    seen = {
        who: sought in Visitor(world.app, person).get(path).text
        for who, person in [("own", world.coordinator), *world.elsewhere.items()]
    }
    assert seen == {"own": True, "none": False, "revoked": False, "shared": True}


def test_counts_show_each_office_its_own(world):
    with world.database.sessions() as session:
        counts = {
            who: count_worklist_cases(session, session.merge(person), WorklistFilter())
            for who, person in [("own", world.coordinator), *world.elsewhere.items()]
        }
    assert counts == {"own": 2, "none": 1, "revoked": 1, "shared": 2}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_without_the_permission_finds_nothing(world, role):
    with world.database.unit_of_work() as session:
        person = a_person(session, role)
    visitor = Visitor(world.app, person)
    visitor.get("/account")
    tried, permissions = 0, by_name(ROUTES)
    for method, rule, endpoint in doors(world.app):
        if role in HOLDERS[permissions[endpoint]].split():
            continue
        tried += 1
        path = address(world.app, rule, world.inside.ids)
        answer = knock(visitor, method, path)
        assert answer.status_code == 404, (
            f"{method} {path} ({endpoint}) answered {answer.status_code} to a {role}"
        )
    assert tried > 10


def acts_on(world, person) -> int:
    """How many entries the person has on the inner case: reading it or changing it would add
    one.
    """
    with world.database.sessions() as session:
        return session.scalar(
            select(func.count())
            .select_from(AuditEntry)
            .where(AuditEntry.actor_id == person.id, AuditEntry.case_id == world.inside.case.id)
        )


# Sockets


def browser(world, person=None):
    """A Socket.IO client with the person's session cookie."""
    visitor = Visitor(world.app, person)
    visitor.get("/account")
    return visitor, socketio.test_client(
        world.app, namespace="/consult", flask_test_client=visitor.client
    )


LINES = {"mic": "0", "camera": "1", "screen": "2", "slots": [], "stage": "3"}


def a_message(model: type[BaseModel] | None, world) -> dict:
    """A well-formed message of the model, naming things of the inner consult."""
    if model is None:
        return {}
    known = {
        "ticket": "forged",
        "tab": "tab",
        "seat": world.inside.consult.seats[0].id if world.inside.consult.seats else "s" * 32,
        "client_id": "client-id",
        "text": "hello",
        "after": 0,
        "sdp": "v=0\r\n",
        "connection": "c" * 8,
        "consult": world.inside.consult.id,
        "consult_id": world.inside.consult.id,
    }
    made = {}
    for name, field in model.model_fields.items():
        if name in known:
            made[name] = known[name]
        elif field.is_required():
            made[name] = LINES if name == "lines" else "x"
    return made


def spoken() -> list[SocketEvent]:
    return [event for event in SOCKET_EVENTS if event.name not in ("connect", "disconnect")]


def test_nobody_may_even_connect(world):
    _, client = browser(world)
    assert not client.is_connected("/consult")


@pytest.mark.parametrize(
    "who", ["patient", "specialist", "interpreter", "left", "office none", "office revoked"]
)
@pytest.mark.parametrize("event", spoken(), ids=lambda event: event.name)
def test_a_socket_without_a_seat_is_refused_everything(world, who, event):
    if who.startswith("office "):
        person = world.elsewhere[who.partition(" ")[2]]
    else:
        person = world.left if who == "left" else getattr(world.outside, who)
    before = acts_on(world, person)
    _, client = browser(world, person)
    assert client.is_connected("/consult"), "each of these roles may take part in a consultation"
    ack = client.emit(
        event.name, a_message(event.model, world), namespace="/consult", callback=True
    )
    assert ack and "error" in ack and ack["status"] in (404, 409, 422), ack
    assert acts_on(world, person) == before


@pytest.mark.parametrize("event", spoken(), ids=lambda event: event.name)
def test_a_sign_in_that_was_revoked_loses_its_open_socket(world, event):
    visitor, client = browser(world, world.inside.patient)
    assert client.is_connected("/consult")
    visitor.post("/sign-out", follow=False)
    ack = client.emit(
        event.name, a_message(event.model, world), namespace="/consult", callback=True
    )
    assert ack["status"] == 404 and ack["error"], ack


def test_a_socket_of_a_page_in_a_chosen_language_answers_in_it_and_never_waits_for_itself(world):
    """With a language chosen in the browser nobody had looked the person up before the event's own
    unit of work.
    """
    visitor = Visitor(world.app, world.inside.specialist)
    visitor.get("/account?lang=es")
    client = socketio.test_client(world.app, namespace="/consult", flask_test_client=visitor.client)
    assert client.is_connected("/consult")
    ack = client.emit(
        "chat.say",
        {"client_id": "client-id", "text": "x" * 5000},
        namespace="/consult",
        callback=True,
    )
    assert ack["status"] == 422 and "caracteres" in ack["error"], ack


@pytest.mark.parametrize("role", [Role.REFERRER, Role.ADMINISTRATOR, Role.AUDITOR])
def test_roles_without_a_place_in_a_consult_cannot_connect(world, role):
    with world.database.unit_of_work() as session:
        person = a_person(session, role)
    _, client = browser(world, person)
    assert not client.is_connected("/consult")


def test_the_walk_sees_a_route_that_lets_outsiders_in(world, monkeypatch):
    """The walk itself can fail: with the case policy switched off, it does."""
    from app.cases import queries

    monkeypatch.setattr(
        queries,
        "find_membership",
        lambda session, person, case_id: session.scalars(
            select(type(world.inside.case.members[0])).where(
                type(world.inside.case.members[0]).case_id == case_id
            )
        ).first(),
    )
    with pytest.raises(AssertionError, match="answered"):
        test_people_of_another_case_find_nothing(world, "patient")
