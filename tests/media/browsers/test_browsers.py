"""Three real browsers through the node: everyone sees and hears everyone, through loss, leaving and
returning.
"""

from __future__ import annotations

import time

import pytest

from app.media.messages import MediaKind, MediaRoute, NodeEvent
from tests.media.people import Person, until
from tests.media.signalling import everyone_to_everyone

pytestmark = pytest.mark.late

NAMES = ["ana", "ben", "cleo"]


@pytest.fixture
def people(chromium, signalling):
    signalling.set_routes("r", everyone_to_everyone(NAMES))
    made = [Person(chromium, signalling, name) for name in NAMES]
    yield made
    for person in made:
        person.page.close()


def test_three_browsers_see_and_hear_one_another(people, signalling):
    for person in people:
        person.join()
    for person in people:
        for slot in (0, 1):
            until(lambda p=person, s=slot: p.frames(s) > 20 and p.energy(s) > 0)
    until(
        lambda: (
            {message.speaker for message in signalling.told(NodeEvent.ROOM_SPEAKING)} & set(NAMES)
        )
    )


def test_a_late_joiner_sees_a_picture_at_once_and_a_slot_changes_its_source(people, signalling):
    ana, ben, cleo = people
    ana.join()
    ben.join()
    until(lambda: ana.frames(0) > 20)
    cleo.join()
    until(lambda: cleo.frames(0) > 0 and cleo.frames(1) > 0, 5)
    only_one = {
        "ana": (
            MediaRoute(source="cleo", kind=MediaKind.VIDEO, slot=0),
            MediaRoute(source="cleo", kind=MediaKind.AUDIO, slot=0),
        )
    }
    signalling.set_routes("r", only_one)
    before, other = ana.frames(0), ana.frames(1)
    until(lambda: ana.frames(0) > before + 20)
    assert ana.frames(1) <= other + 5


def test_a_screen_is_shown_on_the_stage_without_negotiation(people, signalling):
    ana, ben, _ = people
    ana.join()
    ben.join()
    connection = ana.page.evaluate("link.connectionId")
    ana.page.evaluate("shareScreen()")
    signalling.set_routes("r", {"ben": (MediaRoute(source="ana", kind=MediaKind.SCREEN),)})
    until(lambda: ben.stats()["stage"]["video"]["frames"] > 5)
    assert ana.page.evaluate("link.connectionId") == connection


def test_the_camera_goes_off_and_on_and_the_slot_stays(people, signalling):
    ana, ben, _ = people
    ana.join()
    ben.join()
    until(lambda: ben.frames(0) > 10)
    ana.page.evaluate("link.replace('camera', null)")
    time.sleep(1)
    still = ben.frames(0)
    time.sleep(1)
    assert ben.frames(0) <= still + 1
    ana.page.evaluate("link.replace('camera', media.getVideoTracks()[0])")
    until(lambda: ben.frames(0) > still + 20)


def test_a_lost_line_is_noticed_and_the_seat_taken_again(people, signalling):
    ana, ben, _ = people
    ana.join()
    ben.join()
    until(lambda: ben.frames(0) > 10)

    async def go_deaf_and_mute() -> None:
        seat = next(seat for seat in signalling.rooms.seats if seat.name == "ana")
        seat.transport._connection.take_packet = None
        seat.transport.send_datagram = lambda data: None

    signalling.call(go_deaf_and_mute())
    until(lambda: ana.page.evaluate("states.some(({ state }) => state === 'lost')"))
    until(lambda: ana.page.evaluate("link.state === 'connected'"))
    assert ana.page.evaluate("states.find(({ state }) => state === 'lost').reason") == "no-packets"
    before = ben.frames(0)
    until(lambda: ben.frames(0) > before + 20 and ana.frames(0) > 20)
