"""What the estimator and the allocator see of one outgoing stream. Pure.

Two narrow protocols, so that neither has to know the subscription that forwards the packets, and
tests can use a plain object.
"""

from __future__ import annotations

from typing import Protocol

from app.media.messages import StreamPriority

PACKET_OVERHEAD_BYTES = 40
"""What a packet costs beside its payload: IPv4 (20, RFC 791), UDP (8, RFC 768) and RTP (12, RFC
3550). The SRTP tag and header extensions (10 to 20 bytes) are left out.
"""
SMALL_LAYER_BITS_PER_SECOND = 150_000
"""The most that a browser spends on its small simulcast layer: ``SMALL_BITRATE`` in
``static/js/consults/media/media_connection.js``.
"""


class MeasuredStream(Protocol):
    """A stream whose packets can be counted. All counters start at 0 and only grow."""

    @property
    def is_video(self) -> bool: ...
    @property
    def is_paused(self) -> bool: ...
    @property
    def is_shrunk(self) -> bool:
        """Whether the small simulcast layer is sent in place of the large one."""
        ...

    @property
    def has_source(self) -> bool:
        """Whether somebody's publication is assigned to the slot."""
        ...

    @property
    def loss(self) -> float:
        """The share lost, from the listener's receiver reports: 0.0 to 1.0."""
        ...

    @property
    def packets(self) -> int: ...
    @property
    def octets(self) -> int:
        """Payload bytes sent."""
        ...

    @property
    def octets_offered(self) -> int:
        """Bytes on the wire that the source has published, whether or not they were forwarded."""
        ...

    @property
    def nacked_packets(self) -> int:
        """How many packets the listener has asked for again, each counted once."""
        ...


class AllocatedStream(MeasuredStream, Protocol):
    """A stream that can be paused, or shrunk to its small layer."""

    @property
    def is_stage(self) -> bool:
        """Whether this is the shared screen."""
        ...

    @property
    def priority(self) -> StreamPriority: ...
    @property
    def seat(self) -> str | None:
        """Whose stream it is."""
        ...

    @property
    def can_shrink(self) -> bool: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def shrink(self) -> None: ...
    def grow(self) -> None: ...
