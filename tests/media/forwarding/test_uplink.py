"""What an uplink makes of each packet: forwarded in its place, or dropped with a name."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.forwarding.forward import (
    MAX_FORWARDED_PAYLOAD_BYTES,
    MAX_LEARNED_SSRCS,
    Uplink,
)
from app.media.forwarding.publication import SILENCE_DBOV
from app.media.limits import (
    FEEDBACK_COST_BYTES,
    PACKET_COST_BYTES,
    UPLINK_BURST_BYTES,
    UPLINK_BYTES_PER_SECOND,
)
from app.media.wire.aiortc_seam import INCOMING_BUFFER
from tests.media.fakes import DELTA_FRAME, KEY_FRAME, Wire, a_camera, a_microphone, a_slot

VP8, VP8_RTX, OPUS, H264 = 96, 97, 111, 102
CAMERA, CAMERA_RTX, MICROPHONE = 1000, 1001, 2000
MID_ID, LEVEL_ID, TRANSPORT_CC_ID, RID_ID, REPAIRED_RID_ID = 1, 2, 3, 4, 5


class PlainTransport:
    """Takes packets that are not encrypted; one that begins with a zero is not authentic."""

    def unprotect_rtp(self, packet: bytes) -> int:
        if not packet[0]:
            return 0
        INCOMING_BUFFER[: len(packet)] = packet
        return len(packet)

    unprotect_rtcp = unprotect_rtp


def make_packet(
    sequence: int,
    payload: bytes | bytearray = DELTA_FRAME,
    *,
    payload_type: int = VP8,
    ssrc: int = CAMERA,
    timestamp: int = 0,
    padding: int = 0,
    extensions: dict[int, bytes] | None = None,
) -> bytes:
    """An RTP packet (RFC 3550) with one-byte extensions (RFC 8285)."""
    first = 0x80 | (0x20 if padding else 0) | (0x10 if extensions else 0)
    packet = struct.pack("!BBHII", first, payload_type, sequence & 0xFFFF, timestamp, ssrc)
    if extensions:
        area = b"".join(
            bytes([number << 4 | len(value) - 1]) + value for number, value in extensions.items()
        )
        area += bytes(-len(area) % 4)
        packet += struct.pack("!HH", 0xBEDE, len(area) // 4) + area
    packet += bytes(payload)
    return packet + (bytes(padding - 1) + bytes([padding]) if padding else b"")


class Sender:
    """A browser's uplink with a camera that one listener receives, and a microphone."""

    def __init__(self) -> None:
        self.wire, self.feedback = Wire(), list[bytes]()
        self.uplink = Uplink(PlainTransport(), self.feedback.append)
        self.camera, self.microphone = a_camera(), a_microphone()
        self.uplink.by_ssrc = {
            CAMERA: (self.camera, False),
            CAMERA_RTX: (self.camera, True),
            MICROPHONE: (self.microphone, False),
        }
        self.uplink.payload_types = {VP8: "vp8", OPUS: "opus"}
        self.uplink.repair_types = frozenset({VP8_RTX})
        self.uplink.mid_id, self.uplink.level_id = MID_ID, LEVEL_ID
        self.uplink.transport_cc_id = TRANSPORT_CC_ID
        self.uplink.rid_id, self.uplink.repaired_rid_id = RID_ID, REPAIRED_RID_ID
        self.slot = a_slot(self.wire)
        self.slot.bind(self.camera)
        self.nacked: list[list[int]] = []
        self.camera.send_nack = self.nacked.append

    def send(self, packet: bytes) -> Counter[str]:
        """Returns what was dropped of it."""
        before = DROPPED_PACKETS.copy()
        self.uplink.take(packet)
        return DROPPED_PACKETS - before

    def count_until_refused(self, packet: bytes) -> int:
        """How often the packet is taken before the seat's share is used up."""
        for count in range(10_000):
            if "share" in self.send(packet):
                return count
        raise AssertionError("the share is never used up")

    def start(self, sequence: int = 10) -> None:
        """The key frame with which forwarding begins."""
        assert not self.send(make_packet(sequence, KEY_FRAME))
        assert len(self.wire.packets) == 1

    @property
    def forwarded(self) -> list[int]:
        """The publisher's sequence numbers of what the listener got, in the order of sending."""
        offset = self.slot.sequence_offset
        return [(each.sequence - offset) & 0xFFFF for each in self.wire.packets]


@pytest.fixture
def sender() -> Iterator[Sender]:
    yield Sender()


# --- padding ---


