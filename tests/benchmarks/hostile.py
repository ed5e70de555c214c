"""``./consilium bench hostile``: what an attack on one room costs the others.

Four rooms of three hold a call, measured packet by packet, while somebody in a room of their own
(or nobody at all, from outside) does one bad thing after another. The node has a core to itself;
the calls and the attacker share the other, the calls first. Told of each attack: the 99th
percentile of the others' delay before, during and after, the node's memory before and after, and
the line in its log that names the offender. Node, calls and attacker are fresh each time; a first
course without attack shows what memory the calls themselves take.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import aioice.ice
from aiortc import RTCCertificate

from tests.benchmarks import media_load
from tests.benchmarks.media import first_in_line, memory, on_core
from tests.benchmarks.media_clip import Clip
from tests.benchmarks.media_seat import Line, Seat

ROOT = Path(__file__).parents[2]
ROOMS = 4
QUIET, ATTACK, SETTLE = 3.0, 5.0, 3.0
GIVEN_UP = 17.0
"""So long after its beginning a handshake that nobody finished is given up, and what it took
given back.
"""
HALF_OPEN = 300
MOST_P99_MS = 10.0
MOST_MB = 20.0
BATCH, PAUSE = 64, 0.0005
NUMBER = 5000
NO_CLIP = Clip([b""], [[b""]])


# --- the attacks ---

Attack = Callable[["Mallory"], Iterator[None]]


def nothing(it: Mallory) -> Iterator[None]:
    """The yardstick."""
    while True:
        yield


class Mallory:
    """A seat like any other, in the room "mallory", and sockets of strangers."""

    def __init__(self, port: int, victim: int) -> None:
        self.victim = "127.0.0.1", victim
        self.url = f"http://127.0.0.1:{port}"
        self.dice = random.Random(1)
        self.certificate = RTCCertificate.generateCertificate()
        self.seat = Seat(NUMBER, "mallory", NO_CLIP, False)
        self.sent = self.octets = 0
        self.loop = asyncio.new_event_loop()

    def join(self) -> None:
        async def join() -> None:
            async with aiohttp.ClientSession() as session:
                await self.seat.join(session, self.url, self.certificate)

        self.loop.run_until_complete(join())

    @property
    def listened(self) -> list[int]:
        """The streams that the node sends here."""
        return list(self.seat.received)

    def rtp(
        self, sequence: int, size: int = 1100, ssrc: int | None = None, kind: int = 96
    ) -> bytes:
        header = struct.pack(
            "!BBHII",
            0x80,
            kind,
            sequence & 0xFFFF,
            sequence * 90,
            self.seat.streams[1].ssrc if ssrc is None else ssrc,
        )
        return self.seat.up.sending.protect(header + bytes([0x10, 0, 0]) + bytes(size))

    def send(self, data: bytes) -> None:
        try:
            self.seat.up.socket.sendto(data, self.seat.up.peer)
        except (BlockingIOError, ConnectionRefusedError):
            return
        self.sent += 1
        self.octets += len(data)


def garbage(it: Mallory) -> Iterator[None]:
    """Bytes that look like RTP or RTCP and are neither."""
    junk = [
        bytes([128 | it.dice.randrange(64), it.dice.randrange(256)])
        + it.dice.randbytes(it.dice.randrange(1400))
        for _ in range(500)
    ]
    while True:
        it.send(it.dice.choice(junk))
        yield


def replay(it: Mallory) -> Iterator[None]:
    """The same authentic packets again and again."""
    kept = [it.rtp(number) for number in range(200)]
    while True:
        for packet in kept:
            it.send(packet)
            yield


def mangled(it: Mallory) -> Iterator[None]:
    """Authentic packets, cut short or with something behind."""
    kept = [it.rtp(number) for number in range(200)]
    while True:
        packet = it.dice.choice(kept)
        it.send(packet[: it.dice.randrange(1, len(packet))])
        it.send(packet + bytes(it.dice.choice([1, 300, 9000])))
        yield


def feedback(it: Mallory) -> Iterator[None]:
    """Authentic SRTCP: repairs of everything, key frames without end, and reports cut anywhere."""
    number = 0
    while True:
        number += 1
        ssrc = it.dice.choice(it.listened) if it.listened else 1
        rows = b"".join(struct.pack("!HH", it.dice.randrange(65536), 0xFFFF) for _ in range(60))
        nack = struct.pack("!BBHII", 0x81, 205, 2 + 60, 1, ssrc) + rows
        pli = struct.pack("!BBHII", 0x81, 206, 2, 1, ssrc)
        cut = (nack + pli)[: it.dice.randrange(8, 200)]
        it.send(it.seat.up.sending.protect_rtcp(it.dice.choice([nack, pli * 20, pli + cut])))
        yield


def checks(it: Mallory) -> Iterator[None]:
    """Connectivity checks of strangers, without a password, at the port of somebody who is in a
    call.
    """
    strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
    while True:
        check = bytes(aioice.stun.Message(aioice.stun.Method.BINDING, aioice.stun.Class.REQUEST))
        for stranger in it.dice.sample(strangers, 10):
            stranger.setblocking(False)
            try:
                stranger.sendto(check, it.victim)
                it.sent += 1
            except OSError:
                pass
        yield


def strangers(it: Mallory) -> Iterator[None]:
    """Garbage from outside, at the port of somebody who is in a call."""
    outside = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(50)]
    junk = [
        bytes([it.dice.choice([22, 128, 144]), it.dice.randrange(256)]) + it.dice.randbytes(900)
        for _ in range(99)
    ]
    while True:
        sock = it.dice.choice(outside)
        sock.setblocking(False)
        try:
            sock.sendto(it.dice.choice(junk), it.victim)
            it.sent += 1
        except OSError:
            pass
        yield


def collision(it: Mallory) -> Iterator[None]:
    """Authentic packets under the numbers of others' streams, and under new ones without end."""
    number = 0
    while True:
        number += 1
        it.send(
            it.rtp(number, 300, ssrc=it.dice.choice([1001, 1002, 1005, it.dice.getrandbits(32)]))
        )
        yield


