"""A node's metrics in Prometheus' format: ``GET /metrics`` on a loopback port."""

from __future__ import annotations

import asyncio
import struct
from collections import Counter as Tally
from collections.abc import Iterable
from time import monotonic

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from app.media.forwarding.drops import DROPPED_PACKETS
from app.media.rooms import MediaRooms

LOOPBACK_ADDRESS = "127.0.0.1"
QUEUE_PROBE_INTERVAL_SECONDS = 0.25
DELAY_BUCKETS_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.010, 0.020, 0.050, 0.100, 0.250, 1.0)
COUNTER_DESCRIPTIONS = {
    "packets_in": "RTP packets taken from browsers",
    "packets_out": "RTP packets sent to browsers",
    "nacks_sent": "Packets requested again from publishers",
    "nacks_received": "Packets that receivers requested again",
    "plis_sent": "Key frames requested from publishers",
    "plis_received": "Key frames that receivers requested",
}


class NodeMetrics:
    """Reads the rooms at each request. ``serve()`` runs until it is cancelled; ``port`` 0 takes any
    free port.
    """

    def __init__(self, rooms: MediaRooms, capacity: int) -> None:
        self.port = 0
        self._registry = CollectorRegistry()
        self._registry.register(_RoomsCollector(rooms, capacity))
        self._queue = Histogram(
            "consilium_media_queue_delay_seconds",
            "Time from a datagram's arrival to its handling",
            buckets=DELAY_BUCKETS_SECONDS,
            registry=self._registry,
        )
        lag = Histogram(
            "consilium_media_loop_lag_seconds",
            "How late the media clock ticks",
            buckets=DELAY_BUCKETS_SECONDS,
            registry=self._registry,
        )
        rooms.on_lag = lag.observe

    def text(self) -> bytes:
        return generate_latest(self._registry)

    async def serve(self, port: int) -> None:
        application = web.Application()
        application.router.add_get("/metrics", self._answer)
        runner = web.AppRunner(application, access_log=None)
        await runner.setup()
        try:
            await web.TCPSite(runner, LOOPBACK_ADDRESS, port).start()
            self.port = runner.addresses[0][1]
            await self._measure_queue()
        finally:
            await runner.cleanup()

    async def _answer(self, request: web.Request) -> web.Response:
        return web.Response(body=self.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    async def _measure_queue(self) -> None:
        """Sends datagrams to itself: they wait as long as those of browsers do."""
        queue = self._queue

        class Echo(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                if len(data) == 8:
                    queue.observe(max(0.0, monotonic() - struct.unpack("d", data)[0]))

        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Echo, local_addr=(LOOPBACK_ADDRESS, 0))
        try:
            address = transport.get_extra_info("sockname")
            while True:
                transport.sendto(struct.pack("d", monotonic()), address)
                await asyncio.sleep(QUEUE_PROBE_INTERVAL_SECONDS)
        finally:
            transport.close()


class _RoomsCollector(Collector):
    def __init__(self, rooms: MediaRooms, capacity: int) -> None:
        self._rooms = rooms
        self._capacity = capacity

    def collect(self) -> Iterable[Metric]:
        rooms = self._rooms
        yield GaugeMetricFamily("consilium_media_rooms", "Rooms on this node", rooms.count)
        yield GaugeMetricFamily(
            "consilium_media_rooms_capacity", "Rooms that this node can carry", self._capacity
        )
        yield GaugeMetricFamily(
            "consilium_media_draining", "Whether this node takes no new rooms", rooms.is_draining
        )
        seats = GaugeMetricFamily("consilium_media_seats", "Connections in seats", labels=["state"])
        for state, count in Tally(seat.state.value for seat in rooms.seats).items():
            seats.add_metric([state], count)
        yield seats
        totals = rooms.totals()
        for name, what in COUNTER_DESCRIPTIONS.items():
            yield CounterMetricFamily(f"consilium_media_{name}", what, totals[name])
        dropped = CounterMetricFamily(
            "consilium_media_drops", "Packets that were not forwarded", labels=["reason"]
        )
        for reason, count in DROPPED_PACKETS.items():
            dropped.add_metric([reason], count)
        yield dropped
