"""Reading packets as bytes: what is right is read, what is wrong is refused without a crash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.media.wire import rtp


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        (b"\x10\x00\x00", True),
        (b"\x10\x01\x00", False),
        (b"\x11\x00\x00", False),
        (b"\x00\x00\x00", False),
        (b"\x90\x80\x05\x00", True),
        (b"\x90\x80\x85\x05\x00", True),
        (b"\x90\x80\x85\x05\x01", False),
        (b"\x90\xe0\x85\x05\x07\x20\x00", True),
        (b"\x90\xe0\x85\x05\x07\x20\x01", False),
        (b"\x90", False),
        (b"", False),
        (b"\x90\x80", False),
    ],
)
def test_vp8_key_frames_are_known_by_their_first_packet(payload, is_key):
    assert rtp.is_vp8_key_frame(payload) is is_key


@pytest.mark.parametrize(
    ("payload", "is_key"),
    [
        (b"\x65\x88", True),
        (b"\x67\x42", True),
        (b"\x41\x9a", False),
        (b"\x7c\x85\x00", True),
        (b"\x7c\x05\x00", False),
        (b"\x78\x00\x04\x67\x00", True),
        (b"\x65", False),
    ],
)
def test_h264_key_frames_are_known_by_their_first_packet(payload, is_key):
    assert rtp.is_h264_key_frame(payload) is is_key


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reading(packet):
    assert rtp.is_vp8_key_frame(packet) in (True, False)
    assert rtp.is_h264_key_frame(packet) in (True, False)
