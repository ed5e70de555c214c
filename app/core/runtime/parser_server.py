"""The process from which parser children are forked: ``python -m app.core.runtime.parser_server``.

It has no secrets, no database and one thread, so a fork is cheap and safe. Each request comes over
the control socket (descriptor 0) with a socket for the conversation. The server imports the parser,
forks, and forgets; the child sets its own limits before it touches a foreign byte.
"""

from __future__ import annotations

import errno
import importlib
import io
import json
import os
import resource
import signal
import socket
import struct
from contextlib import suppress
from typing import Any, BinaryIO, cast

MAX_REQUEST_BYTES = 64 << 10
READ_AHEAD_BYTES = 1 << 20
_FRAME = struct.Struct("!cI")  # kind, length


def send_frame(channel: socket.socket, kind: bytes, content: bytes) -> None:
    channel.sendall(_FRAME.pack(kind, len(content)) + content)


def receive_frame(channel: socket.socket, max_bytes: int) -> tuple[bytes, bytes]:
    """Kind and content of the next frame. Raises ``ConnectionError`` at the end and for a frame
    that is longer than ``max_bytes``.
    """
    kind, length = _FRAME.unpack(_receive_exactly(channel, _FRAME.size))
    if length > max_bytes:
        raise ConnectionError("the frame is too long")
    return kind, _receive_exactly(channel, length)


def _receive_exactly(channel: socket.socket, length: int) -> bytes:
    pieces = bytearray()
    while len(pieces) < length:
        piece = channel.recv(min(length - len(pieces), 1 << 20))
        if not piece:
            raise ConnectionError("the other side is gone")
        pieces += piece
    return bytes(pieces)


class BorrowedFile(io.RawIOBase):
    """A file whose bytes stay with the parent: each read asks for them."""

    name = "borrowed"  # pydicom asks for it

    def __init__(self, channel: socket.socket, size: int) -> None:
        self._channel, self._size, self._at = channel, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(errno.EINVAL, "negative seek position")  # as a real file does
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readall(self) -> bytes:
        pieces: list[bytes] = []
        while piece := self.read(READ_AHEAD_BYTES):
            pieces.append(piece)
        return b"".join(pieces)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        end = min(self._at + len(view), self._size)
        if end <= self._at:
            return 0
        send_frame(self._channel, b"r", struct.pack("!QQ", self._at, end))
        _, content = receive_frame(self._channel, end - self._at)
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


def serve_parsers(control: socket.socket) -> None:
    """Forks a child for each request, until the parent closes the control socket."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the parent, and with it this
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, MAX_REQUEST_BYTES, 1)
        if not message:
            return
        request = cast("dict[str, Any]", json.loads(message))
        module = importlib.import_module(request["parser"].partition(":")[0])
        with socket.socket(fileno=descriptors[0]) as channel:
            if os.fork() == 0:
                control.close()
                _watch_child(channel, getattr(module, request["parser"].partition(":")[2]), request)


def _watch_child(channel: socket.socket, parser: Any, request: dict[str, Any]) -> None:
    """Runs the parser in one more process, and tells the parent which signal ended it. Never
    returns.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child == 0:
        _run_child(channel, parser, request)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        with suppress(OSError):  # the parent has given up already
            send_frame(channel, b"k", str(os.WTERMSIG(status)).encode())
    os._exit(0)


def _run_child(channel: socket.socket, parser: Any, request: dict[str, Any]) -> None:
    """Never returns."""
    try:
        _limit_child(request["limits"])
        send_frame(channel, b"p", str(os.getpid()).encode())
        file = io.BufferedReader(BorrowedFile(channel, request["size"]), READ_AHEAD_BYTES)
        value = parser(cast(BinaryIO, file), **request["arguments"])
        send_frame(channel, b"d", json.dumps(value).encode())
    except MemoryError:
        send_frame(channel, b"f", b"memory")
    except BaseException as error:
        send_frame(channel, b"f", type(error).__name__.encode())
    finally:
        os._exit(0)


def _limit_child(limits: dict[str, int]) -> None:
    cpu = limits["cpu_seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (cpu, cpu + 1))  # SIGXCPU, then SIGKILL
    resource.setrlimit(resource.RLIMIT_AS, (limits["memory_bytes"], limits["memory_bytes"]))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits["open_files"], limits["open_files"]))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(5)  # people who wait for a page come first


if __name__ == "__main__":
    serve_parsers(socket.socket(fileno=0))