def test_padding_is_cut_off_and_never_forwarded(sender):
    sender.start()
    assert not sender.send(make_packet(11, padding=100))
    assert sender.wire.packets[-1].payload == bytes(DELTA_FRAME)


def test_a_padding_only_packet_goes_on_empty_so_that_no_number_is_missing(sender):
    sender.start()
    assert not sender.send(make_packet(11, b"", padding=255))
    assert not sender.send(make_packet(12))
    assert sender.forwarded == [10, 11, 12]
    assert [each.payload for each in sender.wire.packets[1:]] == [b"", bytes(DELTA_FRAME)]
    assert sender.nacked == []


def test_a_padding_only_packet_is_no_key_frame_to_begin_with(sender):
    assert not sender.send(make_packet(9, b"", padding=255))
    assert sender.wire.packets == []


def test_padding_longer_than_the_packet_is_dropped(sender):
    sender.start()
    packet = bytearray(make_packet(11, b"", padding=20))
    packet[-1] = 21
    assert sender.send(bytes(packet)) == {"padding": 1}
    assert sender.forwarded == [10]


# --- codecs and headers ---


@pytest.mark.parametrize("payload_type", [H264, OPUS, VP8_RTX, 0])
def test_a_payload_type_of_another_codec_is_dropped(sender, payload_type):
    sender.start()
    assert sender.send(make_packet(11, payload_type=payload_type)) == {"payload_type": 1}
    assert sender.forwarded == [10]
    assert sender.camera.max_sequence == 10


def test_the_marker_bit_does_not_change_the_codec(sender):
    sender.start()
    assert not sender.send(make_packet(11, payload_type=VP8 | 0x80))
    assert sender.wire.packets[-1].marker


@pytest.mark.parametrize(
    ("packet", "reason"),
    [
        (make_packet(11)[:11], "short"),
        (b"\0" + make_packet(11)[1:], "srtp"),
        (b"\0" + bytes([200]) + bytes(20), "srtcp"),
        (make_packet(11, ssrc=77), "unknown_ssrc"),
        (b"\x90" + make_packet(11, b"")[1:] + b"\xbe", "header"),
        (b"\x90" + make_packet(11, b"\xbe\xde\0\x09")[1:], "header"),
        (b"\x8f" + make_packet(11)[1:], "padding"),
        (make_packet(11, bytes(MAX_FORWARDED_PAYLOAD_BYTES + 1)), "oversize"),
    ],
    ids=[
        "short",
        "not authentic",
        "RTCP not authentic",
        "unknown ssrc",
        "extension cut off",
        "extension too long",
        "contributors too many",
        "oversize",
    ],
)
def test_a_packet_that_cannot_be_forwarded_is_dropped_with_its_reason(sender, packet, reason):
    sender.start()
    assert sender.send(packet) == {reason: 1}
    assert sender.forwarded == [10]


def test_the_largest_payload_is_forwarded(sender):
    sender.start()
    assert not sender.send(make_packet(11, bytes(MAX_FORWARDED_PAYLOAD_BYTES)))
    assert len(sender.wire.packets[-1].payload) == MAX_FORWARDED_PAYLOAD_BYTES


