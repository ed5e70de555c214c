"""Firefox ESR in a room with Chromium, through the real node: both ways, in two sizes, on bad
lines, by a relay.

One Firefox for all of the stories. Where it cannot be installed they are skipped, and say why.
"""

from __future__ import annotations

import json
import time

import pytest

from app.consults.room.tickets import build_ice_servers
from app.media.messages import DegradationStep, NodeEvent
from app.media.wire.impairment import NetworkConditions
from tests.media import firefox as driver
from tests.media.people import Person, until
from tests.media.relay import SECRET
from tests.media.signalling import everyone_to_everyone

pytestmark = [
    pytest.mark.journey,
    pytest.mark.skipif(bool(driver.why_not()), reason=driver.why_not() or ""),
]

SMALL_WIDTH, LARGE_WIDTH = 320, 640
VOICE_PACKETS = 250  # five seconds of sound at 50 packets a second
NAMES = FOX, BEN = ["fox", "ben"]


@pytest.fixture(scope="module")
def firefox(tmp_path_factory):
    with driver.Firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


@pytest.fixture
def pair(firefox, chromium, signalling):
    """Firefox and Chromium, each in a seat, seeing each other."""
    signalling.set_routes("r", everyone_to_everyone(NAMES))
    fox, ben = Person(firefox, signalling, FOX), Person(chromium, signalling, BEN)
    for person in (fox, ben):
        person.join()
    for person in (fox, ben):
        until(lambda p=person: p.frames(0) > 20 and p.energy(0) > 0, 30)
    yield fox, ben
    for person in (fox, ben):
        person.page.close()


def steps(signalling, seat: str) -> list[DegradationStep]:
    return [
        message.step for message in signalling.told(NodeEvent.SEAT_STREAMS) if message.seat == seat
    ]


def test_firefox_and_chromium_see_and_hear_one_another_and_lips_agree(pair):
    for person in pair:
        frames, energy = person.frames(0), person.energy(0)
        until(lambda p=person, f=frames, e=energy: p.frames(0) > f + 60 and p.energy(0) > e, 30)
        until(
            lambda p=person: (
                (apart := p.page.evaluate("lipSync(0)")) is not None and abs(apart) < 200
            ),
            30,
        )


def test_two_sizes_go_both_ways_and_change_for_each_listener(firefox, chromium, signalling):
    names = [FOX, BEN, "phone"]
    signalling.set_routes("r", everyone_to_everyone(names))
    fox, ben = Person(firefox, signalling, FOX), Person(chromium, signalling, BEN)
    phone = Person(chromium, signalling, "phone", prefers="small")
    people = (fox, ben, phone)
    for person in people:
        person.join()
    fox_at_ben = fox_at_phone = ben_at_fox = 0
    signalling.prefer("r", BEN, (FOX,))
    signalling.prefer("r", FOX, (BEN,))
    until(
        lambda: ben.width(fox_at_ben) == LARGE_WIDTH and phone.width(fox_at_phone) == SMALL_WIDTH,
        30,
    )
    until(lambda: fox.width(ben_at_fox) == LARGE_WIDTH, 30)
    signalling.prefer("r", BEN, ("phone",))
    signalling.prefer("r", FOX, ("phone",))
    until(lambda: ben.width(fox_at_ben) == SMALL_WIDTH and fox.width(ben_at_fox) == SMALL_WIDTH, 30)
    before = ben.frames(fox_at_ben), fox.frames(ben_at_fox), phone.frames(fox_at_phone)
    signalling.prefer("r", BEN, (FOX,))
    until(lambda: ben.width(fox_at_ben) == LARGE_WIDTH, 30)
    until(
        lambda: ben.frames(fox_at_ben) > before[0] + 30 and fox.frames(ben_at_fox) > before[1] + 30,
        30,
    )
    until(lambda: phone.frames(fox_at_phone) > before[2] + 30, 30)
    assert phone.width(fox_at_phone) == SMALL_WIDTH
    for person in people:
        person.page.close()


def test_five_percent_of_loss_both_ways_is_hardly_seen(pair, signalling):
    for name in NAMES:
        signalling.impair(name, up=NetworkConditions(loss=0.05), down=NetworkConditions(loss=0.05))
    for person in pair:
        person.page.evaluate("watchFreezes(0)")
    time.sleep(8)
    for person in pair:
        watch = person.page.evaluate("freezes")
        assert watch["frames"] > 60, person.seat
        assert watch["longest"] < 2000, person.seat
    assert steps(signalling, FOX) == []


def test_a_narrow_line_stops_the_picture_first_and_it_comes_back(pair, signalling):
    fox, _ = pair
    signalling.impair(FOX, down=NetworkConditions(rate=64_000))
    until(lambda: DegradationStep.NO_PICTURES in steps(signalling, FOX), 20)
    # what was on its way when the pictures stopped may be lost; from here on the voice is alone
    before = fox.sound(0)
    until(lambda: sum(fox.sound(0)) - sum(before) > VOICE_PACKETS, 30)
    got, lost = (after - was for after, was in zip(fox.sound(0), before, strict=True))
    assert lost / (got + lost) < 0.2
    frames = fox.frames(0)
    signalling.impair(FOX)
    until(lambda: steps(signalling, FOX)[-1] is DegradationStep.FULL, 20)
    until(lambda: fox.frames(0) > frames + 10)


def test_after_an_outage_everything_is_back_by_itself(pair, signalling):
    fox, ben = pair
    signalling.impair(FOX, up=NetworkConditions(is_out=True), down=NetworkConditions(is_out=True))
    time.sleep(8)
    seen = ben.frames(0)
    signalling.impair(FOX)
    until(
        lambda: fox.state() == "connected" and fox.frames(0) > 0 and ben.frames(0) > seen + 10, 15
    )


@pytest.mark.parametrize("transport", ["udp", "tls"])
def test_a_call_is_held_through_the_relay_alone(firefox, chromium, signalling, coturn, transport):
    firefox.believe(coturn.authority)
    signalling.set_routes("r", everyone_to_everyone(NAMES))
    servers = json.dumps(build_ice_servers(coturn.url(transport), SECRET, "seat"))
    fox, ben = (
        Person(firefox, signalling, FOX, iceServers=servers),
        Person(chromium, signalling, BEN),
    )
    for person in (fox, ben):
        person.join()
    for person in (fox, ben):
        until(lambda p=person: p.frames(0) > 20 and p.energy(0) > 0, 30)
    assert fox.page.evaluate("wayOut()") == "relay"
    for person in (fox, ben):
        person.page.close()
