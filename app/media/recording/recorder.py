"""Records a room. The packet path only queues packets; everything else happens on the recorder's
own thread.

A recording lasts from the web's command until its next command, or until the connection to the web
is lost, because nobody could stop it then. It is encrypted segment by segment with a key that the
web lends (docs/adr/0017), and each segment is stored at once: a node that is killed loses the
segment it was working on.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Protocol

from app.core.blobs import SegmentStore, StoreFailed
from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.forwarding.publication import SILENCE_DBOV, Publication
from app.media.messages import MediaKind
from app.media.messages_recording import RecordingSet, RecordingStopped, derive_segment_id
from app.media.recording.clusters import ClusterWriter

log = logging.getLogger("media.recording")

MAX_QUEUED_PACKETS = 6000
"""About ten seconds of eight voices and a picture. More is dropped and counted: a slow store must
not use up the node's memory.
"""
WRITE_INTERVAL_SECONDS = 0.25
PICTURE_SPEAKING_LEVEL_DBOV = 45
"""In -dBov (RFC 6464): louder, that is lower, than this is speech."""
PICTURE_HOLD_SECONDS = 2.0
"""How long somebody keeps the picture after their last word."""
KEY_FRAME_REFRESH_SECONDS = 10.0
"""A player can jump to key frames only, so there is one at least this often."""
KEY_FRAME_RETRY_SECONDS = 1.0
MAX_STORE_ATTEMPTS = 3
MAX_LOST_SEGMENTS = 3
"""After this many lost segments the recording ends: nobody should rely on it any more."""
STORE_RETRY_SECONDS = 0.5

_QueuedPacket = tuple[Publication, int, int, int, bytearray, int, float]
"""Publication, sequence, timestamp, marker, payload, level, arrival."""


class RecordedSeat(Protocol):
    """What the recorder needs to know of a connection."""

    @property
    def is_connected(self) -> bool: ...
    @property
    def publications(self) -> Mapping[MediaKind, Publication]: ...


class RoomRecorder:
    """One recording on this node. Created, changed and stopped on the node's event loop;
    ``stopped`` is called on the recorder's thread when everything is stored.
    """

    def __init__(
        self,
        command: RecordingSet,
        store: SegmentStore,
        stopped: Callable[[RecordingStopped], None],
        now: float,
    ) -> None:
        self.recording = command.recording or ""
        self.picture: Publication | None = None
        """The publication whose picture should be recorded now."""
        self._room, self._key = command.room, command.data_key
        self._store, self._stopped = store, stopped
        self._command = command
        self._tapped: set[Publication] = set()
        self._seats: Mapping[str, RecordedSeat] = {}
        self._spoke = self._asked = self._refreshed = now
        self._queue: deque[_QueuedPacket | Callable[[], None]] = deque()
        self._clusters = ClusterWriter(now, command.begin_ms)
        self._over = threading.Event()
        self._over_at = now
        self._stopped_at = 0.0
        self._number: int | None = None
        self._kept = self._lost = 0
        self._thread = threading.Thread(target=self._run, name=f"record {self._room}", daemon=True)
        self.follow(command)
        self._thread.start()

    # --- on the packet path ---

    def take_packet(
        self,
        publication: Publication,
        sequence: int,
        timestamp: int,
        marker: int,
        payload: bytearray,
        level: int,
        now: float,
    ) -> None:
        if len(self._queue) < MAX_QUEUED_PACKETS:
            self._queue.append((publication, sequence, timestamp, marker, payload, level, now))
        else:
            DROPPED_PACKETS["recorder"] += 1

    # --- on the node's loop ---

    def follow(self, command: RecordingSet) -> None:
        """Takes other voices for the tracks, and other people for the picture."""
        self._command = command
        self._queue.append(lambda: self._clusters.set_voices(command.voices))
        self.attach(self._seats)

    def attach(self, seats: Mapping[str, RecordedSeat]) -> None:
        """Records the publications of those who are named and connected, and of nobody else."""
        self._seats = seats
        voices = {name for names in self._command.voices.values() for name in names}
        wanted = {
            publication
            for name in voices
            if (publication := self._published(name, MediaKind.AUDIO)) is not None
        }
        if self.picture is not None and self.picture in self._cameras():
            wanted.add(self.picture)
            shown = self._clusters.shown
            if isinstance(shown, Publication) and shown in self._cameras():
                wanted.add(shown)
        for gone in self._tapped - wanted:
            gone.recorder = None
        for publication in wanted:
            publication.recorder = self
        self._tapped = wanted

    def tick(self, levels: Mapping[str, float], now: float) -> None:
        """Five times a second: chooses the picture, and asks for its key frames."""
        chosen = self._choose(levels, now)
        if chosen is not self.picture:
            self.picture = chosen
            self._queue.append(lambda: self._clusters.want(chosen, now))
            self._refreshed = now
        self.attach(self._seats)
        needs = self._clusters.needs_key_frame
        if self.picture is None or now - self._asked < KEY_FRAME_RETRY_SECONDS:
            return
        if needs is self.picture or now - self._refreshed > KEY_FRAME_REFRESH_SECONDS:
            self._asked = self._refreshed = now
            self.picture.request_key_frame(now)

    def stop(self, now: float) -> None:
        """Takes no more packets from this moment on."""
        if self._over.is_set():
            return
        for publication in self._tapped:
            publication.recorder = None
        self._tapped = set()
        self._over_at, self._stopped_at = now, time.time()
        self._over.set()

    @property
    def is_storing(self) -> bool:
        return self._thread.is_alive()

    def join(self, seconds: float) -> None:
        """Waits until everything is stored, but no longer than ``seconds``."""
        self._thread.join(seconds)

    def _choose(self, levels: Mapping[str, float], now: float) -> Publication | None:
        """A shared screen; otherwise whoever speaks and has a picture; otherwise who spoke last."""
        flowing: dict[str, Publication] = {}
        for name in self._command.pictures:
            screen = self._published(name, MediaKind.SCREEN)
            if screen is not None and screen.codec == "vp8" and screen.flows(now):
                return screen
            camera = self._published(name, MediaKind.VIDEO)
            layer = (
                next(
                    (
                        each
                        for each in (camera, camera.small)
                        if each is not None and each.flows(now)
                    ),
                    None,
                )
                if camera is not None and camera.codec == "vp8"
                else None
            )
            if layer is not None:
                flowing[name] = layer
        present = (
            self.picture.seat if self.picture is not None and self.picture.seat in flowing else None
        )
        loudest = min(flowing, key=lambda name: levels.get(name, SILENCE_DBOV), default=None)
        if present is not None and levels.get(present, SILENCE_DBOV) < PICTURE_SPEAKING_LEVEL_DBOV:
            self._spoke = now
        if present is None or (
            loudest is not None
            and loudest != present
            and now - self._spoke > PICTURE_HOLD_SECONDS
            and levels.get(loudest, SILENCE_DBOV) < PICTURE_SPEAKING_LEVEL_DBOV
        ):
            present, self._spoke = loudest, now
        return flowing[present] if present is not None else None

    def _published(self, name: str, kind: MediaKind) -> Publication | None:
        seat = self._seats.get(name)
        return seat.publications.get(kind) if seat is not None and seat.is_connected else None

    def _cameras(self) -> set[Publication]:
        """Every picture of those who may be shown, with each layer on its own."""
        found = (
            self._published(name, kind)
            for name in self._command.pictures
            for kind in (MediaKind.VIDEO, MediaKind.SCREEN)
        )
        return {
            layer
            for each in found
            if each is not None
            for layer in (each, each.small)
            if layer is not None
        }

    # --- on the thread ---

    def _run(self) -> None:
        end_ms, broke = self._command.begin_ms, False
        try:
            is_last = False
            while not is_last:
                is_last = self._over.wait(WRITE_INTERVAL_SECONDS)
                self._take_in()
                for cluster in self._clusters.advance(
                    self._over_at if is_last else time.monotonic(), is_last=is_last
                ):
                    self._keep(cluster)
                end_ms = self._clusters.written_ms
        except Exception:
            log.exception("the recording of room %s stopped unexpectedly", self._room)
            broke = not self._over.is_set()
            self._over.set()
        for reason, count in self._clusters.drops.items():
            DROPPED_PACKETS[f"recorder_{reason}"] += count
        log.info(
            "recording of room %s: %d segments stored, %d lost", self._room, self._kept, self._lost
        )
        self._stopped(
            RecordingStopped(
                room=self._room,
                recording=self.recording,
                stopped_at=self._stopped_at or time.time(),
                end_ms=end_ms,
                segments=self._kept,
                lost=self._lost,
                broke=broke,
            )
        )

    def _take_in(self) -> None:
        queue, clusters = self._queue, self._clusters
        for _ in range(len(queue)):
            queued = queue.popleft()
            if callable(queued):
                queued()
                continue
            publication, sequence, timestamp, marker, payload, level, at = queued
            if publication.is_video:
                clusters.picture(publication, sequence, timestamp, marker, payload, at)
            else:
                clusters.sound(publication, publication.seat, timestamp, payload, level, at)

    def _keep(self, cluster: bytes) -> None:
        """Stores a segment under the first free number. A segment that the store does not take is
        counted as lost.
        """
        for _ in range(MAX_STORE_ATTEMPTS):
            try:
                if self._number is None:
                    self._number = find_first_free_number(
                        lambda number: self._store.has(derive_segment_id(self.recording, number))
                    )
                while not self._store.add(
                    derive_segment_id(self.recording, self._number), self._key, cluster
                ):
                    self._number += 1
                self._number += 1
                self._kept += 1
                return
            except StoreFailed:
                log.warning("a segment of room %s could not be stored", self._room)
                time.sleep(STORE_RETRY_SECONDS)
        self._lost += 1
        DROPPED_PACKETS["recorder_store"] += 1
        if self._lost >= MAX_LOST_SEGMENTS:
            raise StoreFailed("the store takes no segments")


def find_first_free_number(is_taken: Callable[[int], bool]) -> int:
    """The first number that is not taken, if all below it are taken. Asks about log2(n) times."""
    step, low = 1, 0
    while is_taken(low + step - 1):
        low, step = low + step, step * 2
    high = low + step - 1  # Free; everything below ``low`` is taken.
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_taken(middle) else (low, middle)
    return low
