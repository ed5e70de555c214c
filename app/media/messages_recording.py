"""The messages between the web and a media node about recordings; see ``messages``. Pure
pydantic.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, field_validator

MAX_RECORDED_SEATS = 8
RecordingId = Annotated[str, Field(min_length=1, max_length=40)]


def derive_segment_id(recording: str, number: int) -> str:
    """The id of a recording's segment in the store. Segments are numbered from 0 without gaps."""
    return hashlib.sha256(f"{recording}/{number}".encode()).hexdigest()[:32]


class RecordingSet(BaseModel):
    """How a room is recorded from now on: each time the whole of it. A ``version`` that is not
    newer is ignored.

    Without ``recording`` the recording ends. Only people who are named are recorded: ``voices``
    says whose microphones belong to each track, ``pictures`` whose camera or screen may be shown.
    ``begin_ms`` is how long the recording is so far; a node that already records it continues from
    its own position. ``key`` is the data key of all segments, in base64.

    Answered by ``CommandAnswered``, or refused: ``invalid``, ``full`` (this node has no store).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    command_id: str = Field(min_length=1, max_length=80)
    room: str = Field(min_length=1, max_length=80)
    version: int = Field(ge=0)
    recording: RecordingId | None = None
    key: str = Field(default="", max_length=64, repr=False)
    begin_ms: int = Field(default=0, ge=0)
    voices: dict[int, tuple[str, ...]] = Field(
        default_factory=dict[int, tuple[str, ...]], max_length=16
    )
    pictures: tuple[str, ...] = Field(default=(), max_length=MAX_RECORDED_SEATS)

    @field_validator("voices")
    @classmethod
    def _tracks_fit(cls, voices: dict[int, tuple[str, ...]]) -> dict[int, tuple[str, ...]]:
        if any(
            not 2 <= number <= 120 or len(seats) > MAX_RECORDED_SEATS
            for number, seats in voices.items()
        ):
            raise ValueError("a track of voices has a number from 2 to 120")
        return voices

    @property
    def data_key(self) -> bytes:
        return base64.b64decode(self.key)


class RecordingStopped(BaseModel):
    """This node has stopped recording, and everything is stored. ``stopped_at`` is when the last
    packet was taken, in seconds since 1970 by the node's own clock; ``end_ms`` is how long the
    recording is now; ``lost`` counts segments that the store did not take.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    room: str
    recording: str
    stopped_at: float
    end_ms: int
    segments: int
    lost: int = 0
    broke: bool = False
    """It ended by itself, because of a fault of the node or its store: nobody should rely on it."""
