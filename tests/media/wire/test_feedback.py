"""RTCP there and back again."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from app.media.wire import rtcp as feedback

NUMBERS = st.integers(0, 0xFFFF)
WORDS = st.integers(0, 0xFFFFFFFF)


@given(st.sets(st.integers(0, 400), min_size=1, max_size=80), NUMBERS)
def test_a_nack_names_each_lost_packet_around_the_wrap(steps, first):
    lost = [(first + step) & 0xFFFF for step in sorted(steps)]
    (read,) = feedback.read_rtcp(feedback.build_nack(1, 2, lost))
    assert read == feedback.GenericNack(2, tuple(lost))


def test_a_key_frame_request_is_read_as_pli_and_as_fir():
    fir = struct.pack("!BBHIIIBxxx", 0x84, 206, 4, 1, 0, 77, 9)
    assert list(feedback.read_rtcp(feedback.build_pli(1, 55))) == [feedback.KeyFrameRequest(55)]
    assert list(feedback.read_rtcp(fir)) == [feedback.KeyFrameRequest(77)]


def test_a_remb_is_mantissa_and_exponent():
    body = b"REMB" + bytes([1, 3 << 2 | 1, 0x00, 0x01]) + struct.pack("!I", 5)
    packet = struct.pack("!BBHII", 0x8F, 206, 5, 1, 0) + body
    assert list(feedback.read_rtcp(packet)) == [feedback.RembEstimate(0x10001 << 3)]


@given(WORDS, st.integers(0, (1 << 64) - 1), WORDS, WORDS, WORDS)
def test_a_sender_report_comes_back(ssrc, ntp, rtp_time, packets, octets):
    (read,) = feedback.read_rtcp(feedback.build_sender_report(ssrc, ntp, rtp_time, packets, octets))
    assert read == feedback.SenderReport(ssrc, ntp, rtp_time)


@given(WORDS, st.integers(0, 255), st.integers(-0x800000, 0x7FFFFF), WORDS, WORDS, WORDS, WORDS)
def test_a_report_block_comes_back(ssrc, fraction, lost, highest, jitter, last, delay):
    block = feedback.ReportBlock(ssrc, fraction / 256, lost, highest, jitter, last, delay)
    assert list(feedback.read_rtcp(feedback.build_receiver_report(9, [block]))) == [block]


def test_a_receiver_report_without_blocks_is_still_a_packet():
    assert feedback.build_receiver_report(9, []) == struct.pack("!BBHI", 0x80, 201, 1, 9)


@given(
    st.dictionaries(st.integers(0, 900), st.integers(0, 30_000), min_size=1, max_size=300),
    NUMBERS,
    st.integers(0, 1 << 30),
)
def test_transport_feedback_says_when_each_packet_came(steps, first, began):
    arrivals = {first + step: began + at for step, at in steps.items()}
    read = read_transport_feedback(feedback.build_transport_feedback(1, 2, 300, arrivals))
    start = min(arrivals)
    assert read == {(number - start): at & 0xFFFFFFFF for number, at in arrivals.items()}
    (own,) = feedback.read_rtcp(feedback.build_transport_feedback(1, 2, 300, arrivals))
    assert own.first == start & 0xFFFF
    assert {step: at & 0xFFFFFFFF for step, at in enumerate(own.arrivals) if at is not None} == read


@given(st.binary(max_size=300))
def test_garbage_is_read_without_a_crash(data):
    list(feedback.read_rtcp(data))


@given(st.integers(0, 31), st.integers(192, 223), st.binary(max_size=120))
def test_garbage_behind_a_right_header_is_read_without_a_crash(count, kind, body):
    body += bytes(-len(body) % 4)
    list(feedback.read_rtcp(struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body))


def read_transport_feedback(packet: bytes) -> dict[int, int]:
    """An independent reading: {offset from the first: arrival in 250 µs, modulo 2**32}."""
    first, kind, words = struct.unpack_from("!BBH", packet)
    assert (first & 31, kind, words * 4 + 4) == (15, 205, len(packet))
    _, count, reference = struct.unpack_from("!HHI", packet, 12)
    clock, position, symbols = (reference >> 8) * 256, 20, []
    while len(symbols) < count:
        (chunk,) = struct.unpack_from("!H", packet, position)
        position += 2
        if chunk & 0x8000:
            assert chunk & 0x4000
            symbols += [chunk >> shift & 3 for shift in range(12, -1, -2)]
        else:
            symbols += [chunk >> 13] * (chunk & 0x1FFF)
    found = {}
    for offset, symbol in enumerate(symbols[:count]):
        if symbol == 1:
            clock += packet[position]
            position += 1
        elif symbol == 2:
            clock += struct.unpack_from("!h", packet, position)[0]
            position += 2
        if symbol:
            found[offset] = clock & 0xFFFFFFFF
    return found
