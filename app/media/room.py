"""One consultation's media room on this node: its seats, who receives whom, who is speaking."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from pydantic import BaseModel

from app.core.blobs import SegmentStore
from app.media.forwarding.publication import SILENCE_DBOV, Publication
from app.media.forwarding.seat import SeatConnection
from app.media.forwarding.subscription import Subscription
from app.media.limits import (
    MAX_COUNTED_OFFERING_SEATS,
    MAX_OFFERS_BURST,
    OFFERS_PER_SECOND,
    RefusalWarnings,
    TokenBucket,
)
from app.media.messages import (
    ConnectionState,
    MediaKind,
    MediaRoute,
    NodeEvent,
    RoomPresence,
    RoomSpeaking,
    SeatState,
)
from app.media.messages_recording import RecordingSet, RecordingStopped
from app.media.recording.recorder import RoomRecorder

log = logging.getLogger("media.room")

EventSink = Callable[[NodeEvent, BaseModel], None]

SPEAKING_LEVEL_DBOV = 45
"""In -dBov (RFC 6464): a level louder, that is lower, than this is speech."""
LEVEL_CHANGE_DB = 6
"""Twice the sound pressure. A smaller change is not reported, and a rival that is louder by less
does not take over.
"""
ACTIVE_SPEAKER_HOLD_SECONDS = 0.8
"""Pauses within speech are shorter than this: the speaker stays the speaker."""
LEVEL_SMOOTHING_FACTOR = 0.6
"""Weight of the newest fifth of a second."""


class MediaRoom:
    """Seats by name, and the table of routes as the web last sent it. Used by one thread only."""

    def __init__(self, name: str, tell: EventSink) -> None:
        self.name = name
        self.version = -1
        self.routes: dict[str, tuple[MediaRoute, ...]] = {}
        self.seats: dict[str, SeatConnection] = {}
        self.empty_since = time.monotonic()
        self.recorder: RoomRecorder | None = None
        self._recording_version = -1
        self._offers: dict[str, TokenBucket] = {}
        self._refused = 0
        self._warnings = RefusalWarnings()
        self._tell = tell
        self._smoothed: dict[str, float] = {}
        self._told_levels: dict[str, int] = {}
        self._speaker: str | None = None
        self.last_speaker: str | None = None
        """Who spoke last; stays during a pause."""
        self._speaker_heard = 0.0

    @property
    def presence(self) -> RoomPresence:
        seats = {name: seat.connection for name, seat in self.seats.items()}
        return RoomPresence(room=self.name, version=self.version, seats=seats)

    # --- who is here ---

    def may_offer(self, seat: str, now: float) -> bool:
        """Whether the seat may ask for one more connection: each costs the node some
        milliseconds.
        """
        if seat not in self._offers and len(self._offers) >= MAX_COUNTED_OFFERING_SEATS:
            self._offers.clear()
        if self._offers.setdefault(seat, TokenBucket(OFFERS_PER_SECOND, MAX_OFFERS_BURST)).take(
            now
        ):
            return True
        self._refused += 1
        count = self._warnings.due(self._refused, now)
        if count:
            log.warning(
                "seat %s of room %s asks for connections too often: %d refused",
                seat,
                self.name,
                count,
            )
        return False

    def take_seat(self, seat: SeatConnection) -> SeatConnection | None:
        """Gives the connection its seat. Returns the one that had it, for the caller to close."""
        evicted = self.seats.get(seat.name)
        self.seats[seat.name] = seat
        self.connect_streams()
        return evicted

    def leave_seat(self, seat: SeatConnection) -> None:
        """Frees the seat, unless another connection already has it."""
        if self.seats.get(seat.name) is not seat:
            return
        del self.seats[seat.name]
        if not self.seats:
            self.empty_since = time.monotonic()
        self.connect_streams()

    def state_changed(self, seat: SeatConnection, state: ConnectionState) -> None:
        self._tell(
            NodeEvent.SEAT_STATE,
            SeatState(room=self.name, seat=seat.name, connection=seat.connection, state=state),
        )
        if state is ConnectionState.CONNECTED:
            self.connect_streams()

    # --- who receives whom ---

    def set_routes(self, version: int, routes: dict[str, tuple[MediaRoute, ...]]) -> None:
        """Replaces the whole table. A version that is not newer than the last is ignored."""
        if version <= self.version:
            return
        self.version = version
        self.routes = routes
        self.connect_streams()

    def connect_streams(self) -> None:
        """Fills every slot of every connected listener as the routes say, as far as the sources are
        published.
        """
        for seat in self.seats.values():
            if seat.is_connected:
                self._fill_slots(seat, self.routes.get(seat.name, ()))
        if self.recorder is not None:
            self.recorder.attach(self.seats)

    def _fill_slots(self, listener: SeatConnection, routes: tuple[MediaRoute, ...]) -> None:
        wanted: dict[Subscription, Publication] = {}
        for route in routes:
            subscription, publication = self._slot_of(listener, route), self._published(route)
            if subscription is not None and publication is not None:
                wanted[subscription] = publication
                subscription.priority = route.priority
        for subscription in listener.subscriptions:
            if subscription in wanted:
                subscription.bind(wanted[subscription])
            else:
                subscription.unbind()

    @staticmethod
    def _slot_of(listener: SeatConnection, route: MediaRoute) -> Subscription | None:
        if route.kind is MediaKind.SCREEN:
            return listener.stage
        if route.slot is None or route.slot >= len(listener.slots):
            return None
        audio, video = listener.slots[route.slot]
        return audio if route.kind is MediaKind.AUDIO else video

    def _published(self, route: MediaRoute) -> Publication | None:
        source = self.seats.get(route.source)
        return (
            source.publications.get(route.kind)
            if source is not None and source.is_connected
            else None
        )

    # --- recording ---

    def set_recording(
        self,
        command: RecordingSet,
        store: SegmentStore,
        stopped: Callable[[RecordingStopped], None],
    ) -> None:
        """Starts, changes or ends the recording as the command says. A version that is not newer
        than the last is ignored.
        """
        if command.version <= self._recording_version:
            return
        now = time.monotonic()
        if self.recorder is not None and self.recorder.recording != command.recording:
            self.stop_recording(now)
        self._recording_version = command.version
        if command.recording is None:
            return
        if self.recorder is None:
            self.recorder = RoomRecorder(command, store, stopped, now)
        else:
            self.recorder.follow(command)
        self.recorder.attach(self.seats)

    def stop_recording(self, now: float) -> RoomRecorder | None:
        """Ends the recording at once; the web's next command counts as new, whatever its version.
        Returns the recorder, which finishes storing on its own.
        """
        recorder, self.recorder, self._recording_version = self.recorder, None, -1
        if recorder is not None:
            recorder.stop(now)
        return recorder

    # --- who speaks ---

    def notice_speech(self, now: float) -> None:
        """Five times a second: reads the levels that the packets carry (RFC 6464), and tells the
        web about a change.
        """
        levels = {name: self._level(seat) for name, seat in self.seats.items() if seat.is_connected}
        for gone in self._smoothed.keys() - levels.keys():
            del self._smoothed[gone]
        speaker = self._choose_speaker(levels, now)
        if self.recorder is not None:
            self.recorder.tick(self._smoothed, now)
        self.last_speaker = speaker or self.last_speaker
        if speaker == self._speaker and not self._levels_moved(levels):
            return
        self._speaker, self._told_levels = speaker, levels
        self._tell(
            NodeEvent.ROOM_SPEAKING, RoomSpeaking(room=self.name, levels=levels, speaker=speaker)
        )

    def _level(self, seat: SeatConnection) -> int:
        microphone = seat.publications.get(MediaKind.AUDIO)
        level = microphone.take_level() if microphone is not None else SILENCE_DBOV
        smoothed = self._smoothed.get(seat.name, SILENCE_DBOV)
        self._smoothed[seat.name] = smoothed = (
            smoothed + (level - smoothed) * LEVEL_SMOOTHING_FACTOR
        )
        return round(smoothed)

    def _choose_speaker(self, levels: dict[str, int], now: float) -> str | None:
        loudest = min(levels, key=lambda name: levels[name], default=None)
        if loudest is not None and levels[loudest] < SPEAKING_LEVEL_DBOV:
            rival = self._speaker is not None and self._speaker != loudest
            held = levels.get(self._speaker or "", SILENCE_DBOV)
            if (
                not rival
                or levels[loudest] < held - LEVEL_CHANGE_DB
                or now - self._speaker_heard > ACTIVE_SPEAKER_HOLD_SECONDS
            ):
                self._speaker_heard = now
                return loudest
        if self._speaker in levels and now - self._speaker_heard < ACTIVE_SPEAKER_HOLD_SECONDS:
            return self._speaker
        return None

    def _levels_moved(self, levels: dict[str, int]) -> bool:
        if levels.keys() != self._told_levels.keys():
            return True
        return any(
            abs(level - self._told_levels[name]) >= LEVEL_CHANGE_DB
            for name, level in levels.items()
        )
