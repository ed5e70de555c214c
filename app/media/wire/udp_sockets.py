"""The UDP sockets of a seat: one on a port of the range, and one connected to the browser.

A seat uses one port. Once the browser's address is known, a second socket on the same port is
connected to it: the kernel then sends faster and sorts incoming datagrams by sender
(docs/adr/0023). The first socket receives from everywhere else: the browser's other addresses, and
strangers.
"""

from __future__ import annotations

import errno
import random
import socket

SOCKET_BUFFER_BYTES = 1 << 20
"""Holds what a seat receives while the node is busy for some hundred milliseconds."""
MAX_PORT_ATTEMPTS = 200

SocketAddress = tuple[str, int]


class NoFreePort(Exception):
    """No socket could be bound within the port range."""


def bind_socket_in_range(address: str, ports: tuple[int, int]) -> socket.socket:
    """A UDP socket for the public ``address``, on a free port of the range.

    Where the address is not this machine's own (behind NAT), the socket listens on all of them.
    Raises NoFreePort.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    everywhere = "::" if family == socket.AF_INET6 else "0.0.0.0"  # noqa: S104
    first, last = ports
    size = last - first + 1
    start, host = random.randrange(size), address
    for number in range(min(size, MAX_PORT_ATTEMPTS)):
        sock = _open_socket(family)
        port = first + (start + number) % size
        try:
            sock.bind((host, port))
            return sock
        except OSError as error:
            sock.close()
            if error.errno == errno.EADDRNOTAVAIL and host != everywhere:
                host = everywhere
    raise NoFreePort(f"no free UDP port between {first} and {last} for {address}")


def open_connected_socket(bound: socket.socket, address: SocketAddress) -> socket.socket:
    """A second socket on the port of ``bound`` that exchanges datagrams with ``address`` alone.

    The port is shared for this moment only: no other socket, nor another node, can take it
    afterwards. Raises OSError.
    """
    twin = _open_socket(bound.family)
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


def _open_socket(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SOCKET_BUFFER_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
    return sock
