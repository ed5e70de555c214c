"""A room that is recorded: only who is named, only while the web says so, and at no cost when it
does not.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import time
from dataclasses import replace
from pathlib import Path

import aioice.ice
import pytest

from app.core import webm
from app.core.blobs import BlobStore, StoreFailed
from app.core.crypto import Keyring, new_data_key, new_master_key
from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.messages import MediaKind, NodeEvent, RoomClose
from app.media.messages_recording import RecordingSet, RecordingStopped, derive_segment_id
from app.media.rooms import MediaRooms
from tests.media.client import Client, run, until
from tests.media.forwarding.test_seats import SETTINGS

KEY = new_data_key()


@pytest.fixture(autouse=True)
def _clients_use_loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


def order(version: int, recording: str | None = "rec", **facts) -> RecordingSet:
    facts = {"voices": {2: ("ana", "ben")}, "pictures": ("ana",)} | facts
    return RecordingSet(
        command_id=f"{version}",
        room="r",
        version=version,
        recording=recording,
        key=base64.b64encode(KEY).decode(),
        **facts,
    )


@contextlib.asynccontextmanager
async def a_room(folder: Path, *names: str):
    """A node with a store, and people in one room of it who speak."""
    events: list = []
    rooms = MediaRooms(
        replace(SETTINGS, storage_url=folder.as_uri()),
        lambda event, said: events.append((event, said)),
    )
    clock = asyncio.create_task(rooms.run())
    clients = [Client("r", name, slots=2, speaks=True) for name in names]
    try:
        for client in clients:
            await client.join(rooms)
        yield rooms, events
    finally:
        for client in clients:
            await client.leave()
        clock.cancel()
        await rooms.close()


def tapped(rooms: MediaRooms) -> set[tuple[str, MediaKind]]:
    return {
        (seat.name, publication.kind)
        for seat in rooms.seats
        for publication in seat.streams
        if publication.recorder is not None
    }


def reports(events: list) -> list[RecordingStopped]:
    return [said for event, said in events if event is NodeEvent.RECORDING_STOPPED]


def stored(folder: Path, recording: str = "rec") -> list[webm.WebmBlock]:
    store = BlobStore(folder.as_uri(), Keyring(new_master_key("k")))
    blocks, number = [], 0
    while store.exists(name := derive_segment_id(recording, number)):
        blocks += list(webm.read_blocks(b"".join(store.read(name, store.wrap(KEY, name)))))
        number += 1
    return blocks


def test_who_is_named_is_recorded_and_nobody_else(tmp_path):
    async def story():
        async with a_room(tmp_path, "ana", "ben", "eve") as (rooms, events):
            assert tapped(rooms) == set()
            rooms.set_recording(order(1))
            await until(
                lambda: (
                    tapped(rooms)
                    == {
                        ("ana", MediaKind.AUDIO),
                        ("ben", MediaKind.AUDIO),
                        ("ana", MediaKind.VIDEO),
                    }
                )
            )
            rooms.set_recording(order(2, voices={2: ("ben",), 3: ()}, pictures=()))
            await until(lambda: tapped(rooms) == {("ben", MediaKind.AUDIO)})
            rooms.set_recording(order(1))
            await asyncio.sleep(0.5)
            assert tapped(rooms) == {("ben", MediaKind.AUDIO)}, "an older order changes nothing"
            rooms.set_recording(order(3, None))
            assert tapped(rooms) == set()
            await until(lambda: reports(events))

    run(story())


def test_what_was_said_is_in_the_store_in_time_and_ends_when_it_is_told_to(tmp_path):
    async def story():
        async with a_room(tmp_path, "ana", "ben") as (rooms, events):
            rooms.set_recording(order(1, begin_ms=7000))
            await asyncio.sleep(6)
            assert stored(tmp_path), "a segment is stored while it goes on"
            told = time.time()
            rooms.set_recording(order(2, None))
            await until(lambda: reports(events))
            report = reports(events)[0]
            assert abs(report.stopped_at - told) < 0.5
            assert (report.lost, report.segments > 1) == (0, True)
            blocks = stored(tmp_path)
            voices = [block for block in blocks if block.track == 2]
            assert voices[0].at == 7000
            assert 12_000 < voices[-1].at < 15_000
            assert sum(block.payload != webm.OPUS_SILENCE for block in voices) > 200
            pictures = [block for block in blocks if block.track == webm.PICTURE_TRACK]
            assert pictures[0].is_key
            assert len(pictures) > 60
            rooms.set_recording(order(3, begin_ms=13_000))  # and on, after what is there
            await asyncio.sleep(1.5)
            rooms.close_room(RoomClose(command_id="x", room="r"))
            await until(lambda: len(reports(events)) == 2)
            assert max(block.at for block in stored(tmp_path)) > 13_500

    run(story())


def test_out_of_the_webs_hearing_nothing_is_recorded(tmp_path):
    async def story():
        async with a_room(tmp_path, "ana") as (rooms, events):
            rooms.set_recording(order(5))
            await until(lambda: tapped(rooms))
            rooms.stop_recordings()
            assert tapped(rooms) == set()
            await until(lambda: reports(events))
            rooms.set_recording(order(5))  # the web is back and says how things stand
            await until(lambda: tapped(rooms))

    run(story())


@pytest.fixture
def store_fails(monkeypatch):
    def fails(*_):
        raise StoreFailed("full")

    monkeypatch.setattr("app.core.blobs.SegmentStore.add", fails)
    monkeypatch.setattr("app.media.recording.recorder.STORE_RETRY_SECONDS", 0.01)


def test_a_store_that_fails_costs_segments_and_no_call(tmp_path, store_fails):
    async def story():
        async with a_room(tmp_path, "ana") as (rooms, events):
            before = DROPPED_PACKETS["recorder_store"]
            rooms.set_recording(order(1))
            await asyncio.sleep(1)
            rooms.set_recording(order(2, None))
            await until(lambda: reports(events))
            assert reports(events)[0].lost == 1
            assert DROPPED_PACKETS["recorder_store"] == before + 1
            assert rooms.seats[0].is_connected

    run(story())


def test_a_store_that_takes_nothing_ends_the_recording_and_says_so(
    tmp_path, monkeypatch, store_fails
):
    async def story():
        async with a_room(tmp_path, "ana") as (rooms, events):
            monkeypatch.setattr("app.media.recording.clusters.CLUSTER_MS", 200)
            rooms.set_recording(order(1))
            await until(lambda: reports(events))
            assert reports(events)[0].broke

    run(story())


def test_a_node_without_a_store_says_so():
    async def story():
        events: list = []
        rooms = MediaRooms(SETTINGS, lambda event, said: events.append((event, said)))
        assert rooms.set_recording(order(1)).error == "full"
        assert reports(events)[0].broke
        assert rooms.set_recording(order(2, None)).error == "full"
        assert len(events) == 1

    run(story())
