"""The node's connection to the web: a Socket.IO client that takes commands and emits events."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

import socketio
from pydantic import BaseModel, ValidationError
from socketio.exceptions import SocketIOError

from app.media.messages import (
    COMMAND_MESSAGES,
    NODE_HEARTBEAT_INTERVAL_SECONDS,
    NODE_NAMESPACE,
    CommandAnswered,
    CommandRefused,
    NodeAuth,
    NodeCommand,
    NodeEvent,
    NodeHeartbeat,
    NodeHello,
    RoomClose,
    RoutesSet,
    SeatClose,
    SeatOffer,
    SeatPrefer,
    derive_node_secret,
)
from app.media.messages_recording import RecordingSet
from app.media.metrics import NodeMetrics
from app.media.rooms import MediaRooms
from app.media.settings import MediaSettings

log = logging.getLogger("media.node")

MAX_REMEMBERED_ANSWERS = 500
MAX_WAITING_EVENTS = 500
MIN_RECONNECT_WAIT_SECONDS, MAX_RECONNECT_WAIT_SECONDS = 0.2, 3.0
DISCONNECT_TIMEOUT_SECONDS = 1.0
WEB_GONE_TIMEOUT_SECONDS = 2.0
"""While draining: without the web for this long, nobody can reconnect any more."""
SEAT_RETURN_SECONDS = 3.0
"""While draining: how long an empty node waits for people who are reconnecting."""
DRAIN_POLL_INTERVAL_SECONDS = 0.1


class MediaNodeClient:
    """``run()`` keeps connecting to the web; the rooms go on while the web is away."""

    def __init__(self, settings: MediaSettings) -> None:
        self._settings = settings
        self._events: asyncio.Queue[tuple[NodeEvent, BaseModel]] = asyncio.Queue(MAX_WAITING_EVENTS)
        self.rooms = MediaRooms(settings, self._tell)
        self._answers: OrderedDict[str, asyncio.Future[dict[str, object]]] = OrderedDict()
        self._web = self._make_client()
        self._metrics = NodeMetrics(self.rooms, settings.rooms)
        self._web_seen = time.monotonic()
        self._cpu_before = time.process_time()
        self._cpu_measured = time.monotonic()

    async def run(self) -> None:
        """Runs until it is cancelled, and leaves nothing open."""
        tasks = [
            asyncio.create_task(self.rooms.run(), name="media clock"),
            asyncio.create_task(self._send_events(), name="events"),
            asyncio.create_task(self._beat(), name="heartbeat"),
        ]
        if self._settings.metrics_port is not None:
            tasks.append(
                asyncio.create_task(
                    self._serve_metrics(self._settings.metrics_port), name="metrics"
                )
            )
        try:
            await self._stay_connected()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.rooms.close()
            await self._hang_up()

    async def drain(self) -> None:
        """Takes no new room, and returns when the last call is over.

        Returns earlier when ``drain_seconds`` have passed, or when the web is gone: nobody could
        reconnect then.
        """
        self.rooms.is_draining = True
        log.info("draining: %d seats in %d rooms", len(self.rooms.seats), self.rooms.count)
        if self._web.connected:
            await self._say_hello()
        begun = occupied = time.monotonic()
        while (now := time.monotonic()) - begun < self._settings.drain_seconds:
            if self.rooms.seats:
                occupied = now
            elif now - occupied >= (SEAT_RETURN_SECONDS if occupied > begun else 0):
                log.info("drained: no calls are left")
                return
            if self._web.connected:
                self._web_seen = now
            elif now - max(begun, self._web_seen) > WEB_GONE_TIMEOUT_SECONDS:
                log.warning("draining ends early: the web process is gone")
                return
            await asyncio.sleep(DRAIN_POLL_INTERVAL_SECONDS)
        log.warning(
            "draining ends: %d seats have had their %d s",
            len(self.rooms.seats),
            self._settings.drain_seconds,
        )

    async def _serve_metrics(self, port: int) -> None:
        try:
            await self._metrics.serve(port)
        except OSError as error:
            log.error("no metrics: port %d on the loopback address is taken (%s)", port, error)

    # --- the connection to the web ---

    def _make_client(self) -> socketio.AsyncClient:
        client = socketio.AsyncClient(
            reconnection=False, logger=False, engineio_logger=False, handle_sigint=False
        )
        for command in NodeCommand:
            client.on(command.value, self._handler(command), namespace=NODE_NAMESPACE)
        # At once: ``wait()`` returns only a second after the connection was lost.
        client.on(
            "disconnect", lambda reason: self.rooms.stop_recordings(), namespace=NODE_NAMESPACE
        )
        return client

    def _handler(self, command: NodeCommand) -> Callable[[object], Awaitable[dict[str, object]]]:
        async def handle(message: object = None) -> dict[str, object]:
            return await self.answer(command, message)

        return handle

    async def _stay_connected(self) -> None:
        wait = MIN_RECONNECT_WAIT_SECONDS
        # The first connection is routine: nothing is logged after the ready line of a start.
        log_connected = log.debug
        while True:
            # A new client each time: one that lost its server does not always return to the state
            # "disconnected".
            self._web = self._make_client()
            try:
                auth = NodeAuth(
                    node=self._settings.node_id,
                    secret=derive_node_secret(self._settings.secret_key),
                )
                await self._web.connect(
                    self._settings.web_url,
                    auth=auth.model_dump(),
                    namespaces=[NODE_NAMESPACE],
                    transports=["websocket"],
                )
                log_connected(
                    "connected to the web at %s as %s",
                    self._settings.web_url,
                    self._settings.node_id,
                )
                log_connected = log.info
                wait = MIN_RECONNECT_WAIT_SECONDS
                await self._say_hello()
                await self._web.wait()
                log.warning("the web process is gone; %d rooms continue", self.rooms.count)
            except (SocketIOError, OSError) as error:
                log.info(
                    "the web process does not answer at %s (%s)", self._settings.web_url, error
                )
            except Exception:
                log.exception("the connection to the web failed")
            await self._hang_up()
            await asyncio.sleep(wait * random.uniform(0.7, 1.3))
            wait = min(MAX_RECONNECT_WAIT_SECONDS, wait * 2)

    async def _hang_up(self) -> None:
        try:
            async with asyncio.timeout(DISCONNECT_TIMEOUT_SECONDS):
                await self._web.disconnect()
        except Exception:
            log.debug("the old connection to the web could not be closed", exc_info=True)

    async def _say_hello(self) -> None:
        capacity = 0 if self.rooms.is_draining else self._settings.rooms
        hello = NodeHello(
            node=self._settings.node_id, capacity=capacity, rooms=self.rooms.presences
        )
        await self._emit(NodeEvent.HELLO, hello)

    async def _emit(self, event: NodeEvent, message: BaseModel) -> None:
        try:
            await self._web.emit(
                event.value, message.model_dump(mode="json"), namespace=NODE_NAMESPACE
            )
        except SocketIOError:
            log.debug("%s is not sent: the web process is away", event)

    def _tell(self, event: NodeEvent, message: BaseModel) -> None:
        """Queues the event. While the web is away, events are dropped: after the next connect,
        ``NodeHello`` reports the current state.
        """
        if not self._web.connected:
            return
        try:
            self._events.put_nowait((event, message))
        except asyncio.QueueFull:
            log.warning("%s is dropped: the web process accepts no events", event)

    async def _send_events(self) -> None:
        while True:
            await self._emit(*await self._events.get())

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(NODE_HEARTBEAT_INTERVAL_SECONDS)
            if self._web.connected:
                heartbeat = NodeHeartbeat(
                    node=self._settings.node_id,
                    rooms=self.rooms.count,
                    seats=len(self.rooms.seats),
                    load=self._load(),
                )
                await self._emit(NodeEvent.HEARTBEAT, heartbeat)

    def _load(self) -> float:
        cpu, now = time.process_time(), time.monotonic()
        load = (cpu - self._cpu_before) / max(0.001, now - self._cpu_measured)
        self._cpu_before, self._cpu_measured = cpu, now
        return round(min(1.0, load), 3)

    # --- commands ---

    async def answer(self, command: NodeCommand, message: object) -> dict[str, object]:
        """Carries out a command and returns the answer. A ``command_id`` that comes again gets the
        first answer again.
        """
        try:
            parsed = COMMAND_MESSAGES[command].model_validate(message)
        except ValidationError as error:
            log.warning("%s is malformed: %d faults", command, error.error_count())
            return CommandRefused(error="invalid", message=f"{command} is malformed.").model_dump()
        known = self._answers.get(parsed.command_id)
        if known is None:
            known = self._answers[parsed.command_id] = asyncio.ensure_future(
                self._carry_out(parsed)
            )
            while len(self._answers) > MAX_REMEMBERED_ANSWERS:
                self._answers.popitem(last=False)
        return await asyncio.shield(known)

    async def _carry_out(self, command: BaseModel) -> dict[str, object]:
        try:
            match command:
                case SeatOffer():
                    answer: BaseModel = await self.rooms.offer(command)
                case RoutesSet():
                    answer = self.rooms.set_routes(command)
                case SeatPrefer():
                    answer = self.rooms.prefer(command)
                case SeatClose():
                    answer = self.rooms.close_seat(command)
                case RoomClose():
                    answer = self.rooms.close_room(command)
                case RecordingSet():
                    answer = self.rooms.set_recording(command)
                case _:
                    answer = CommandAnswered()
        except Exception:
            log.exception("a command failed")
            answer = CommandRefused(
                error="failed", message="The media node could not carry out the command."
            )
        return answer.model_dump(mode="json")
