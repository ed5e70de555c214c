"""Recording a room: packets are noted on the packet path; everything else happens on a thread of
the recorder's own.

A run lasts from the web's word until its next word, or until the web is out of hearing: nobody
could stop it then. What a run records is sealed segment by segment under a key that the web lent,
and stored at once; a node that is killed loses the segment that it was at.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from app.core.blobs import SegmentStore, StoreFailed
from app.media.forwarding.forward import DROPPED_PACKETS
from app.media.forwarding.publication import SILENCE_DBOV, Publication
from app.media.forwarding.seat import SeatConnection
from app.media.messages import MediaKind
from app.media.messages_recording import RecordingSet, RecordingStopped, derive_segment_id
from app.media.recording.tape import ClusterWriter

log = logging.getLogger("media.recording")

MAX_QUEUED_PACKETS = 6000
WRITE_INTERVAL_SECONDS = 0.25
PICTURE_SPEAKING_LEVEL_DBOV = 45
PICTURE_HOLD_SECONDS = 2.0
"""Seconds that somebody keeps the picture after their last word."""
KEY_FRAME_REFRESH_SECONDS = 10.0
KEY_FRAME_RETRY_SECONDS = 1.0
MAX_STORE_ATTEMPTS = 3
MAX_LOST_SEGMENTS = 3
STORE_RETRY_SECONDS = 0.5

_NotedPacket = tuple[Publication, int, int, int, bytearray, int, float]


class RoomRecorder:
    """One run. Made, told and stopped on the node's loop; ``stopped`` is called on the thread, once
    all is stored.
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
        """Whose picture is wanted now."""
        self._room, self._key = command.room, command.data_key
        self._store, self._stopped = store, stopped
        self._command = command
        self._tapped: set[Publication] = set()
        self._seats: Mapping[str, SeatConnection] = {}
        self._spoke = self._asked = self._refreshed = now
        self._notes: deque[_NotedPacket | Callable[[], None]] = deque()
        self._tape = ClusterWriter(now, command.begin_ms)
        self._over = threading.Event()
        self._over_at = now
        self._stopped_at = 0.0
        self._number: int | None = None
        self._kept = self._lost = 0
        self._thread = threading.Thread(target=self._run, name=f"record {self._room}", daemon=True)
        self.follow(command)
        self._thread.start()

    # --- on the packet path ---

    def take(
        self,
        publication: Publication,
        sequence: int,
        timestamp: int,
        marker: int,
        payload: bytearray,
        level: int,
        now: float,
    ) -> None:
        if len(self._notes) < MAX_QUEUED_PACKETS:
            self._notes.append((publication, sequence, timestamp, marker, payload, level, now))
        else:
            DROPPED_PACKETS["recorder"] += 1

    # --- on the node's loop ---

    def follow(self, command: RecordingSet) -> None:
        """Other voices on the tracks, other people in the picture."""
        self._command = command
        self._notes.append(lambda: self._tape.set_voices(command.voices))
        self.attach(self._seats)

    def attach(self, seats: Mapping[str, SeatConnection]) -> None:
        """Listens at the publications of those who are named and connected, and at no others."""
        self._seats = seats
        voices = {name for names in self._command.voices.values() for name in names}
        wanted = {
            publication
            for name in voices
            if (publication := self._published(name, MediaKind.AUDIO)) is not None
        }
        if self.picture is not None and self.picture in self._cameras():
            wanted.add(self.picture)
            shown = self._tape.shown
            if isinstance(shown, Publication) and shown in self._cameras():
                wanted.add(shown)
        for gone in self._tapped - wanted:
            gone.recorder = None
        for publication in wanted:
            publication.recorder = self
        self._tapped = wanted

    def tick(self, levels: Mapping[str, float], now: float) -> None:
        """Five times a second: chooses the picture, and sees that its key frames come."""
        chosen = self._choose(levels, now)
        if chosen is not self.picture:
            self.picture = chosen
            self._notes.append(lambda: self._tape.want(chosen, now))
            self._refreshed = now
        self.attach(self._seats)
        needs = self._tape.needs_key_frame
        if self.picture is None or now - self._asked < KEY_FRAME_RETRY_SECONDS:
            return
        if needs is self.picture or now - self._refreshed > KEY_FRAME_REFRESH_SECONDS:
            self._asked = self._refreshed = now
            self.picture.request_key_frame(now)

    def stop(self, now: float) -> None:
        """Lets nothing more in, from this moment on."""
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
        """Waits until all is stored, at most so long."""
        self._thread.join(seconds)

    def _choose(self, levels: Mapping[str, float], now: float) -> Publication | None:
        """A shared screen, else whoever speaks of those with a picture, else who spoke last."""
        flowing: dict[str, Publication] = {}
        for name in self._command.pictures:
            screen = self._published(name, MediaKind.SCREEN)
            if screen is not None and screen.codec == "vp8" and screen.flows(now):
                return screen
            camera = self._published(name, MediaKind.VIDEO)
            layer = (
                next(
                    (one for one in (camera, camera.small) if one is not None and one.flows(now)),
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
        """Every picture of those who may be shown, each layer by itself."""
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
                for cluster in self._tape.advance(
                    self._over_at if is_last else time.monotonic(), is_last=is_last
                ):
                    self._keep(cluster)
                end_ms = self._tape.written_ms
        except Exception:
            log.exception("the recording of room %s broke off", self._room)
            broke = not self._over.is_set()
            self._over.set()
        for reason, count in self._tape.drops.items():
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
        notes, tape = self._notes, self._tape
        for _ in range(len(notes)):
            note = notes.popleft()
            if callable(note):
                note()
                continue
            publication, sequence, timestamp, marker, payload, level, at = note
            if publication.is_video:
                tape.picture(publication, sequence, timestamp, marker, payload, at)
            else:
                tape.sound(publication, publication.seat, timestamp, payload, level, at)

    def _keep(self, cluster: bytes) -> None:
        """Stores a segment under the first number that is free; what the store does not take is
        given up by name.
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
                log.warning("the store did not take a segment of room %s", self._room)
                time.sleep(STORE_RETRY_SECONDS)
        self._lost += 1
        DROPPED_PACKETS["recorder_store"] += 1
        if self._lost >= MAX_LOST_SEGMENTS:
            raise StoreFailed("the store takes no segments")


def find_first_free_number(is_taken: Callable[[int], bool]) -> int:
    """The first number that is not taken, where all below it are."""
    step, low = 1, 0
    while is_taken(low + step - 1):
        low, step = low + step, step * 2
    high = low + step - 1  # free; everything below `low` is taken
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if is_taken(middle) else (low, middle)
    return low