def fifty_times(it: Mallory) -> Iterator[None]:
    """Authentic packets in good order, as fast as they go."""
    number = 0
    while True:
        number += 1
        it.send(it.rtp(number))
        yield


def half_open(it: Mallory) -> Iterator[None]:
    """Offers by the hundred for six seats of one room, none of which is followed by anything."""

    async def offer(session: aiohttp.ClientSession, number: int) -> None:
        rows = [
            "a=ice-ufrag:abcd",
            "a=ice-pwd:" + "x" * 24,
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        ]
        seat = Seat(NUMBER + number % 6, it.seat.room, NO_CLIP, False)
        body = {
            "room": it.seat.room,
            "seat": f"half{number % 6}",
            "sdp": seat.offer(rows, 6),
            "lines": {"mic": "0", "camera": "1", "slots": []},
        }
        async with session.post(f"{it.url}/offer", json=body) as response:
            await response.read()
        it.sent += 1

    async def storm(first: int) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(
                *(offer(session, first + each) for each in range(25)), return_exceptions=True
            )

    number = 0
    while True:
        it.loop.run_until_complete(storm(number))
        number += 25
        yield


def stalled(it: Mallory) -> Iterator[None]:
    """Handshakes by the hundred, in rooms by the dozen, that begin and are never answered."""
    lines: list[Line] = []

    async def begin(session: aiohttp.ClientSession, number: int) -> None:
        seat = Seat(NUMBER, it.seat.room, NO_CLIP, False)
        line = Line(is_controlling=True)
        lines.append(line)
        body = {
            "room": f"{it.seat.room}-{number // 6}",
            "seat": f"half{number % 6}",
            "sdp": seat.offer(await line.describe(it.certificate), 6),
            "lines": {"mic": "0", "camera": "1", "slots": []},
        }
        async with session.post(f"{it.url}/offer", json=body) as response:
            it.sent += 1
            answer = (await response.json())["sdp"]
        line._dtls.start = _nothing  # type: ignore[method-assign]
        await asyncio.wait_for(line.connect(answer), 2)

    async def storm(first: int) -> None:
        async with aiohttp.ClientSession() as session:
            await asyncio.gather(
                *(begin(session, first + each) for each in range(20)), return_exceptions=True
            )

    number = 0
    while number < HALF_OPEN:
        it.loop.run_until_complete(storm(number))
        number += 20
        yield
    while True:
        yield


async def _nothing(parameters: object) -> None:
    return None


ATTACKS: dict[str, Attack] = {
    each.__name__: each
    for each in (
        nothing,
        garbage,
        replay,
        mangled,
        feedback,
        checks,
        strangers,
        collision,
        fifty_times,
        half_open,
        stalled,
    )
}


def attack(name: str, port: int, victim: int) -> None:
    """In a process of its own: joins, says so, waits for a word, attacks for a while, says what it
    sent.
    """
    it = Mallory(port, victim)
    it.join()
    print("ready", flush=True)
    sys.stdin.readline()
    end, step = time.monotonic() + ATTACK, ATTACKS[name](it)
    while time.monotonic() < end:
        for _ in range(BATCH):
            next(step)
            if time.monotonic() >= end:
                break
        time.sleep(PAUSE)
    print(json.dumps({"sent": it.sent, "octets": it.octets}), flush=True)
    os._exit(0)


# --- the calls ---


