"""One socket that shouts, or says one giant thing, is its own problem: a real server, real
WebSockets.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
import socketio

from app.identity.models import Person
from app.web.sockets import EVENT_BURST, MAX_REFUSED_EVENTS, MAX_SOCKET_MESSAGE_BYTES
from tests.people import PASSWORD, TOKEN
from tests.processes import House, running, wait_for

pytestmark = pytest.mark.late

SHOUTS = 10_000


@pytest.fixture
def web(tmp_path, settings):
    with running(House(tmp_path, settings.database_url), media=False, jobs=False) as house:
        yield house


@contextlib.asynccontextmanager
async def a_socket(web: House, person: Person) -> AsyncIterator[socketio.AsyncClient]:
    """A signed-in person's socket at the consults."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        async with session.get(f"{web.url}/sign-in") as page:
            token = TOKEN.search(await page.text())
        assert token
        form = {"csrf_token": token.group(1), "email": person.email, "password": PASSWORD}
        async with session.post(
            f"{web.url}/sign-in", data=form, headers={"Referer": web.url}
        ) as answer:
            assert answer.status == 200
        cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in session.cookie_jar)
        client = socketio.AsyncClient(http_session=session, reconnection=False)
        await client.connect(
            web.url,
            namespaces=["/consult"],
            transports=["websocket"],
            headers={"Cookie": cookies},
            wait_timeout=30,
        )
        try:
            yield client
        finally:
            await client.disconnect()


async def asks(client: socketio.AsyncClient, number: int = 0) -> dict[str, Any]:
    """Something cheap that is always answered: a seat without a ticket is refused in words."""
    message = {"ticket": f"none {number}", "tab": "tab"}
    return await client.call("seat.take", message, namespace="/consult", timeout=20)


def test_ten_thousand_messages_in_a_burst_close_one_socket_and_everybody_else_is_answered(
    web: House, person: Callable[..., Person]
) -> None:
    shouter, other = person(), person()
    slowest: list[float] = []

    async def shout(client: socketio.AsyncClient, answers: list[dict[str, Any]]) -> None:
        for number in range(SHOUTS):
            with contextlib.suppress(Exception):
                await client.emit(
                    "seat.take",
                    {"ticket": "x", "tab": "t"},
                    namespace="/consult",
                    callback=answers.append,
                )
            if number % 200 == 0:
                await asyncio.sleep(0)

    async def story() -> tuple[list[dict[str, Any]], bool]:
        answers: list[dict[str, Any]] = []
        async with a_socket(web, shouter) as loud, a_socket(web, other) as quiet:
            shouting = asyncio.create_task(shout(loud, answers))
            for number in range(12):
                begun = time.monotonic()
                assert "error" in await asks(quiet, number)
                slowest.append(time.monotonic() - begun)
            await shouting
            assert "error" in await asks(quiet)
            for _ in range(100):
                if not loud.connected:
                    break
                await asyncio.sleep(0.1)
            return answers, loud.connected

    answers, is_connected = asyncio.run(story())
    print(f"the slowest answer to somebody else took {max(slowest):.3f} s")
    assert not is_connected
    assert max(slowest) < 10
    refused = [answer for answer in answers if answer.get("status") == 429]
    assert refused and all("too often" in answer["error"] for answer in refused)
    assert len(answers) <= EVENT_BURST + MAX_REFUSED_EVENTS + 200
    log = web.processes["web0"].log.read_text()
    assert f"of person {shouter.id} is over its event limit" in log
    assert re.search(r"socket \S+ closed: \d+ events over its limit", log)
    assert other.id not in log
    assert "Traceback" not in log


def test_a_giant_message_is_not_even_read_to_its_end_and_closes_its_socket_alone(
    web: House, person: Callable[..., Person]
) -> None:
    giant, other = person(), person()

    async def story() -> bool:
        async with a_socket(web, giant) as loud, a_socket(web, other) as quiet:
            with contextlib.suppress(Exception):
                await loud.emit("chat.say", {"text": "x" * 60_000_000}, namespace="/consult")
            assert "error" in await asks(quiet)
            for _ in range(100):
                if not loud.connected:
                    break
                await asyncio.sleep(0.1)
            assert "error" in await asks(quiet)
            return loud.connected

    before = resident_mb(web)
    assert not asyncio.run(story())
    assert resident_mb(web) < before + 40
    log = web.processes["web0"].log
    wait_for(
        lambda: f"a message over {MAX_SOCKET_MESSAGE_BYTES} bytes" in log.read_text(), 15, web.logs
    )


def resident_mb(web: House) -> float:
    """Of the web's own worker process."""
    popen = web.processes["web0"].popen
    assert popen is not None
    with open(f"/proc/{popen.pid}/task/{popen.pid}/children") as children:
        worker = children.read().split()[0]
    with open(f"/proc/{worker}/statm") as told:
        return int(told.read().split()[1]) * 4096 / 1e6
