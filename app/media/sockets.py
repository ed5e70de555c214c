"""The UDP sockets of all seats: bound within the port range, and those of the browsers read in rounds.

A seat's browser is reached from one port. Once its address is known, a socket that is connected to it
shares the port (the kernel then knows the way, and whose each datagram is), and the first socket hears whoever
else calls there: the browser's other addresses, and strangers.
"""

from __future__ import annotations

import asyncio
import errno
import random
import select
import socket
from collections.abc import Callable

SOCKET_BUFFER = 1 << 20
PORT_TRIES = 200
MAX_READY = 512
ROUNDS = 4
"""Before the loop has its turn again: timers and handshakes wait no longer than so many datagrams of each seat."""

Address = tuple[str, int]


class NoPort(Exception):
    """No socket could be bound within the port range."""


class Sockets:
    """Where this node may be reached, and one watch over the sockets of its browsers.

    A round reads one datagram of each socket that has any: a browser that floods waits for its turn like
    every other.
    """

    def __init__(self, addresses: tuple[str, ...], ports: tuple[int, int]) -> None:
        self.addresses = addresses
        self.ports = ports
        self._readers: dict[int, Callable[[], None]] = {}
        self._ready: select.epoll | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def watch(self, sock: socket.socket, read: Callable[[], None]) -> None:
        """From now on ``read`` is called when ``sock`` has a datagram; it reads one."""
        if self._ready is None:
            self._ready, self._loop = select.epoll(), asyncio.get_running_loop()
            self._loop.add_reader(self._ready.fileno(), self._read)
        self._readers[sock.fileno()] = read
        self._ready.register(sock.fileno(), select.EPOLLIN)

    def forget(self, sock: socket.socket) -> None:
        """Ends the watch, before the socket is closed. The last one leaves nothing open."""
        if self._ready is None or self._readers.pop(sock.fileno(), None) is None:
            return
        self._ready.unregister(sock.fileno())
        if not self._readers and self._loop is not None:
            if not self._loop.is_closed():
                self._loop.remove_reader(self._ready.fileno())
            self._ready.close()
            self._ready = None

    def _read(self) -> None:
        readers = self._readers
        for _ in range(ROUNDS):
            ready = self._ready.poll(0, MAX_READY) if self._ready is not None else ()
            if not ready:
                return
            for descriptor, _ in ready:
                read = readers.get(descriptor)
                if read is not None:
                    read()


def bind_within(address: str, ports: tuple[int, int]) -> socket.socket:
    """A UDP socket for the public ``address``, on a free port of the range.

    Where the address is not this machine's own (behind NAT), the socket listens on all of them.
    Raises NoPort.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    everywhere = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104
    first, last = ports
    size = last - first + 1
    start, host = random.randrange(size), address
    for number in range(min(size, PORT_TRIES)):
        sock = _open(family)
        port = first + (start + number) % size
        try:
            sock.bind((host, port))
            return sock
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRNOTAVAIL and host != everywhere:
                host = everywhere
    raise NoPort(f"no free UDP port between {first} and {last} for {address}")


def connected_twin(bound: socket.socket, address: Address) -> socket.socket:
    """A second socket on the port of ``bound`` that exchanges datagrams with ``address`` alone.

    The port is shared for this moment only: no other socket, nor another node, can take it afterwards.
    Raises OSError.
    """
    twin = _open(bound.family)
    try:
        for each in (bound, twin):
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        twin.bind(bound.getsockname())
        twin.connect(address)
    except OSError:
        twin.close()
        raise
    finally:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    twin.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    return twin


def _open(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER)
    return sock
