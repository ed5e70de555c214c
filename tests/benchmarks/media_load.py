"""The load: real handshakes by aiortc, then pre-encoded packets from one tight loop that also
receives.

``python -m tests.benchmarks.media_load PORT ROOMS SECONDS forwarded|encoded|janus`` prints one JSON
object. Delays are from just before the send to the kernel's own receive time, so the load's own lag
does not enter them.
"""

from __future__ import annotations

import asyncio
import heapq
import json
import os
import select
import sys
import time
from pathlib import Path

import aiohttp
import aioice.ice
from aiortc import RTCCertificate

from tests.benchmarks.media_clip import FRAMES_A_SECOND, OPUS_SECONDS, make_clip
from tests.benchmarks.media_seat import SEATS, Seat

WARM_UP = 3.5
DRAIN = 0.7


def cpu_seconds(pid: int) -> float:
    """CPU time of all threads of a process, by the scheduler's own account."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total / 1e9


def play(seats: list[Seat], seconds: float, server: int) -> tuple[float, float, float]:
    """Runs the load; returns the window of measurement and the server's CPU seconds in it."""
    poll = select.epoll()
    by_descriptor = {
        line.socket.fileno(): (seat, line) for seat in seats for line in {seat.up, seat.down}
    }
    for descriptor in by_descriptor:
        poll.register(descriptor, select.EPOLLIN)
    print("playing", flush=True)
    start = time.perf_counter() + 0.05
    due = []
    for number, seat in enumerate(seats):
        phase = number / len(seats)
        heapq.heappush(due, (start + phase * OPUS_SECONDS, number, 0, seat))
        heapq.heappush(due, (start + phase / FRAMES_A_SECOND, number, 1, seat))
        heapq.heappush(due, (start + phase, number, 2, seat))
    opened, closed = start + WARM_UP, start + WARM_UP + seconds
    window = cpu = 0.0
    while True:
        now = time.perf_counter()
        if now >= opened and not window:
            window, cpu = time.time(), cpu_seconds(server)
        if now >= closed:
            break
        while due and due[0][0] <= now:
            at, number, kind, seat = heapq.heappop(due)
            (seat.send_voice, seat.send_frame, seat.send_reports)[kind]()
            heapq.heappush(
                due, (at + (OPUS_SECONDS, 1 / FRAMES_A_SECOND, 1.0)[kind], number, kind, seat)
            )
        for descriptor, _ in poll.poll(max(0.0, min(0.001, due[0][0] - time.perf_counter()))):
            seat, line = by_descriptor[descriptor]
            seat.drain(line)
    used, ended = cpu_seconds(server) - cpu, time.time()
    drained = time.perf_counter() + DRAIN
    while time.perf_counter() < drained:
        for descriptor, _ in poll.poll(0.01):
            seat, line = by_descriptor[descriptor]
            seat.drain(line)
    return window, ended, used


def judge_forwarded(seats: list[Seat], window: float, ended: float) -> dict[str, float]:
    """Of every packet sent within the window, how many reached both listeners, and how late."""
    expected = delivered = 0
    delays: list[float] = []
    by_room: dict[str, list[Seat]] = {}
    for seat in seats:
        by_room.setdefault(seat.room, []).append(seat)
    for seat in seats:
        for stream in seat.streams:
            counts = [n for n, at in enumerate(stream.sent_at) if window <= at < ended]
            for other in by_room[seat.room]:
                if other is seat:
                    continue
                got = [
                    each
                    for each in other.received.values()
                    if (each.publisher, each.kind) == (seat.number, stream.kind)
                ]
                arrived = got[0].arrived if got else {}
                expected += len(counts)
                for number in counts:
                    at = arrived.get(number)
                    if at is not None:
                        delivered += 1
                        delays.append(at - stream.sent_at[number])
    delays.sort()
    return {
        "delivery": delivered / max(1, expected),
        "packets_out": delivered,
        "delay_p50_ms": 1000 * delays[len(delays) // 2] if delays else -1,
        "delay_p99_ms": 1000 * delays[int(len(delays) * 0.99)] if delays else -1,
        "delay_max_ms": 1000 * delays[-1] if delays else -1,
    }


def judge_encoded(seats: list[Seat], seconds: float) -> dict[str, float]:
    """An encoder makes its own packets: counted are pictures and voices that came out, against
    those that went in.
    """
    wanted = sum((SEATS - 1) * (seat.frame + seat.voice) for seat in seats)
    got = sum(len(each.stamps) for seat in seats for each in seat.received.values())
    return {
        "delivery": min(1.0, got / max(1, wanted)),
        "packets_out": sum(each.packets for seat in seats for each in seat.received.values()),
    }


async def join_all(port: int, rooms: int, kind: str) -> list[Seat]:
    clip, certificate = make_clip(), RTCCertificate.generateCertificate()
    seats = [
        Seat(number, f"room{number // SEATS}", clip, kind != "encoded")
        for number in range(rooms * SEATS)
    ]
    if kind == "janus":
        from tests.benchmarks import media_janus

        await media_janus.join_all(port, seats, certificate)
        return seats
    async with aiohttp.ClientSession() as session:
        for seat in seats:
            await seat.join(session, f"http://127.0.0.1:{port}", certificate)
    return seats


def main() -> None:
    port, rooms, seconds, kind, server = (
        *map(int, sys.argv[1:3]),
        float(sys.argv[3]),
        sys.argv[4],
        int(sys.argv[5]),
    )
    address = "127.0.0.1"
    if kind == "janus":
        from tests.benchmarks.media_janus import own_address

        address = own_address() or address
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: [address]
    loop = asyncio.new_event_loop()
    seats = loop.run_until_complete(join_all(port, rooms, kind))
    window, ended, used = play(seats, seconds, server)
    row: dict[str, float] = {"rooms": rooms, "cpu_cores": used / (ended - window)}
    row |= (
        judge_encoded(seats, seconds)
        if kind == "encoded"
        else judge_forwarded(seats, window, ended)
    )
    row["authenticated"] = sum(seat.authenticated for seat in seats)
    row["forged"] = sum(seat.forged for seat in seats)
    row["feedback_packets"] = sum(seat.feedback for seat in seats)
    print(json.dumps(row), flush=True)
    # The connections are left as they stand; unwinding hundreds of them would only write warnings.
    os._exit(0)


if __name__ == "__main__":
    main()