def calls(port: int, seconds: float) -> None:
    """In a process of its own: holds the calls, says at which ports, and judges the spans it is
    then told.
    """
    loop = asyncio.new_event_loop()
    seats = loop.run_until_complete(media_load.join_all(port, ROOMS, "forwarded"))
    print(json.dumps([seat.up.peer[1] for seat in seats]), flush=True)
    media_load.play(seats, seconds, os.getpid())
    print("played", flush=True)
    for line in sys.stdin:
        begun, ended = json.loads(line)
        print(json.dumps(media_load.judge_forwarded(seats, begun, ended)), flush=True)
    os._exit(0)


# --- the course of it ---


def main() -> int:
    names = sys.argv[1:] or list(ATTACKS)
    rows = [course(name) for name in names]
    calm = next((row for row in rows if row["attack"] == "nothing"), None)
    for row in rows:
        row["grown_mb"] = (
            row["memory_after_mb"] - row["memory_before_mb"] - (calm["own_mb"] if calm else 0.0)
        )
    show(rows)
    reached = {
        row["attack"]: (
            row["alive"]
            and row["p99_during_ms"] < MOST_P99_MS
            and row["grown_mb"] < MOST_MB
            and bool(row["named"])
        )
        for row in rows
        if row is not calm
    }
    print(
        json.dumps(
            {
                "bench": "hostile",
                "rooms": ROOMS,
                "attacks": rows,
                "reached": reached,
                "all_reached": all(reached.values()),
            }
        ),
        flush=True,
    )
    return 0


def course(name: str) -> dict:
    """One attack, with quiet before and after."""
    print(f"{name} …", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile("w+") as log, contextlib.ExitStack() as stack:
        node = stack.enter_context(
            own_process(0, "tests.benchmarks.media_servers", "node", log=log)
        )
        first_in_line(node.pid)
        port = json.loads(heard(node))
        people = stack.enter_context(
            own_process(1, "tests.benchmarks.hostile", "calls", port, QUIET + ATTACK + SETTLE + 2.0)
        )
        first_in_line(people.pid)
        victim = json.loads(heard(people))[0]
        mallory = stack.enter_context(
            own_process(1, "tests.benchmarks.hostile", "attack", name, port, victim)
        )
        assert heard(mallory) == "ready"
        time.sleep(media_load.WARM_UP)
        before, quiet = memory(node.pid), time.time()
        time.sleep(QUIET)
        begun = time.time()
        tell(mallory, "go")
        sent = json.loads(heard(mallory))
        ended = time.time()
        peak = memory(node.pid)
        while (word := heard(people)) != "played":
            assert word, "the calls broke off"
        row = {
            "attack": name,
            "sent_a_second": round(sent["sent"] / (ended - begun)),
            "mbit_a_second": round(sent["octets"] * 8 / (ended - begun) / 1e6, 1),
        }
        spans = {
            "before": (quiet, begun),
            "during": (begun, ended),
            "after": (ended, ended + SETTLE),
        }
        for word, span in spans.items():
            tell(people, json.dumps(span))
            found = json.loads(heard(people))
            row |= {
                f"p99_{word}_ms": round(found["delay_p99_ms"], 2),
                f"delivery_{word}": round(found["delivery"], 5),
            }
        row["p99_ratio"] = round(row["p99_during_ms"] / max(0.01, row["p99_before_ms"]), 2)
        if name in ("stalled", "half_open"):
            time.sleep(GIVEN_UP)
        after = memory(node.pid)
        row |= {
            "memory_before_mb": before,
            "memory_peak_mb": peak,
            "memory_after_mb": after,
            "own_mb": after - before,
        }
        log.seek(0)
        offender = "seat 0 of room" if name in ("checks", "strangers") else "of room mallory"
        row["named"] = next((line.strip() for line in log if offender in line), None)
        row["alive"] = node.poll() is None
    return row


@contextlib.contextmanager
def own_process(
    core: int, *arguments: object, log: Any = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*on_core(core), sys.executable, "-m", *map(str, arguments)],
        cwd=ROOT,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def heard(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def tell(process: subprocess.Popen[str], word: str) -> None:
    assert process.stdin is not None
    process.stdin.write(word + "\n")
    process.stdin.flush()


def show(rows: list[dict]) -> None:
    print(
        f"{'attack':12} {'sent/s':>8} {'Mbit/s':>8} {'p99 before':>11} {'during':>8} {'after':>8}"
        f" {'delivery':>9} {'MB':>6}  named"
    )
    for row in rows:
        print(
            f"{row['attack']:12} {row['sent_a_second']:8} {row['mbit_a_second']:8}"
            f" {row['p99_before_ms']:11} {row['p99_during_ms']:8} {row['p99_after_ms']:8}"
            f" {row['delivery_during']:9.4f} {row['grown_mb']:6.1f}  {row['named'] or '-'}"
        )


if __name__ == "__main__":
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"]
    match sys.argv[1:2]:
        case ["calls"]:
            calls(int(sys.argv[2]), float(sys.argv[3]))
        case ["attack"]:
            attack(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
        case _:
            sys.exit(main())