def test_extensions_are_read_between_padding_bytes_and_not_past_number_fifteen(sender):
    sender.start()
    area = bytes([0, 0, TRANSPORT_CC_ID << 4 | 1, 1, 2, LEVEL_ID << 4, 0x80 | 30])
    area += bytes([0xF0, 0, LEVEL_ID << 4, 0x80 | 10])
    header = struct.pack("!HH", 0xBEDE, len(area) // 4 + 1) + area + bytes(1)
    packet = b"\x90" + make_packet(11, header + bytes(DELTA_FRAME))[1:]
    assert not sender.send(packet)
    assert list(sender.uplink.arrivals) == [0x0102]
    assert sender.camera.level == 30
    assert sender.wire.packets[-1].payload == bytes(DELTA_FRAME)


def test_the_loudest_level_counts_until_it_is_taken(sender):
    for sequence, level in ((1, 60), (2, 40), (3, 50)):
        assert not sender.send(
            make_packet(
                sequence,
                b"opus",
                payload_type=OPUS,
                ssrc=MICROPHONE,
                extensions={LEVEL_ID: bytes([0x80 | level])},
            )
        )
    assert sender.microphone.take_level() == 40
    assert sender.microphone.take_level() == SILENCE_DBOV


# --- late packets and repairs ---


def test_a_late_packet_fills_its_gap_under_its_own_number(sender):
    sender.start()
    sender.send(make_packet(12))
    assert sender.nacked == [[11]]
    assert not sender.send(make_packet(11))
    assert sender.forwarded == [10, 12, 11]


def test_a_late_packet_that_nobody_missed_is_a_duplicate(sender):
    sender.start()
    sender.send(make_packet(11))
    assert sender.send(make_packet(11)) == {"duplicate": 1}
    assert sender.send(make_packet(10, KEY_FRAME)) == {"duplicate": 1}
    assert sender.forwarded == [10, 11]


def test_forwarding_never_begins_with_a_late_packet(sender):
    sender.slot.pause()
    sender.send(make_packet(8))
    sender.send(make_packet(10))
    sender.slot.resume()
    assert not sender.send(make_packet(9, KEY_FRAME))
    assert sender.forwarded == []
    sender.start(11)


def test_a_packet_from_before_the_key_frame_is_not_sent_after_it(sender):
    sender.slot.pause()
    sender.send(make_packet(8))
    sender.slot.resume()
    sender.start(10)
    assert not sender.send(make_packet(9))
    assert sender.forwarded == [10]


def test_a_retransmission_comes_back_under_its_original_number(sender):
    sender.start()
    sender.send(make_packet(12))
    repair = make_packet(
        500, struct.pack("!H", 11) + b"back", payload_type=VP8_RTX, ssrc=CAMERA_RTX
    )
    assert not sender.send(repair)
    assert sender.forwarded == [10, 12, 11]
    assert sender.wire.packets[-1].payload == b"back"
    assert sender.send(repair) == {"duplicate": 1}


def test_a_retransmission_does_not_count_as_received(sender):
    """RFC 4588: the publisher must learn how much its connection loses."""
    sender.start()
    sender.send(make_packet(12))
    sender.send(
        make_packet(500, struct.pack("!H", 11) + b"back", payload_type=VP8_RTX, ssrc=CAMERA_RTX)
    )
    assert sender.camera.report_block(1.0).lost == 1


@pytest.mark.parametrize("payload", [b"", b"\0"])
def test_a_probe_on_the_repair_stream_ends_there(sender, payload):
    sender.start()
    sender.send(make_packet(12))
    probe = make_packet(500, payload, payload_type=VP8_RTX, ssrc=CAMERA_RTX, padding=200)
    assert sender.send(probe) == {"probe": 1}
    assert sender.forwarded == [10, 12]
    assert 11 in sender.camera.missing


def test_probes_count_for_the_browsers_own_estimate(sender):
    probe = make_packet(
        500,
        b"",
        payload_type=VP8_RTX,
        ssrc=CAMERA_RTX,
        padding=200,
        extensions={TRANSPORT_CC_ID: b"\0\x07"},
    )
    assert sender.send(probe) == {"probe": 1}
    assert list(sender.uplink.arrivals) == [7]


# --- ssrcs that the offer did not name ---


@pytest.fixture
def unnamed(sender) -> Sender:
    """The offer named no ssrc: packets say their media section themselves."""
    sender.camera.ssrc = None
    sender.uplink.by_ssrc = {}
    sender.uplink.by_mid = {b"1": sender.camera}
    return sender


def test_an_ssrc_is_learned_from_the_mid_and_kept_without_it(unnamed):
    assert not unnamed.send(make_packet(10, KEY_FRAME, extensions={MID_ID: b"1"}))
    assert not unnamed.send(make_packet(11))
    assert unnamed.camera.ssrc == CAMERA
    assert unnamed.forwarded == [10, 11]


def test_a_second_ssrc_for_the_same_stream_is_not_taken_in(unnamed):
    unnamed.send(make_packet(10, KEY_FRAME, extensions={MID_ID: b"1"}))
    other = make_packet(11, KEY_FRAME, ssrc=55, extensions={MID_ID: b"1"})
    assert unnamed.send(other) == {"unknown_ssrc": 1}
    assert unnamed.forwarded == [10]


def test_sixteen_ssrcs_are_learned_and_the_seventeenth_is_refused(unnamed):
    def send_probe(ssrc: int) -> Counter[str]:
        return unnamed.send(
            make_packet(1, b"", payload_type=VP8_RTX, ssrc=ssrc, extensions={MID_ID: b"1"})
        )

    for number in range(MAX_LEARNED_SSRCS):
        assert send_probe(3000 + number) == {"probe": 1}
    assert send_probe(3000 + MAX_LEARNED_SSRCS) == {"unknown_ssrc": 1}
    assert len(unnamed.uplink.by_ssrc) == MAX_LEARNED_SSRCS == 16
    assert send_probe(3000) == {"probe": 1}


def test_refused_ssrcs_use_up_the_sixteen_as_well(unnamed):
    unnamed.send(make_packet(10, KEY_FRAME, extensions={MID_ID: b"1"}))
    for number in range(MAX_LEARNED_SSRCS):
        unnamed.send(make_packet(11, ssrc=3000 + number, extensions={MID_ID: b"1"}))
    late = make_packet(1, b"", payload_type=VP8_RTX, ssrc=4000, extensions={MID_ID: b"1"})
    assert unnamed.send(late) == {"unknown_ssrc": 1}


def test_a_simulcast_layer_is_told_by_its_rid_and_its_repairs_by_theirs(unnamed):
    small = a_camera()
    small.ssrc = None
    unnamed.camera.small = small
    unnamed.uplink.by_rid = {b"s": small, b"l": unnamed.camera}
    named = {MID_ID: b"1", RID_ID: b"s"}
    assert not unnamed.send(make_packet(10, KEY_FRAME, ssrc=61, extensions=named))
    repaired = {MID_ID: b"1", REPAIRED_RID_ID: b"s"}
    probe = make_packet(1, b"", payload_type=VP8, ssrc=62, extensions=repaired)
    assert unnamed.send(probe) == {"probe": 1}
    assert unnamed.uplink.by_ssrc == {61: (small, False), 62: (small, True)}
    nameless = make_packet(10, KEY_FRAME, ssrc=63, extensions={MID_ID: b"1"})
    assert unnamed.send(nameless) == {"unknown_ssrc": 1}


# --- the seat's share of the node ---


def test_a_seat_that_used_up_its_share_is_dropped_until_it_is_replenished(sender):
    sender.start()
    packet = make_packet(11, bytes(1000))
    cost = len(packet) + PACKET_COST_BYTES
    for sequence in range(UPLINK_BURST_BYTES // cost):
        sender.send(make_packet(11 + sequence, bytes(1000)))
    refused = sender.uplink.refused
    assert sender.send(packet) == {"share": 1}
    assert sender.uplink.refused == refused + 1
    sender.uplink.replenish(1.0)
    assert "share" not in sender.send(packet)


def test_what_was_overdrawn_is_forgiven_so_that_a_flood_ends_when_it_ends(sender):
    sender.start()
    # Given a flood of twenty times the share,
    for _ in range(20 * UPLINK_BURST_BYTES // (2000 + PACKET_COST_BYTES)):
        sender.uplink.take(bytes(2000))
    # when a hundredth of a second has passed,
    sender.uplink.replenish(0.01)
    # then as much gets through as belongs to that time, and no more.
    packet = make_packet(11, bytes(1000))
    cost = len(packet) + PACKET_COST_BYTES
    assert sender.count_until_refused(packet) == int(0.01 * UPLINK_BYTES_PER_SECOND) // cost


def test_unused_share_is_kept_only_up_to_the_burst(sender):
    sender.uplink.replenish(3600)
    taken = sender.count_until_refused(bytes(2000))
    assert taken == UPLINK_BURST_BYTES // (2000 + PACKET_COST_BYTES)


def test_feedback_costs_more_than_its_size(sender):
    report = bytes([0x81, 201]) + bytes(30)
    taken = sender.count_until_refused(report)
    cost = len(report) + PACKET_COST_BYTES + FEEDBACK_COST_BYTES
    assert len(sender.feedback) == taken == UPLINK_BURST_BYTES // cost + 1


def test_feedback_is_handed_over_as_it_was_encrypted_and_counts_as_life(sender):
    report = bytes([0x81, 201]) + bytes(30)
    sender.send(report)
    assert sender.feedback == [report]
    assert sender.uplink.heard_at > 0


# --- arrivals, for the browser's own estimate ---


def an_uplink() -> Uplink:
    return Uplink(PlainTransport(), lambda data: None)


@pytest.mark.parametrize("first", [10, 0xFFFD])
def test_transport_wide_numbers_go_on_around_the_wrap(first):
    uplink = an_uplink()
    told: dict[int, int] = {}
    for begin in (0, 3, 6):
        for step in range(begin, begin + 3):
            uplink.arrivals[(first + step) & 0xFFFF] = step / 100
        told |= uplink.take_arrivals()
    assert told == {first + step: step * 40 for step in range(9)}


def test_a_late_number_is_told_in_its_own_place_and_nothing_is_told_twice():
    uplink = an_uplink()
    uplink.arrivals = {0xFFFF: 1.0, 1: 1.1}
    assert uplink.take_arrivals() == {0xFFFF: 4000, 0x10001: 4400}
    uplink.arrivals[0] = 1.2
    assert uplink.take_arrivals() == {0x10000: 4800}
    assert uplink.take_arrivals() == {}
