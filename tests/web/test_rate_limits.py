"""Each limit on how often one may try, shown alone: the others are kept out of its way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from types import SimpleNamespace

import pytest
from flask import Flask
from limits.storage import memory

from app import create_app
from app.core.clock import monotonic
from app.identity import service
from app.identity.models import Person
from app.web import sockets
from app.web.limits import limiter
from tests.conftest import test_settings
from tests.people import Visitor

MINUTE, HOUR = 60.0, 3600.0
MESSAGE = "Wait a little"


class LimitClock:
    """The clock that the limits are counted by."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000.0

    def time(self) -> float:
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> LimitClock:
    """Every password is wrong here, without the time that argon2 takes to say so."""
    clock = LimitClock()
    monkeypatch.setattr(memory, "time", SimpleNamespace(time=clock.time))
    monkeypatch.setattr(service, "_is_password_right", lambda password, kept: False)
    return clock


class Guesser:
    """Sends the sign-in form from any network address, as any person."""

    def __init__(self, app: Flask) -> None:
        self.visitor = Visitor(app)
        self.visitor.get("/sign-in")

    def guess(self, email: str, origin: str, path: str = "/sign-in") -> int:
        return self.visitor.client.post(
            path,
            data={"csrf_token": self.visitor.token, "email": email, "password": "a guess at it"},
            environ_overrides={"REMOTE_ADDR": origin},
        ).status_code


@pytest.fixture
def guesser(app: Flask) -> Guesser:
    return Guesser(app)


@pytest.fixture
def emails() -> Iterator[str]:
    return (f"person{number}@test.example" for number in count())


@pytest.fixture
def origins() -> Iterator[str]:
    return (f"198.51.{number // 250}.{number % 250}" for number in count())


def test_ten_sign_ins_a_minute_from_one_address(
    guesser: Guesser, emails: Iterator[str], clock: LimitClock
):
    tried = [guesser.guess(next(emails), "192.0.2.1") for _ in range(12)]
    assert tried == [422] * 10 + [429] * 2
    assert guesser.guess(next(emails), "192.0.2.2") == 422, "another address is not affected"
    clock.seconds += MINUTE + 1
    assert guesser.guess(next(emails), "192.0.2.1") == 422


def test_a_hundred_sign_ins_an_hour_from_one_address(
    guesser: Guesser, emails: Iterator[str], clock: LimitClock
):
    for _ in range(10):
        assert [guesser.guess(next(emails), "192.0.2.1") for _ in range(10)] == [422] * 10
        clock.seconds += MINUTE + 1
    assert guesser.guess(next(emails), "192.0.2.1") == 429
    clock.seconds += HOUR - 9 * MINUTE
    assert guesser.guess(next(emails), "192.0.2.1") == 422


def test_ten_sign_ins_a_minute_for_one_person_however_the_address_is_written(
    guesser: Guesser, origins: Iterator[str], clock: LimitClock
):
    written = ["amal@test.example", "Amal@Test.example", " AMAL@test.example "]
    tried = [guesser.guess(written[n % 3], next(origins)) for n in range(12)]
    assert tried == [422] * 10 + [429] * 2
    assert guesser.guess("somebody@test.example", next(origins)) == 422
    clock.seconds += MINUTE + 1
    assert guesser.guess("amal@test.example", next(origins)) == 422


def test_twenty_sign_ups_an_hour_from_one_address(
    guesser: Guesser, emails: Iterator[str], clock: LimitClock
):
    tried = []
    for _ in range(22):
        tried.append(guesser.guess(next(emails), "192.0.2.1", "/sign-up"))
        clock.seconds += MINUTE
    assert tried == [422] * 20 + [429] * 2
    assert guesser.guess(next(emails), "192.0.2.2", "/sign-up") == 422
    clock.seconds += HOUR
    assert guesser.guess(next(emails), "192.0.2.1", "/sign-up") == 422


def test_twenty_invitations_a_minute_from_one_address(guesser: Guesser, clock: LimitClock):
    """So that nobody can guess the links of guests."""
    tried = [
        guesser.guess("", "192.0.2.1", f"/consults/guest/made-up-{number}") for number in range(22)
    ]
    assert tried == [404] * 20 + [429] * 2
    assert guesser.guess("", "192.0.2.2", "/consults/guest/made-up") == 404
    clock.seconds += MINUTE + 1
    assert guesser.guess("", "192.0.2.1", "/consults/guest/made-up") == 404


