"""Several nodes on one machine: shared ports, draining, and what each says of itself to
Prometheus.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from pathlib import Path

import aiohttp
import aioice.ice
import pytest

from app.media.messages import CommandRefused, MediaSections, NodeCommand, OfferAnswered, SeatOffer
from app.media.metrics import NodeMetrics
from app.media.rooms import MediaRooms
from app.media.settings import MediaSettingInvalid, MediaSettings
from tests.media.client import Client, run, until
from tests.media.forwarding.test_seats import SETTINGS, a_node, people, route
from tests.media.test_node import SECRET, Web

ROOT = Path(__file__).parents[2]
OFFER = (Path(__file__).parent / "offers/chromium.sdp").read_text()


@pytest.fixture(autouse=True)
def _clients_use_loopback(monkeypatch):
    monkeypatch.setattr(aioice.ice, "get_host_addresses", lambda use_ipv4, use_ipv6: ["127.0.0.1"])


@contextlib.asynccontextmanager
async def a_node_process(web: Web, name: str, **settings: str):
    environment = os.environ | {
        "CONSILIUM_SECRET_KEY": SECRET,
        "CONSILIUM_WEB_URL": f"http://127.0.0.1:{web.port}",
        "CONSILIUM_NODE_ID": name,
        **{f"CONSILIUM_{key}": value for key, value in settings.items()},
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "app.media", env=environment, cwd=ROOT
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


class Through:
    """Offers of a client carried by the web to whichever node connected last."""

    def __init__(self, web: Web, sid: str) -> None:
        self._web, self._sid = web, sid

    async def offer(self, command: SeatOffer) -> OfferAnswered | CommandRefused:
        answer = await self._web.server.call(
            NodeCommand.SEAT_OFFER.value,
            command.model_dump(mode="json"),
            to=self._sid,
            namespace="/node",
            timeout=5,
        )
        return OfferAnswered(**answer) if "sdp" in answer else CommandRefused(**answer)


def test_two_nodes_share_a_range_of_ports_without_collision_and_refuse_when_it_is_used_up():
    async def story():
        settings = MediaSettings(secret_key="x", first_port=47000, last_port=47007)
        one, other = (MediaRooms(settings, lambda event, message: None) for _ in range(2))
        ports, refused = [], []
        for number in range(10):
            command = SeatOffer(
                command_id=str(number),
                room="r",
                seat=f"s{number // 2}",
                connection=str(number),
                sdp=OFFER,
                lines=MediaSections(mic="0"),
            )
            answer = await (one, other)[number % 2].offer(command)
            if isinstance(answer, CommandRefused):
                refused.append(answer.error)
            else:
                ports += {
                    row.split()[5]
                    for row in answer.sdp.splitlines()
                    if row.startswith("a=candidate:")
                }
        assert len(ports) == len(set(ports)) == 8
        assert refused == ["full", "full"]
        await one.close()
        await other.close()

    run(story())


def test_a_draining_node_takes_no_new_room_and_lets_the_call_finish():
    async def story():
        async with Web() as web, a_node_process(web, "n1", MEDIA_DRAIN_SECONDS="60") as node:
            await until(lambda: web.hellos(), 20)
            ana = Client("r", "ana")
            await ana.join(Through(web, web.sids[-1]))
            node.send_signal(signal.SIGTERM)
            await until(lambda: web.hellos()[-1]["capacity"] == 0)
            other = Client("q", "ben")
            with pytest.raises(AssertionError, match="draining"):
                await other.join(Through(web, web.sids[-1]))
            again = Client("r", "ana")
            await again.join(Through(web, web.sids[-1]))
            assert node.returncode is None
            for client in (ana, again, other):
                await client.leave()
            await asyncio.wait_for(node.wait(), 20)
            assert node.returncode == 0

    run(story())


def test_draining_has_a_limit_in_time_and_an_empty_node_goes_at_once():
    async def story():
        async with Web() as web, a_node_process(web, "busy", MEDIA_DRAIN_SECONDS="2") as node:
            await until(lambda: web.hellos(), 20)
            ana = Client("r", "ana")
            await ana.join(Through(web, web.sids[-1]))
            node.send_signal(signal.SIGTERM)
            await asyncio.wait_for(node.wait(), 15)
            await ana.leave()
        async with Web() as web, a_node_process(web, "idle", MEDIA_DRAIN_SECONDS="60") as node:
            await until(lambda: web.hellos(), 20)
            node.send_signal(signal.SIGTERM)
            await asyncio.wait_for(node.wait(), 10)
            assert node.returncode == 0

    run(story())


def test_a_node_tells_prometheus_what_it_carries():
    async def story():
        async with a_node() as (rooms, _):
            metrics = NodeMetrics(rooms, SETTINGS.rooms)
            serving = asyncio.create_task(metrics.serve(0))
            route(rooms, "ana", "ben")
            async with people(rooms, "ana", "ben") as (ana, _):
                await until(lambda: ana.frames["video0"] > 5)
                rooms.seats[0].uplink.take(b"\x80")
                await asyncio.sleep(0.6)
                async with (
                    aiohttp.ClientSession() as session,
                    session.get(f"http://127.0.0.1:{metrics.port}/metrics") as answer,
                ):
                    text = await answer.text()
            rows = [row.rpartition(" ") for row in text.splitlines() if row[0] != "#"]
            value = {name: float(number) for name, _, number in rows}
            assert value["consilium_media_rooms"] == 1
            assert value["consilium_media_rooms_capacity"] == 2
            assert value['consilium_media_seats{state="connected"}'] == 2
            assert value["consilium_media_packets_in_total"] > 20
            assert value["consilium_media_packets_out_total"] > 20
            assert value["consilium_media_plis_sent_total"] >= 1
            assert value['consilium_media_drops_total{reason="short"}'] >= 1
            assert value["consilium_media_loop_lag_seconds_count"] > 10
            assert value["consilium_media_queue_delay_seconds_count"] >= 1
            for name in ("nacks_sent", "nacks_received", "plis_received"):
                assert f"consilium_media_{name}_total" in value
            before = rooms.totals()["packets_in"]
            await asyncio.sleep(0.3)
            assert rooms.totals()["packets_in"] >= before
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)

    run(story())


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("MEDIA_METRICS_PORT", "80"),
        ("MEDIA_METRICS_PORT", "x"),
        ("MEDIA_DRAIN_SECONDS", "0"),
        ("MEDIA_ROOMS", "-1"),
    ],
)
def test_a_wrong_setting_stops_the_start_with_a_sentence(name, wrong):
    with pytest.raises(MediaSettingInvalid, match=f"CONSILIUM_{name}"):
        MediaSettings.from_environment({"CONSILIUM_SECRET_KEY": "x", f"CONSILIUM_{name}": wrong})
