"""``./consilium bench media_join``: from the wish to join to the first picture, while thirty rooms
are running.

A visitor makes an offer, connects (ICE, DTLS) and waits until every packet of a key frame is there;
whoever publishes sends one when asked, at its next frame, as a browser does. The rooms that run are
those of ``bench media``. Server on one core; load and visitors share the other.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import struct
import subprocess
import sys
import time

import aiohttp
import aioice.ice
from aiortc import RTCCertificate

from app.media.wire import rtp
from app.media.wire.rtcp import KeyFrameRequest, read_rtcp
from tests.benchmarks import media
from tests.benchmarks.media_clip import FRAMES_A_SECOND, Clip, make_clip
from tests.benchmarks.media_seat import SEATS, Line, Seat

ROOMS, JOINS = 30, 40
TARGET_MS = 500.0
PATIENCE = 5.0
FIRST_NUMBER = 100_000
"""Of the visitors' seats: no seat of the load has so high a one."""


def payload_range(packet: bytearray | bytes, length: int) -> tuple[int, int] | None:
    """Start and end of the payload, without extensions and padding."""
    first = packet[0]
    start = 12 + (first & 15) * 4
    end = length
    if first & 0x20:
        end -= packet[length - 1]
    if first & 0x10:
        if start + 4 > end:
            return None
        start += 4 + ((packet[start + 2] << 8) | packet[start + 3]) * 4
    return (start, end) if start <= end else None


class Visitor(Seat):
    """A seat that lives on the event loop: publishes and answers requests for key frames, or waits
    for one.
    """

    def __init__(self, number: int, room: str, clip: Clip) -> None:
        super().__init__(number, room, clip, is_marked=False)
        self.seen = asyncio.Event()
        self._pieces: dict[int, tuple[int, bool, bool]] = {}
        """Sequence of a video packet to timestamp, whether a key frame begins, whether a picture
        ends.
        """

    async def enter(
        self, session: aiohttp.ClientSession, url: str, certificate: RTCCertificate
    ) -> None:
        line = self.up = self.down = Line(is_controlling=True)
        sdp = self.offer(await line.describe(certificate), 2 + 2 * (SEATS - 1))
        line._dtls._handle_rtp_data, line._dtls._handle_rtcp_data = self._take, self._take_feedback
        slots = [{"audio": str(2 + n * 2), "video": str(3 + n * 2)} for n in range(SEATS - 1)]
        lines = {"mic": "0", "camera": "1", "slots": slots}
        body = {"room": self.room, "seat": str(self.number), "sdp": sdp, "lines": lines}
        async with session.post(f"{url}/offer", json=body) as response:
            await line.connect((await response.json())["sdp"])

    async def leave(self, session: aiohttp.ClientSession, url: str) -> None:
        async with session.post(f"{url}/leave", json={"room": self.room, "seat": str(self.number)}):
            await self.up.close()

    async def publish(self) -> None:
        """Until cancelled."""
        due = time.monotonic()
        while True:
            self.send_frame()
            due += 1 / FRAMES_A_SECOND
            await asyncio.sleep(due - time.monotonic())

    async def _take_feedback(self, data: bytes) -> None:
        if any(isinstance(each, KeyFrameRequest) for each in read_rtcp(data)):
            self.place = 0

    async def _take(self, packet: bytes, arrival_time_ms: int) -> None:
        span = payload_range(packet, len(packet))
        if span is None or packet[1] & 127 != 96:
            return
        sequence, timestamp = struct.unpack_from("!HI", packet, 2)
        begins = rtp.is_vp8_key_frame(packet[span[0] : span[1]])
        self._pieces[sequence] = timestamp, begins, bool(packet[1] & 0x80)
        if any(self._is_whole(first) for first, (_, begins, _) in self._pieces.items() if begins):
            self.seen.set()

    def _is_whole(self, sequence: int) -> bool:
        stamp = self._pieces[sequence][0]
        while (piece := self._pieces.get(sequence)) is not None and piece[0] == stamp:
            if piece[2]:
                return True
            sequence = (sequence + 1) & 0xFFFF
        return False


async def visit(
    session: aiohttp.ClientSession, url: str, visitor: Visitor, certificate: RTCCertificate
) -> float | None:
    """Seconds to the first picture; ``None`` if there was none. The visitor stays."""
    begun = time.monotonic()
    try:
        async with asyncio.timeout(PATIENCE):
            await visitor.enter(session, url, certificate)
            await visitor.seen.wait()
    except (TimeoutError, ConnectionError, AssertionError):
        return None
    return time.monotonic() - begun


async def visit_often(port: int, joins: int) -> list[float | None]:
    """One after another: somebody publishes in a room, somebody else joins it, both leave."""
    clip, certificate, url = (
        make_clip(),
        RTCCertificate.generateCertificate(),
        f"http://127.0.0.1:{port}",
    )
    took: list[float | None] = []
    async with aiohttp.ClientSession() as session:
        for number in range(FIRST_NUMBER, FIRST_NUMBER + 2 * joins, 2):
            host, guest = (Visitor(each, f"visited{number}", clip) for each in (number, number + 1))
            await host.enter(session, url, certificate)
            publishing = asyncio.create_task(host.publish())
            await asyncio.sleep(0.2)
            took.append(await visit(session, url, guest, certificate))
            publishing.cancel()
            for each in (guest, host):
                await each.leave(session, url)
    return took


def measure(rooms: int, joins: int) -> dict:
    with media.running("node") as (port, pid):
        load = subprocess.Popen(
            [
                *media.on_core(1),
                sys.executable,
                "-m",
                "tests.benchmarks.media_load",
                str(port),
                str(rooms),
                str(10 + 2 * joins),
                "forwarded",
                str(pid),
            ],
            cwd=media.ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        media.first_in_line(load.pid)
        try:
            assert load.stdout is not None and load.stdout.readline().strip() == "playing"
            time.sleep(2)
            command = [
                sys.executable,
                "-m",
                "tests.benchmarks.media_join",
                "--visit",
                str(port),
                "--joins",
                str(joins),
            ]
            visits = subprocess.Popen(
                [*media.on_core(1), *command], cwd=media.ROOT, stdout=subprocess.PIPE, text=True
            )
            media.first_in_line(visits.pid)
            said, _ = visits.communicate(timeout=60 + 6 * joins)
            alive = load.poll() is None
        finally:
            load.kill()
            load.wait()
    took = json.loads(said.splitlines()[-1])
    seen = sorted(each * 1000 for each in took if each is not None)
    return {
        "rooms_running": rooms,
        "joins": joins,
        "without_picture": took.count(None),
        "load_ran_on": alive,
        "join_p50_ms": seen[len(seen) // 2] if seen else None,
        "join_p95_ms": seen[int(len(seen) * 0.95)] if seen else None,
        "join_max_ms": seen[-1] if seen else None,
    }


def main() -> int:
    parser = argparse.ArgumentParser(prog="./consilium bench media_join", description=__doc__)
    parser.add_argument("--rooms", type=int, default=ROOMS, help="rooms that run meanwhile")
    parser.add_argument("--joins", type=int, default=JOINS)
    parser.add_argument("--visit", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.visit:
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
        print(json.dumps(asyncio.run(visit_often(chosen.visit, chosen.joins))), flush=True)
        os._exit(0)
    found = measure(chosen.rooms, chosen.joins)
    reached = not found["without_picture"] and found["join_p95_ms"] < TARGET_MS
    print(json.dumps({"bench": "media_join", **found, "reached": reached}), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
