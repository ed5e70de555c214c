"""A slot is filled by one source after another, and its browser sees one stream."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from app.media.forwarding.forward import forward_packet
from app.media.forwarding.publication import ARRIVED_NEWER, Publication
from app.media.wire import rtcp as feedback
from tests.media.fakes import DELTA_FRAME, KEY_FRAME, Wire, a_camera, a_microphone, a_slot


def play(source: Publication, sequences: range, start: float = 1.0, key: bool = True) -> None:
    for number, sequence in enumerate(sequences):
        payload = KEY_FRAME if key and number == 0 else DELTA_FRAME
        now = start + number * 0.04
        timestamp = (sequence * 3600) & 0xFFFFFFFF
        place = source.arrive(sequence & 0xFFFF, timestamp, now)
        forward_packet(source, 0x80, sequence & 0xFFFF, timestamp, bytearray(payload), place, now)


def test_a_picture_begins_with_a_key_frame_that_was_asked_for():
    wire, camera = Wire(), a_camera()
    asked = []
    camera.send_pli = lambda: asked.append(True)
    slot = a_slot(wire)
    slot.bind(camera)
    assert asked
    play(camera, range(10, 15), key=False)
    assert wire.packets == []
    play(camera, range(15, 20))
    assert [packet.payload for packet in wire.packets] == [bytes(KEY_FRAME)] + [
        bytes(DELTA_FRAME)
    ] * 4
    assert {(packet.ssrc, packet.payload_type) for packet in wire.packets} == {(42, 96)}


@given(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF), st.floats(0.1, 3600))
def test_the_next_source_continues_numbers_and_time(first, second, pause):
    wire, ana, ben = Wire(), a_camera("ana"), a_camera("ben")
    slot = a_slot(wire)
    slot.bind(ana)
    play(ana, range(first, first + 5))
    slot.bind(ben)
    play(ben, range(second, second + 5), start=1.0 + 4 * 0.04 + pause)
    numbers = [packet.sequence for packet in wire.packets]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(10)]
    leap = (wire.packets[5].timestamp - wire.packets[4].timestamp) & 0xFFFFFFFF
    assert abs(leap - pause * 90_000) < 2


def test_a_shared_payload_reaches_each_listener_in_its_own_numbers():
    camera, wires = a_camera(), [Wire(), Wire()]
    slots = [a_slot(wire) for wire in wires]
    slots[0].bind(camera)
    play(camera, range(100, 103))
    slots[1].bind(camera)
    play(camera, range(103, 106))
    assert len(wires[0].packets) == 6
    assert [packet.payload for packet in wires[1].packets] == [
        bytes(KEY_FRAME),
        *[bytes(DELTA_FRAME)] * 2,
    ]


def test_a_listener_gets_again_what_it_lacks_as_rtx():
    wire, camera = Wire(), a_camera()
    slot = a_slot(wire)
    slot.bind(camera)
    play(camera, range(0xFFFE, 0xFFFE + 6))
    lost = wire.packets[3]
    slot.repair((lost.sequence,), now=5.0)
    again = wire.packets[-1]
    assert (again.ssrc, again.payload_type, again.timestamp) == (43, 97, lost.timestamp)
    assert again.payload == struct.pack("!H", lost.sequence) + lost.payload


def test_what_came_before_the_slot_was_filled_is_not_sent_again():
    wire, camera = Wire(), a_camera()
    play(camera, range(100, 110))
    slot = a_slot(wire)
    slot.bind(camera)
    play(camera, range(110, 112))
    first = wire.packets[0].sequence
    slot.repair(tuple((first - step) & 0xFFFF for step in range(1, 5)), now=5.0)
    assert len(wire.packets) == 2


def a_voice_with_a_clock():
    """A slot that was bound to a microphone when the microphone's clock was known, and its first
    packet.
    """
    wire, microphone = Wire(), a_microphone()
    slot = a_slot(wire, is_video=False)
    slot.bind(microphone)
    microphone.report = feedback.SenderReport(2000, 77 << 32, 960)
    microphone.arrive(1, 480, 1.0)
    forward_packet(microphone, 0, 1, 480, bytearray(b"opus"), ARRIVED_NEWER, 1.0)
    return wire, microphone, slot


def test_the_publishers_clock_reaches_the_listener_in_the_slots_own_time():
    wire, microphone, slot = a_voice_with_a_clock()
    (report,) = feedback.read_rtcp(wire.rtcp[-1])
    assert report.ntp == 77 << 32
    assert (report.rtp_time - wire.packets[0].timestamp) & 0xFFFFFFFF == 480


def test_the_round_trip_is_known_from_the_listeners_report():
    wire, microphone, slot = a_voice_with_a_clock()
    slot.heard(feedback.ReportBlock(42, 0.0, 0, 1, 0, microphone.report.middle, 65536), now=2.080)
    assert round(slot.rtt, 3) == 0.080


def test_a_pause_leaves_no_gap():
    wire, camera = Wire(), a_camera()
    slot = a_slot(wire)
    slot.bind(camera)
    play(camera, range(0, 5))
    slot.pause()
    play(camera, range(5, 50), key=False)
    slot.resume()
    play(camera, range(50, 53))
    numbers = [packet.sequence for packet in wire.packets]
    assert numbers == [(numbers[0] + step) & 0xFFFF for step in range(8)]
    assert slot.packets == 8
