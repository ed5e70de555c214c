"""Ports for servers that must be told where to listen.

Asking the system for a free port and hoping that it is still free later fails sooner or later. Here
each test process locks a block of ports for as long as it lives, so no two get the same port. The
blocks are below the range from which the system takes ports for outgoing connections.
"""

from __future__ import annotations

import fcntl
import itertools
import os
import socket
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

LOCKS = Path(tempfile.gettempdir()) / f"consilium-test-ports-{os.getuid()}"
POOL = range(12_000, 32_000)
PORTS_PER_BLOCK = 200


class PortBlock:
    """The ports of one process. Each is handed out again only after all others."""

    def __init__(self, ports: range, lock: IO[bytes]) -> None:
        self._ports = ports
        self._lock = lock  # open, therefore locked, until the process ends
        self._rotation = itertools.cycle(ports)

    def close(self) -> None:
        """Gives the block back."""
        self._lock.close()

    def take(self) -> int:
        """A port on which nothing listens, neither on TCP nor on UDP."""
        for port in itertools.islice(self._rotation, len(self._ports)):
            if _is_free(port):
                return port
        raise RuntimeError(f"all ports from {self._ports[0]} to {self._ports[-1]} are in use")

    def take_range(self, length: int) -> range:
        """``length`` ports in a row."""
        while True:
            first = self.take()
            ports = range(first, first + length)
            if ports[-1] not in self._ports:
                continue
            for _ in ports[1:]:
                next(self._rotation)
            return ports


def lock_block(folder: Path) -> PortBlock:
    """The first block that no living process has."""
    folder.mkdir(exist_ok=True)
    for ports in _blocks():
        lock = (folder / f"{ports[0]}.lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return PortBlock(ports, lock)
    raise RuntimeError(f"more test processes than blocks of ports in {folder}")


def take_port() -> int:
    return _own_block(os.getpid()).take()


def take_ports(length: int) -> range:
    return _own_block(os.getpid()).take_range(length)


@cache
def _own_block(process_id: int) -> PortBlock:
    return lock_block(LOCKS)


def _blocks() -> Iterator[range]:
    for first in range(POOL.start, POOL.stop, PORTS_PER_BLOCK):
        yield range(first, first + PORTS_PER_BLOCK)


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            if kind == socket.SOCK_STREAM:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True