def test_who_tries_too_often_is_told_to_wait(guesser: Guesser, clock: LimitClock):
    for _ in range(10):
        guesser.guess("amal@test.example", "192.0.2.1")
    page = guesser.visitor.post("/sign-in", email="amal@test.example", password="a guess at it")
    assert page.status_code == 429 and MESSAGE in page.text


# Whose address is counted, behind a proxy and without one


@pytest.fixture
def behind_proxy(settings, tmp_path) -> Iterator[Flask]:
    app = create_app(test_settings(tmp_path, behind_proxy=True))
    with app.app_context():
        limiter.reset()
    yield app
    app.extensions["database"].close()


def ask_through_proxy(app: Flask, client_address: str, **headers: str) -> int:
    visitor = Visitor(app)
    visitor.get("/sign-in")
    return visitor.client.post(
        "/sign-in",
        data={"csrf_token": visitor.token, "email": client_address, "password": "a guess at it"},
        headers={"X-Forwarded-For": client_address, **headers},
        environ_overrides={"REMOTE_ADDR": "10.0.0.9"},
    ).status_code


def test_behind_a_proxy_each_client_is_counted_by_the_address_that_the_proxy_saw(
    behind_proxy: Flask, clock: LimitClock
):
    assert [ask_through_proxy(behind_proxy, f"192.0.2.{n}") for n in range(12)] == [422] * 12


def test_behind_a_proxy_what_a_client_writes_into_the_header_itself_is_not_believed(
    behind_proxy: Flask, clock: LimitClock
):
    """The proxy adds the address that it saw at the end; what came before is the client's word."""
    tried = [ask_through_proxy(behind_proxy, f"203.0.113.{n}, 192.0.2.1") for n in range(12)]
    assert tried == [422] * 10 + [429] * 2


def test_without_a_proxy_the_header_is_not_believed_at_all(app: Flask, clock: LimitClock):
    tried = [ask_through_proxy(app, f"192.0.2.{n}") for n in range(12)]
    assert tried == [422] * 10 + [429] * 2


@pytest.mark.parametrize("believed", [True, False], ids=["behind a proxy", "without a proxy"])
def test_host_and_scheme_come_from_the_proxy_only_behind_one(settings, tmp_path, believed: bool):
    app = create_app(test_settings(tmp_path, behind_proxy=believed))
    seen = {}

    @app.before_request
    def look() -> None:
        from flask import request

        seen.update(origin=request.remote_addr, url=request.host_url)

    app.test_client().get(
        "/healthz",
        headers={
            "X-Forwarded-For": "192.0.2.7",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-Host": "consilium.example",
            "X-Forwarded-Prefix": "/elsewhere",
        },
    )
    app.extensions["database"].close()
    assert seen == (
        {"origin": "192.0.2.7", "url": "https://consilium.example/"}
        if believed
        else {"origin": "127.0.0.1", "url": "http://localhost/"}
    )


# Sockets: twenty events a second and eighty at once, for each connection


def test_eighty_events_at_once_and_twenty_a_second(
    app: Flask, person: Callable[..., Person], monkeypatch: pytest.MonkeyPatch
):
    at = monotonic()
    monkeypatch.setattr(sockets, "monotonic", lambda: at)
    someone = person()
    clients = [
        sockets.socketio.test_client(
            app, namespace="/consult", flask_test_client=Visitor(app, someone).client
        )
        for _ in range(2)
    ]

    def statuses(client, times: int) -> list[int]:
        return [
            client.emit(
                "seat.take", {"ticket": "none", "tab": "t"}, namespace="/consult", callback=True
            )["status"]
            for _ in range(times)
        ]

    loud, other = clients
    assert statuses(loud, 82) == [422] * 80 + [429] * 2
    assert statuses(other, 1) == [422], "another connection of the same person is not affected"
    at += 0.5
    assert statuses(loud, 12) == [422] * 10 + [429] * 2
    at += 100
    assert statuses(loud, 82) == [422] * 80 + [429] * 2
