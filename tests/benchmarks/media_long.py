"""``./consilium bench media_long``: eight rooms for ten minutes, and people who come and go all the
while.

The eight rooms of three lose nothing to speak of, the node's memory does not grow once its caches
are full, and when everybody has left neither a task nor a file is open that was not before.
``--minutes 0.5`` for a look.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
import urllib.request

import aiohttp
import aioice.ice
from aiortc import RTCCertificate

from tests.benchmarks import media
from tests.benchmarks.media_clip import make_clip
from tests.benchmarks.media_join import FIRST_NUMBER, Visitor, visit

ROOMS = 8
SETTLE = 5.0
WARM_UP = 60.0
TARGET_LOSS = 0.001
TARGET_GROWTH_MB = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(prog="./consilium bench media_long", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--rooms", type=int, default=ROOMS)
    parser.add_argument("--visit", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.visit:
        aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
        print(json.dumps(asyncio.run(come_and_go(chosen.visit, chosen.minutes * 60))), flush=True)
        os._exit(0)
    print(
        json.dumps({"bench": "media_long", **measure(chosen.rooms, chosen.minutes * 60)}),
        flush=True,
    )
    return 0


async def come_and_go(port: int, seconds: float) -> dict[str, int]:
    """Pairs that meet in a room of their own, one of them twice, and part again. How many did, how
    many in vain.
    """
    clip, certificate, url = (
        make_clip(),
        RTCCertificate.generateCertificate(),
        f"http://127.0.0.1:{port}",
    )
    end, number, joins, in_vain = time.monotonic() + seconds, FIRST_NUMBER, 0, 0
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < end:
            room, number = f"visited{number}", number + 3
            host, guest, again = (Visitor(number + each, room, clip) for each in range(3))
            again.number = guest.number  # a second connection takes the seat over
            await host.enter(session, url, certificate)
            publishing = asyncio.create_task(host.publish())
            for each in (guest, again):
                in_vain += await visit(session, url, each, certificate) is None
                await asyncio.sleep(1)
            publishing.cancel()
            for each in (again, host):
                await each.leave(session, url)
            await guest.up.close()
            joins += 3
    return {"joins": joins, "joins_in_vain": in_vain}


def left_open(port: int) -> dict[str, int]:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/left-open", timeout=10) as response:  # noqa: S310
        return json.loads(response.read())


def measure(rooms: int, seconds: float) -> dict:
    with media.running("node") as (port, pid):
        before = left_open(port)
        load = child(1, "tests.benchmarks.media_load", port, rooms, seconds, "forwarded", pid)
        visitors = None
        try:
            assert load.stdout is not None and load.stdout.readline().strip() == "playing"
            visitors = child(
                1, "tests.benchmarks.media_long", "--visit", port, "--minutes", seconds / 60
            )
            memory = []
            while load.poll() is None and len(memory) < seconds:
                memory.append(media.memory(pid))
                time.sleep(1)
            said, _ = load.communicate(timeout=120)
            visited, _ = visitors.communicate(timeout=60)
            close_rooms(port, rooms)
            time.sleep(SETTLE)
            after = left_open(port)
        finally:
            for process in (load, visitors):
                if process is not None:
                    process.kill()
                    process.communicate()  # waits, and closes its output
    row = json.loads(said.splitlines()[-1])
    warm = memory[min(int(WARM_UP), len(memory) // 3) :]
    found = {
        "rooms": rooms,
        "seconds": seconds,
        "loss": 1 - row["delivery"],
        "delay_p99_ms": row["delay_p99_ms"],
        "cpu_per_room": row["cpu_cores"] / rooms,
        **json.loads(visited.splitlines()[-1]),
        "memory_warm_mb": warm[0],
        "memory_end_mb": warm[-1],
        "memory_peak_mb": max(warm),
        "tasks_before": before["tasks"],
        "tasks_after": after["tasks"],
        "files_before": before["files"],
        "files_after": after["files"],
    }
    found["reached"] = {
        "loss": found["loss"] < TARGET_LOSS,
        "memory": found["memory_end_mb"] - found["memory_warm_mb"] < TARGET_GROWTH_MB,
        "joins": not found["joins_in_vain"],
        "tasks": found["tasks_after"] <= found["tasks_before"],
        "files": found["files_after"] <= found["files_before"],
    }
    return found


def child(core: int, module: str, *arguments: object) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [*media.on_core(core), sys.executable, "-m", module, *map(str, arguments)],
        cwd=media.ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    media.first_in_line(process.pid)
    return process


def close_rooms(port: int, rooms: int) -> None:
    """The load ended without a word to anybody: its seats are closed as the web would."""
    for seat in range(rooms * 3):
        body = json.dumps({"room": f"room{seat // 3}", "seat": str(seat)}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://127.0.0.1:{port}/leave", body, headers)  # noqa: S310
        urllib.request.urlopen(request, timeout=10).close()  # noqa: S310


if __name__ == "__main__":
    sys.exit(main())
