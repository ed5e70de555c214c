"""All media rooms of this node, how many it may have, and the clock for their feedback."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import logging
import time
from collections import Counter
from collections.abc import Callable

from app.core.blobs import SegmentStore
from app.media.forwarding.seat import SeatConnection
from app.media.messages import (
    MAX_SLOTS,
    CommandAnswered,
    CommandRefused,
    ConnectionState,
    NodeEvent,
    OfferAnswered,
    RoomClose,
    RoomPresence,
    RoutesSet,
    SeatClose,
    SeatOffer,
    SeatPrefer,
)
from app.media.messages_recording import RecordingSet, RecordingStopped
from app.media.recording.recorder import RoomRecorder
from app.media.room import EventSink, MediaRoom
from app.media.settings import MediaSettings
from app.media.wire.aiortc_seam import DtlsCertificate, make_dtls_certificate
from app.media.wire.sdp import MalformedSdp
from app.media.wire.udp_sockets import NoFreePort

log = logging.getLogger("media.rooms")

MAX_SEATS_PER_ROOM = MAX_SLOTS + 1
TICK_SECONDS = 0.025
"""How often each seat has its turn."""
TICK_PARTS = 5
"""The seats have their turn in five groups, one after another: all at once would delay packets."""
TICKS_PER_TRANSPORT_FEEDBACK = 2
TICKS_PER_SPEECH = 8
TICKS_PER_ADAPTATION = 10
TICKS_PER_REPORT = 40
TICKS_PER_QUALITY = 80
COLLECT_AFTER_CONNECTIONS = 100
EMPTY_ROOM_LIFETIME_SECONDS = 600.0
"""How long a room without seats keeps its place and its routes."""
CERTIFICATE_LIFETIME_SECONDS = 7 * 86400.0
"""A certificate is valid for 30 days; connections made with it must end before that."""
RECORDING_STORE_TIMEOUT_SECONDS = 5.0
"""How long the node waits at its end for recordings that are still being stored."""


class MediaRooms:
    """Carries out the web's commands, and reports events to ``tell``. ``run()`` drives the clock
    until it is cancelled.
    """

    def __init__(
        self,
        settings: MediaSettings,
        tell: EventSink,
        impair: Callable[[SeatConnection], None] | None = None,
    ) -> None:
        """``impair`` is for tests: it gets each seat before its browser does, and may impair its
        connection.
        """
        self._impair = impair
        self.is_draining = False
        """No new room is taken. Existing rooms go on, and their seats may reconnect."""
        self.on_lag: Callable[[float], object] = lambda seconds: None
        self._retired: Counter[str] = Counter()
        self._settings = settings
        self._tell = tell
        self._rooms: dict[str, MediaRoom] = {}
        self._one_at_a_time = asyncio.Lock()
        self._certificate: DtlsCertificate = make_dtls_certificate()
        self._certified_at = time.monotonic()
        self._closing: set[asyncio.Task[None]] = set()
        self._gone = 0
        self._store: SegmentStore | None = None
        self._storing: list[RoomRecorder] = []
        """Recorders that have stopped but may still be storing their last segments."""

    @property
    def presences(self) -> tuple[RoomPresence, ...]:
        return tuple(room.presence for room in self._rooms.values())

    @property
    def count(self) -> int:
        return len(self._rooms)

    @property
    def seats(self) -> list[SeatConnection]:
        return [seat for room in self._rooms.values() for seat in room.seats.values()]

    # --- commands ---

    async def offer(self, command: SeatOffer) -> OfferAnswered | CommandRefused:
        room = self._room(command.room)
        if room is None:
            return self._refusal()
        if command.seat not in room.seats and len(room.seats) >= MAX_SEATS_PER_ROOM:
            return CommandRefused(
                error="full",
                message=f"Room {command.room} is full: all {MAX_SEATS_PER_ROOM} seats are taken.",
            )
        if not room.may_offer(command.seat, time.monotonic()):
            return CommandRefused(
                error="busy", message=f"Seat {command.seat} asks for connections too often."
            )
        async with self._one_at_a_time:
            answer = await self._answer(room, command)
            await asyncio.sleep(0)
        return answer

    async def _answer(self, room: MediaRoom, command: SeatOffer) -> OfferAnswered | CommandRefused:
        """Takes some milliseconds without a pause: many at once would delay everybody's packets
        (docs/adr/0025).
        """
        seat = SeatConnection(
            command.room,
            command.seat,
            command.connection,
            self._current_certificate(),
            self._settings.public_addresses,
            (self._settings.first_port, self._settings.last_port),
            self._state_changed,
        )
        try:
            sdp = await seat.answer(command.sdp, command.lines)
        except MalformedSdp as error:
            log.warning(
                "seat %s of room %s offered a malformed description: %s",
                command.seat,
                command.room,
                error,
            )
            return CommandRefused(
                error="malformed_sdp", message=f"The offer cannot be answered: {error}."
            )
        except NoFreePort as error:
            log.error("no port for seat %s of room %s: %s", command.seat, command.room, error)
            return CommandRefused(error="full", message=f"There is {error}.")
        if self._impair is not None:
            self._impair(seat)
        evicted = room.take_seat(seat)
        if evicted is not None:
            self._close_later(evicted)
        room.state_changed(seat, ConnectionState.CONNECTING)
        seat.start()
        return OfferAnswered(sdp=sdp)

    def set_routes(self, command: RoutesSet) -> CommandAnswered | CommandRefused:
        room = self._room(command.room)
        if room is None:
            return self._refusal()
        room.set_routes(command.version, command.routes)
        return CommandAnswered()

    def prefer(self, command: SeatPrefer) -> CommandAnswered:
        room = self._rooms.get(command.room)
        seat = room.seats.get(command.seat) if room else None
        if seat is not None:
            seat.large = command.large
            seat.choose_layers(time.monotonic())
        return CommandAnswered()

    def close_seat(self, command: SeatClose) -> CommandAnswered:
        room = self._rooms.get(command.room)
        seat = room.seats.get(command.seat) if room else None
        if room is not None and seat is not None:
            room.leave_seat(seat)
            self._close_later(seat)
        return CommandAnswered()

    def close_room(self, command: RoomClose) -> CommandAnswered:
        room = self._rooms.pop(command.room, None)
        if room is not None:
            self._stop_recording(room)
        for seat in list(room.seats.values()) if room else ():
            self._close_later(seat)
        return CommandAnswered()

    def set_recording(self, command: RecordingSet) -> CommandAnswered | CommandRefused:
        if not self._settings.storage_url:
            if command.recording is not None:
                self._tell(
                    NodeEvent.RECORDING_STOPPED,
                    RecordingStopped(
                        room=command.room,
                        recording=command.recording,
                        stopped_at=time.time(),
                        end_ms=command.begin_ms,
                        segments=0,
                        broke=True,
                    ),
                )
            return CommandRefused(
                error="full", message="This node has no store: CONSILIUM_STORAGE_URL is not set."
            )
        room = self._rooms.get(command.room) or (
            self._room(command.room) if command.recording else None
        )
        if room is None:
            return self._refusal() if command.recording else CommandAnswered()
        self._store = self._store or SegmentStore(self._settings.storage_url)
        before, loop = room.recorder, asyncio.get_running_loop()

        def stopped(message: RecordingStopped) -> None:  # Called on the recorder's thread.
            loop.call_soon_threadsafe(self._tell, NodeEvent.RECORDING_STOPPED, message)

        room.set_recording(command, self._store, stopped)
        if before is not None and room.recorder is not before:
            self._keep_storing(before)
        return CommandAnswered()

    def stop_recordings(self) -> None:
        """Ends all recordings. The connection to the web is lost, so nobody could stop them."""
        for room in self._rooms.values():
            self._stop_recording(room)

    async def close(self) -> None:
        """Closes every seat. Afterwards no task or socket is left."""
        for room in list(self._rooms.values()):
            self.close_room(RoomClose(command_id="close", room=room.name))
        if self._closing:
            await asyncio.gather(*self._closing, return_exceptions=True)
        for recorder in self._storing:
            await asyncio.to_thread(recorder.join, RECORDING_STORE_TIMEOUT_SECONDS)

    # --- within ---

    def _stop_recording(self, room: MediaRoom) -> None:
        recorder = room.stop_recording(time.monotonic())
        if recorder is not None:
            self._keep_storing(recorder)

    def _keep_storing(self, recorder: RoomRecorder) -> None:
        self._storing = [each for each in self._storing if each.is_storing] + [recorder]

    def _room(self, name: str) -> MediaRoom | None:
        """The room. Creates it if the node may have another; otherwise returns ``None``."""
        room = self._rooms.get(name)
        if room is None:
            self._forget_empty_rooms(time.monotonic())
            if self.is_draining or len(self._rooms) >= self._settings.rooms:
                return None
            room = self._rooms[name] = MediaRoom(name, self._tell)
        return room

    def _refusal(self) -> CommandRefused:
        if self.is_draining:
            return CommandRefused(
                error="draining", message="This node is about to stop and accepts no new rooms."
            )
        return CommandRefused(
            error="full",
            message=f"This node already carries {self._settings.rooms} rooms.",
        )

    def totals(self) -> Counter[str]:
        """Counts since the start, over all seats, past and present."""
        return sum((seat.totals() for seat in self.seats), self._retired.copy())

    def _forget_empty_rooms(self, now: float) -> None:
        for room in list(self._rooms.values()):
            if not room.seats and now - room.empty_since > EMPTY_ROOM_LIFETIME_SECONDS:
                del self._rooms[room.name]

    def _current_certificate(self) -> DtlsCertificate:
        if time.monotonic() - self._certified_at > CERTIFICATE_LIFETIME_SECONDS:
            self._certificate, self._certified_at = make_dtls_certificate(), time.monotonic()
        return self._certificate

    def _state_changed(self, seat: SeatConnection, state: ConnectionState) -> None:
        room = self._rooms.get(seat.room)
        if room is None:
            return
        room.state_changed(seat, state)
        if state is ConnectionState.FAILED and not seat.uplink.heard_at:
            log.warning("seat %s of room %s did not finish connecting", seat.name, seat.room)
        if state in (ConnectionState.FAILED, ConnectionState.CLOSED):
            room.leave_seat(seat)
            self._close_later(seat)

    def _adapt(self, seat: SeatConnection, now: float) -> None:
        room = self._rooms.get(seat.room)
        streams = seat.adapt(now, room.last_speaker if room else None)
        if streams is not None:
            self._tell(NodeEvent.SEAT_STREAMS, streams)

    def _close_later(self, seat: SeatConnection) -> None:
        if seat.is_retired:
            return
        seat.is_retired = True
        self._retired += seat.totals()
        task = asyncio.create_task(seat.close(), name=f"close {seat.name}")
        self._closing.add(task)
        task.add_done_callback(self._is_gone)

    def _is_gone(self, task: asyncio.Task[None]) -> None:
        """The objects of a connection refer to each other, so only the garbage collector frees
        them: it runs after ``COLLECT_AFTER_CONNECTIONS`` of them.
        """
        self._closing.discard(task)
        self._gone += 1
        if self._gone >= COLLECT_AFTER_CONNECTIONS and not self._closing:
            self._gone = 0
            release_memory()

    # --- the clock ---

    async def run(self) -> None:
        """Sends every seat's feedback in time. One clock for the node, instead of a task
        per seat.
        """
        beat = 0
        due = time.monotonic()
        while True:
            due = max(due + TICK_SECONDS / TICK_PARTS, time.monotonic())
            await asyncio.sleep(due - time.monotonic())
            self.on_lag(max(0.0, time.monotonic() - due))
            beat += 1
            try:
                self._tick(beat)
            except Exception:
                log.exception("a tick of the media clock failed")

    def _tick(self, beat: int) -> None:
        """Serves every fifth seat and room. Their rarer tasks are spread over the rounds as
        well.
        """
        now = time.monotonic()
        part, round_number = beat % TICK_PARTS, beat // TICK_PARTS
        seats = self.seats
        for number in range(part, len(seats), TICK_PARTS):
            self._serve(seats[number], round_number + number // TICK_PARTS, now)
        rooms = list(self._rooms.values())
        for number in range(part, len(rooms), TICK_PARTS):
            if (round_number + number // TICK_PARTS) % TICKS_PER_SPEECH == 0:
                rooms[number].notice_speech(now)
        if beat % (TICKS_PER_QUALITY * 10 * TICK_PARTS) == 0:
            self._forget_empty_rooms(now)

    def _serve(self, seat: SeatConnection, turn: int, now: float) -> None:
        if turn % TICKS_PER_REPORT == 0:
            seat.warn(now)
        if not seat.is_connected:
            return
        seat.tick(now)
        if turn % TICKS_PER_TRANSPORT_FEEDBACK == 0:
            seat.send_transport_feedback()
        if turn % TICKS_PER_ADAPTATION == 0:
            self._adapt(seat, now)
        if turn % TICKS_PER_REPORT == 0:
            seat.send_receiver_report(now)
            if seat.is_silent(now):
                seat.lose()
        if turn % TICKS_PER_QUALITY == 0:
            self._tell(NodeEvent.SEAT_QUALITY, seat.quality(now))


def release_memory() -> None:
    """Collects garbage, and makes the C library return free memory to the system. Takes some
    milliseconds.
    """
    gc.collect()
    with contextlib.suppress(AttributeError, OSError):  # Only GNU's C library has it.
        ctypes.CDLL(None).malloc_trim(0)
