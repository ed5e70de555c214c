"""``./consilium bench media``: what a room costs, and how late its packets are.

Rooms of three, each person sending 640x360 VP8 at 30 frames and 0.5 Mbit/s, and Opus. Server and
load run on cores of their own. A row counts only when at least 99.8 % of what was sent within the
window arrived. The yardsticks in the same run are the decoding relay that aiortc's own parts make,
and Debian's janus.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.benchmarks import media_janus

ROOT = Path(__file__).parents[2]
ENOUGH_DELIVERY = 0.998
ENOUGH_DECODED = 0.95
TARGET_CHEAPER = 15.0
TARGET_P99_MS = 5.0
TARGET_ROOMS = 16
TARGET_OF_JANUS = 0.8
FULL_ROOMS = 64
TARGET_FULL_P99_MS = 20.0
TARGET_ROOM_MB = 4.0
COLUMNS = (
    ("rooms", 6),
    ("cores/room", 12),
    ("delivery", 10),
    ("p50 ms", 9),
    ("p99 ms", 9),
    ("max ms", 9),
    ("MB", 7),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="./consilium bench media", description=__doc__)
    parser.add_argument(
        "rooms", nargs="*", type=int, default=[1, 4, 16, 32, 64], help="numbers of rooms to measure"
    )
    parser.add_argument("--seconds", type=float, default=8.0, help="length of each measurement")
    parser.add_argument("--no-relay", action="store_true", help="leave the decoding relay out")
    parser.add_argument("--no-janus", action="store_true", help="leave Janus out")
    chosen = parser.parse_args()
    rows = [] if chosen.no_relay else [measure("decoding", 1, chosen.seconds)]
    absence = "left out by --no-janus" if chosen.no_janus else media_janus.why_not()
    for rooms in chosen.rooms:
        rows.append(measure("node", rooms, chosen.seconds))
        if absence is None:
            rows.append(measure("janus", rooms, chosen.seconds))
    show(rows)
    if absence is not None:
        print(f"janus was not measured: {absence}")
    print(json.dumps(verdict(rows, absence)), flush=True)
    return 0


def measure(server: str, rooms: int, seconds: float) -> dict:
    """One row: a fresh server and a fresh load, each pinned to a core of its own."""
    print(f"measuring {server} with {rooms} rooms of three …", file=sys.stderr, flush=True)
    kind = {"node": "forwarded", "janus": "janus"}.get(server, "encoded")
    with running_janus() if server == "janus" else running(server) as (port, pid):
        empty = memory(pid)
        command = [*on_core(1), sys.executable, "-m", "tests.benchmarks.media_load"]
        load = subprocess.Popen(
            [*command, str(port), str(rooms), str(seconds), kind, str(pid)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        first_in_line(load.pid)
        try:
            said, complaint = load.communicate(timeout=60 + 4 * seconds)
        except subprocess.TimeoutExpired:
            return {
                "server": server,
                "rooms": rooms,
                "valid": False,
                "failure": "the load did not end in time",
            }
        finally:
            load.kill()
        if load.returncode:
            return {"server": server, "rooms": rooms, "valid": False, "failure": complaint[-2000:]}
        row = {"server": server, **json.loads(said.splitlines()[-1]), "memory_mb": memory(pid)}
    row["cpu_per_room"] = row["cpu_cores"] / rooms
    row["memory_per_room_mb"] = (row["memory_mb"] - empty) / rooms
    row["valid"] = row["delivery"] >= (ENOUGH_DECODED if kind == "encoded" else ENOUGH_DELIVERY)
    return row


@contextlib.contextmanager
def running(server: str) -> Iterator[tuple[int, int]]:
    command = [*on_core(0), sys.executable, "-m", "tests.benchmarks.media_servers", server]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    first_in_line(process.pid)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
    finally:
        process.kill()
        process.communicate()  # waits, and closes its output


@contextlib.contextmanager
def running_janus() -> Iterator[tuple[int, int]]:
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        command = [*on_core(0), *media_janus.configure(Path(folder), port)]
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        first_in_line(process.pid)
        try:
            for _ in range(100):
                with (
                    contextlib.suppress(OSError),
                    socket.create_connection(("127.0.0.1", port), 0.2),
                ):
                    break
                time.sleep(0.1)
            yield port, process.pid
        finally:
            process.kill()
            process.wait()


def on_core(number: int) -> list[str]:
    """A command's prefix: a core of its own. taskset replaces itself, so the process id stays the
    server's.
    """
    cores = sorted(os.sched_getaffinity(0))
    if shutil.which("taskset") is None or len(cores) < 2:
        return []
    return ["taskset", "-c", str(cores[number])]


def first_in_line(pid: int) -> None:
    """Lets a measured process go before whatever else this machine does, where that is allowed.

    Otherwise the figures would tell of the neighbours. Both servers are treated alike.
    """
    with contextlib.suppress(OSError):
        os.sched_setscheduler(pid, os.SCHED_RR, os.sched_param(1))


def memory(pid: int) -> float:
    for row in Path(f"/proc/{pid}/status").read_text().splitlines():
        if row.startswith("VmRSS:"):
            return int(row.split()[1]) / 1024
    return 0.0


def show(rows: list[dict]) -> None:
    head = "".join(f"{name:>{width}}" for name, width in COLUMNS)
    print(f"{'server':<10}{head}  counts")
    for row in rows:
        if "failure" in row:
            print(
                f"{row['server']:<10}{row['rooms']:>6}  failed:"
                f" {row['failure'].strip().splitlines()[-1]}"
            )
            continue
        delays = [
            f"{row[name]:9.2f}" if name in row else f"{'-':>9}"
            for name in ("delay_p50_ms", "delay_p99_ms", "delay_max_ms")
        ]
        print(
            f"{row['server']:<10}{row['rooms']:>6}{row['cpu_per_room']:>12.4f}{row['delivery']:>10.4f}{''.join(delays)}{row['memory_mb']:>7.0f}"
            f"  {'yes' if row['valid'] else 'no'}"
        )


def verdict(rows: list[dict], absence: str | None) -> dict:
    """Held against the targets; a target that was not measured is null."""
    by = {(row["server"], row["rooms"]): row for row in rows if row["valid"]}
    node, relay, busy = by.get(("node", 1)), by.get(("decoding", 1)), by.get(("node", TARGET_ROOMS))
    # A relay that lost frames was saturated: it would have needed more, so the comparison is kind
    # to it.
    relay = relay or next(
        (row for row in rows if row["server"] == "decoding" and "cpu_per_room" in row), None
    )
    cheaper = relay["cpu_per_room"] / node["cpu_per_room"] if node and relay else None
    janus, full = by.get(("janus", TARGET_ROOMS)), by.get(("node", FULL_ROOMS))
    of_janus = busy["cpu_per_room"] / janus["cpu_per_room"] if busy and janus else None
    return {
        "bench": "media",
        "rows": rows,
        "janus_absent": absence,
        "times_cheaper_than_decoding_at_one_room": cheaper,
        "p99_ms_at_16_rooms": busy["delay_p99_ms"] if busy else None,
        "share_of_janus_at_16_rooms": of_janus,
        "p99_ms_at_64_rooms": full["delay_p99_ms"] if full else None,
        "memory_per_room_mb": busy["memory_per_room_mb"] if busy else None,
        "reached": {
            "times_cheaper": None if cheaper is None else cheaper >= TARGET_CHEAPER,
            "p99": None if busy is None else busy["delay_p99_ms"] < TARGET_P99_MS,
            "share_of_janus": None if of_janus is None else of_janus <= TARGET_OF_JANUS,
            "p99_full": None if full is None else full["delay_p99_ms"] < TARGET_FULL_P99_MS,
            "memory": None if busy is None else busy["memory_per_room_mb"] < TARGET_ROOM_MB,
        },
    }


if __name__ == "__main__":
    sys.exit(main())
