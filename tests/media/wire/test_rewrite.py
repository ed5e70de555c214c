"""Sequence and timestamp arithmetic, everywhere around the wrap."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.media.wire.rewrite import (
    compute_sequence_offset,
    compute_timestamp_offset,
    extend_sequence,
)

SEQUENCES = st.integers(0, 0xFFFF)
TIMESTAMPS = st.integers(0, 0xFFFFFFFF)


@given(SEQUENCES, SEQUENCES)
def test_a_new_source_continues_where_the_last_one_ended(last, first):
    assert (first + compute_sequence_offset(last, first)) & 0xFFFF == (last + 1) & 0xFFFF


@given(TIMESTAMPS, st.integers(0, 90_000 * 3600), TIMESTAMPS)
def test_a_new_source_is_placed_after_the_time_that_passed(last, elapsed, first):
    placed = (first + compute_timestamp_offset(last, elapsed, first)) & 0xFFFFFFFF
    assert (placed - last) & 0xFFFFFFFF == max(1, elapsed)


@given(st.integers(0x8000, 1 << 40), st.integers(-0x7FFF, 0x7FFF))
def test_extension_finds_the_nearest(highest, step):
    assert extend_sequence((highest + step) & 0xFFFF, highest) == highest + step
