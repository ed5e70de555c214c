"""Nobody's nonsense disturbs anybody else: fuzzed parsers, mutated offers, floods, half-open
handshakes.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import socket
import struct
import time
from pathlib import Path

import aioice.ice
import pytest

from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.forwarding.forward import Uplink
from app.media.limits import CHECKS_BURST_DATAGRAMS, MAX_OFFERS_BURST
from app.media.messages import (
    CommandRefused,
    MediaSections,
    OfferAnswered,
    RoomClose,
    SeatOffer,
    SlotSections,
)
from app.media.wire import rtcp as feedback
from app.media.wire import sdp
from app.media.wire.aiortc_seam import INCOMING_BUFFER
from tests.media.client import run, until
from tests.media.fakes import Wire, a_camera, a_microphone, a_slot
from tests.media.forwarding.test_seats import a_node, people, route
from tests.thoroughness import rounds

OFFERS = [path.read_text() for path in sorted((Path(__file__).parent / "offers").glob("*.sdp"))]
LINES = MediaSections(
    mic="0", camera="1", screen="2", slots=(SlotSections(audio="3", video="4"),), stage="5"
)


@pytest.fixture(autouse=True)
def _clients_use_loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@pytest.fixture
def as_many_offers_as_one_likes(monkeypatch):
    monkeypatch.setattr("app.media.room.MAX_OFFERS_BURST", 1e6)


def resident_mb() -> float:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


def mutated(text: str, dice: random.Random) -> str:
    """A real offer with something wrong: rows lost, doubled, moved, cut, numbers changed, bytes
    flipped.
    """
    rows = text.splitlines()
    for _ in range(dice.randrange(1, 6)):
        at = dice.randrange(len(rows))
        match dice.randrange(8):
            case 0:
                del rows[at : at + dice.randrange(1, 4)]
            case 1:
                rows.insert(at, rows[dice.randrange(len(rows))])
            case 2:
                rows[at] = rows[at][: dice.randrange(len(rows[at]) + 1)]
            case 3:
                rows[at] = "".join(
                    dice.choice("0123456789") if c.isdigit() else c for c in rows[at]
                )
            case 4:
                rows[at] = rows[at].replace(":", dice.choice([" ", "", "::", "\x00", ":\u202e"]), 1)
            case 5:
                rows[at] += dice.choice(
                    [" -1", " 99999999999999999999", "/" * 50, "٣", " \ud7ff", "x" * 5000]
                )
            case 6:
                rows[at], rows[0] = rows[0], rows[at]
            case _:
                rows = rows[: max(1, at)]
        rows = rows or ["v=0"]
    return "\r\n".join(rows) + "\r\n"


# --- parsers ---


@pytest.mark.usefixtures("as_many_offers_as_one_likes")
def test_mutations_of_real_offers_are_answered_or_refused():
    count = rounds(150, 500)

    async def story() -> tuple[int, int]:
        dice, answered, refused = random.Random(4), 0, 0
        async with a_node() as (rooms, _):
            for number in range(count):
                offer = SeatOffer(
                    command_id=str(number),
                    room="r",
                    seat="mallory",
                    connection=str(number),
                    sdp=mutated(OFFERS[number % len(OFFERS)], dice),
                    lines=LINES,
                )
                answer = await rooms.offer(offer)
                if isinstance(answer, OfferAnswered):
                    answered += 1
                    sdp.read_sdp_offer(offer.sdp)
                else:
                    refused += 1
                    assert answer.error == "malformed_sdp"
            assert len(rooms.seats) <= 1
            rooms.close_room(RoomClose(command_id="x", room="r"))
            await until(lambda: not rooms._closing)
        return answered, refused

    answered, refused = run(story())
    assert answered > count / 10
    assert refused > count / 10


def test_fuzzed_descriptions_raise_nothing_but_their_own_error():
    dice = random.Random(5)
    for _ in range(rounds(500, 20_000)):
        try:
            offer = sdp.read_sdp_offer(mutated(dice.choice(OFFERS), dice))
        except sdp.MalformedSdp:
            continue
        for section in offer.sections:
            sdp.select_codecs(section)


def test_fuzzed_feedback_is_read_without_a_crash_and_within_bounds():
    dice = random.Random(6)
    block = feedback.ReportBlock(1, 0.5, 3, 4, 5, 6, 7)
    real = [
        feedback.build_sender_report(1, 2, 3, 4, 5),
        feedback.build_receiver_report(1, [block] * 3),
        feedback.build_pli(1, 2),
        feedback.build_nack(1, 2, [3, 4, 9, 400]),
        feedback.build_transport_feedback(1, 2, 3, {n * 2: n * 40 for n in range(50)}),
    ]
    for _ in range(rounds(20_000, 500_000)):
        packet = bytearray(b"".join(dice.choices(real, k=dice.randrange(1, 5))))
        for _ in range(dice.randrange(8)):
            packet[dice.randrange(len(packet))] = dice.randrange(256)
        for told in feedback.read_rtcp(bytes(packet[: dice.randrange(len(packet) + 1)])):
            if isinstance(told, feedback.TransportFeedback):
                assert len(told.arrivals) <= feedback.MAX_TRANSPORT_FEEDBACK_PACKETS
            if isinstance(told, feedback.GenericNack):
                assert len(told.sequences) <= feedback.MAX_NACKED_PACKETS


class Bare:
    """A transport that decrypts nothing."""

    def unprotect_rtp(self, packet: bytes) -> int:
        INCOMING_BUFFER[: len(packet)] = packet
        return len(packet)

    unprotect_rtcp = unprotect_rtp


def an_uplink() -> tuple[Uplink, Wire]:
    uplink, wire = Uplink(Bare(), lambda data: list(feedback.read_rtcp(data))), Wire()  # type: ignore[arg-type]
    camera, microphone = a_camera(), a_microphone()
    uplink.by_ssrc = {1000: (camera, False), 1001: (camera, True), 2000: (microphone, False)}
    uplink.by_mid = {b"1": camera}
    uplink.payload_types, uplink.repair_types = {96: "vp8", 111: "opus"}, frozenset({97})
    uplink.mid_id, uplink.level_id, uplink.transport_cc_id = 4, 1, 3
    a_slot(wire).bind(camera)
    a_slot(wire, is_video=False).bind(microphone)
    return uplink, wire


def test_fuzzed_packets_are_forwarded_or_dropped_for_a_reason():
    dice = random.Random(7)
    uplink, wire = an_uplink()
    for _ in range(rounds(20_000, 500_000)):
        packet = bytearray(
            struct.pack(
                "!BBHII",
                dice.choice([0x80, 0x90, 0xB0, 0xA0, 0x8F, dice.randrange(128, 192)]),
                dice.choice([96, 97, 111, 224, dice.randrange(256)]),
                dice.randrange(65536),
                dice.getrandbits(32),
                dice.choice([1000, 1001, 2000, dice.getrandbits(32)]),
            )
        )
        packet += dice.choice([b"\xbe\xde\x00\x01", b"\xbe\xde\xff\xff", b"\x10\x00\x00\x02", b""])
        packet += dice.randbytes(dice.choice([0, 1, 5, 40, 1200, 2000]))
        uplink.replenish(1)
        uplink.take(bytes(packet))
        wire.packets.clear()
    assert len(uplink.by_ssrc) <= 3 + 16
    assert len(uplink.arrivals) <= 65536


def test_two_lines_with_one_ssrc_are_refused_and_our_own_never_collide():
    offer = OFFERS[0]
    first = next(row for row in offer.splitlines() if row.startswith("a=ssrc:")).split()[0][7:]
    others = {row.split()[0][7:] for row in offer.splitlines() if row.startswith("a=ssrc:")} - {
        first
    }

    async def story():
        async with a_node() as (rooms, _):
            same = offer
            for other in others:
                same = same.replace(other, first)
            answer = await rooms.offer(
                SeatOffer(command_id="1", room="r", seat="s", connection="c", sdp=same, lines=LINES)
            )
            assert answer.error == "malformed_sdp"
            answer = await rooms.offer(
                SeatOffer(
                    command_id="2", room="r", seat="s", connection="c", sdp=offer, lines=LINES
                )
            )
            theirs = {int(first), *map(int, others)}
            assert not theirs & {each.ssrc for seat in rooms.seats for each in seat.subscriptions}

    run(story())


# --- on the wire ---


def test_replayed_truncated_and_oversize_packets_are_dropped_each_by_its_name():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(lambda: ana.frames["video0"] > 2)
                seat = rooms.seats[0]
                await until(lambda: seat.is_connected)
                caught: list[bytes] = []
                take = seat.transport._connection.take_packet
                seat.transport._connection.take_packet = lambda data: (
                    caught.append(data),
                    take(data),
                )
                await until(lambda: len(caught) > 20)
                seat.transport._connection.take_packet = take
                before = (
                    DROPPED_PACKETS["srtp"] + DROPPED_PACKETS["srtcp"] + DROPPED_PACKETS["short"]
                )
                forwarded = [publication.packets for publication in seat.publications.values()]
                for data in caught[:20]:
                    seat.uplink.replenish(1)
                    for spoiled in (
                        data,
                        data[:-1],
                        data[:9],
                        data + bytes(1000),
                        data + bytes(9000),
                    ):
                        take(spoiled)
                assert (
                    DROPPED_PACKETS["srtp"] + DROPPED_PACKETS["srtcp"] + DROPPED_PACKETS["short"]
                    == before + 100
                )
                assert forwarded == [
                    publication.packets for publication in seat.publications.values()
                ]

    run(story())


def test_who_sends_fifty_times_its_share_is_limited_and_named_and_the_others_see_on(caplog):
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            route(rooms, "mallory", "eve", room="q")
            async with (
                people(rooms, "ana", "ben") as (ana, ben),
                people(rooms, "mallory", room="q"),
            ):
                mallory = next(seat for seat in rooms.seats if seat.name == "mallory")
                await until(lambda: mallory.is_connected)
                take, seen = mallory.transport._connection.take_packet, ana.frames["video0"]
                junk, begun = bytes([0x80, 96]) + bytes(1100), time.monotonic()
                while time.monotonic() - begun < 3:
                    for _ in range(50):
                        take(junk)
                    await asyncio.sleep(0.01)
                looked_at = DROPPED_PACKETS["srtp"]
                assert mallory.uplink.refused > 0
                assert looked_at < 1200 * (time.monotonic() - begun) + 1200
                await until(lambda: ana.frames["video0"] > seen + 10)
                await until(lambda: "mallory" in caplog.text)

    DROPPED_PACKETS.clear()
    with caplog.at_level(logging.WARNING, logger="media.seat"):
        run(story())
    assert "seat mallory of room q sends more than its share" in caplog.text
    assert "ana" not in caplog.text


def test_a_flood_of_checks_is_not_answered_and_the_call_goes_on():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(lambda: all(seat.is_connected for seat in rooms.seats))
                seat = rooms.seats[0]
                port = int(seat.transport.candidates[0].split()[5])
                check = aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST)
                flood = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                flood.setblocking(False)
                for _ in range(100):
                    for _ in range(20):
                        flood.sendto(bytes(check), ("127.0.0.1", port))
                    await asyncio.sleep(0.001)
                await until(lambda: seat.transport.refused > 1000)
                answers = 0
                with pytest.raises(BlockingIOError):
                    while True:
                        flood.recv(2000)
                        answers += 1
                flood.close()
                assert answers < 3 * CHECKS_BURST_DATAGRAMS
                seen = ana.frames["video0"]
                await until(lambda: ana.frames["video0"] > seen + 10)

    run(story())


def test_packets_of_strangers_use_up_nobodys_share():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await until(
                    lambda: (
                        ana.frames["video0"] > 2 and all(seat.is_connected for seat in rooms.seats)
                    )
                )
                seat = rooms.seats[0]
                port = int(seat.transport.candidates[0].split()[5])
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood:
                    for _ in range(200):
                        for _ in range(20):
                            flood.sendto(b"\x80\x60" + bytes(1100), ("127.0.0.1", port))
                        await asyncio.sleep(0.001)
                await until(lambda: seat.transport.refused > 1000)
                assert seat.uplink.refused == 0
                seen = ana.frames["video0"], ben.frames["video0"]
                await until(
                    lambda: (
                        ana.frames["video0"] > seen[0] + 5 and ben.frames["video0"] > seen[1] + 5
                    )
                )

    run(story())


@pytest.mark.late
@pytest.mark.usefixtures("as_many_offers_as_one_likes")
def test_half_open_handshakes_by_the_hundred_leave_nothing_behind():
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, ben):
                await offer_many(rooms, 50)
                before, sockets = resident_mb(), open_sockets()
                await offer_many(rooms, 300)
                assert open_sockets() <= sockets + 2
                assert resident_mb() < before + 20
                seen = ana.frames["video0"]
                await until(lambda: ana.frames["video0"] > seen + 5)

    async def offer_many(rooms, count: int) -> None:
        for number in range(count):
            await rooms.offer(
                SeatOffer(
                    command_id=f"{number}",
                    room="r",
                    seat=f"half{number % 6}",
                    connection=f"{number}",
                    sdp=OFFERS[0],
                    lines=LINES,
                )
            )
        for seat in list(rooms.seats):
            if seat.name.startswith("half"):
                rooms._state_changed(seat, "closed")
        await until(lambda: not rooms._closing)

    run(story())


def test_who_asks_for_connections_without_end_is_refused_and_named_and_the_others_join(caplog):
    async def story():
        async with a_node() as (rooms, _):
            route(rooms, "ana", "mallory")
            answers = await asyncio.gather(
                *(
                    rooms.offer(
                        SeatOffer(
                            command_id=str(number),
                            room="r",
                            seat="mallory",
                            connection=str(number),
                            sdp=OFFERS[0],
                            lines=LINES,
                        )
                    )
                    for number in range(200)
                )
            )
            refused = [answer.error for answer in answers if isinstance(answer, CommandRefused)]
            assert set(refused) == {"busy"}
            assert len(answers) - len(refused) <= MAX_OFFERS_BURST + 2
            async with people(rooms, "ana"):
                pass

    with caplog.at_level(logging.WARNING, logger="media.room"):
        run(story())
    assert "seat mallory of room r asks for connections too often" in caplog.text


def open_sockets() -> int:
    count = 0
    for entry in Path("/proc/self/fd").iterdir():
        try:
            count += str(entry.readlink()).startswith("socket:")
        except OSError:
            continue
    return count
