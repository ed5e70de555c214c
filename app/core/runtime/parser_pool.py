"""Parsing foreign bytes in a child process with limits on time, memory and files.

Whatever a person or another server sent is parsed by ``parse_in_child``, never in a process that
serves others. A parser is a module-level function ``parse(file, **arguments)`` that returns what
JSON can hold. The child has no secrets and no database; it reads the bytes through the parent, so
that nothing decrypted lies on a disk. If it takes too long, takes too much memory or crashes, the
child is killed and ``ParserFailed`` says which.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from app.core.clock import monotonic
from app.core.runtime.parser_server import receive_frame, send_frame

MAX_CHILDREN = 2  # at a time, for each parent process
MAX_READ_BYTES = 8 << 20
_READ_REQUEST = struct.Struct("!QQ")
# SIGXCPU: the limit of processor time. SIGKILL: the kernel ran out of memory.
_REASON_BY_SIGNAL: dict[int, str] = {signal.SIGXCPU: "time", signal.SIGKILL: "memory"}
_ROOT = Path(__file__).parents[3]
_PASSED_ON = ("PATH", "LANG", "LC_ALL", "VIRTUAL_ENV", "COVERAGE_PROCESS_START")


class ByteSource(Protocol):
    """Bytes of a known ``size``, of which any run can be read."""

    @property
    def size(self) -> int: ...
    def read(self, start: int, end: int) -> bytes: ...


@dataclass(frozen=True)
class BytesInMemory:
    """A short ``ByteSource``."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, start: int, end: int) -> bytes:
        return self.content[start:end]


@dataclass(frozen=True)
class ParserLimits:
    """What one child may use. ``wall_seconds`` counts the time in which its parent reads too."""

    cpu_seconds: int = 20
    wall_seconds: float = 120.0
    memory_bytes: int = 1 << 30
    open_files: int = 32
    result_bytes: int = 16 << 20


class ParserFailed(Exception):
    """The child gave no result. ``reason`` is ``time``, ``memory``, ``crash``, or the name of the
    exception that the parser raised.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


def parse_in_child(
    parser: str,
    source: ByteSource,
    arguments: dict[str, Any] | None = None,
    limits: ParserLimits | None = None,
) -> Any:
    """What the parser ``module:function`` returns for the bytes of ``source``. Waits while two
    others are parsing. Raises ``ParserFailed``, and what reading from ``source`` raises.
    """
    limits = limits or ParserLimits()
    request = {
        "parser": parser,
        "size": source.size,
        "arguments": arguments or {},
        "limits": {
            key: value
            for key, value in asdict(limits).items()
            if key in ("cpu_seconds", "memory_bytes", "open_files")
        },
    }
    with _free_children:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                _server.fork_child(json.dumps(request).encode(), theirs.fileno())
            return _Conversation(ours, source, limits).run()


class _Conversation:
    """Answers the child's reads until it is done, fails, or its time is over."""

    def __init__(self, channel: socket.socket, source: ByteSource, limits: ParserLimits) -> None:
        self._channel, self._source, self._limits = channel, source, limits
        self._until = monotonic() + limits.wall_seconds
        self._process: int | None = None  # a pidfd: never somebody else's process

    def run(self) -> Any:
        try:
            return self._answer_reads()
        except TimeoutError:
            raise ParserFailed("time") from None
        except (ConnectionError, ValueError, OSError) as error:
            if isinstance(error, _SourceFailed):
                raise error.__cause__ or error from None
            raise ParserFailed("crash") from None
        finally:
            self._kill()

    def _answer_reads(self) -> Any:
        while True:
            left = self._until - monotonic()
            if left <= 0:
                raise TimeoutError
            self._channel.settimeout(left)
            kind, content = receive_frame(self._channel, self._limits.result_bytes)
            if kind == b"p":
                with suppress(OSError):  # it may be gone already
                    self._process = os.pidfd_open(int(content))
            elif kind == b"r":
                self._send_bytes(*_READ_REQUEST.unpack(content))
            elif kind == b"f":
                raise ParserFailed(content.decode("ascii", "replace")[:80])
            elif kind == b"k":
                raise ParserFailed(_REASON_BY_SIGNAL.get(int(content), "crash"))
            elif kind == b"d":
                return json.loads(content)
            else:
                raise ConnectionError("an unknown frame")

    def _send_bytes(self, start: int, end: int) -> None:
        end = min(end, self._source.size, start + MAX_READ_BYTES)
        try:
            content = self._source.read(start, end)
        except Exception as error:
            raise _SourceFailed from error
        send_frame(self._channel, b"b", content)

    def _kill(self) -> None:
        if self._process is None:
            return
        with suppress(OSError):
            _kill_process(self._process)
        os.close(self._process)


class _SourceFailed(OSError):
    """Reading from the source failed; the cause goes to the caller."""


def _kill_process(process: int) -> None:
    """Kills the process of a pidfd, if it still runs."""
    if not select.select([process], [], [], 0)[0]:  # readable means that it has ended
        signal.pidfd_send_signal(process, signal.SIGKILL)


class _ParserServer:
    """The server that this process started, and starts anew if it died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def fork_child(self, request: bytes, descriptor: int) -> None:
        with self._lock:
            for attempt in (1, 2):
                control = self._get_control()
                try:
                    socket.send_fds(control, [request], [descriptor])
                    return
                except OSError:
                    self._stop()
                    if attempt == 2:
                        raise

    def _get_control(self) -> socket.socket:
        running = self._process is not None and self._owner == os.getpid()
        if running and self._process and self._process.poll() is None and self._control:
            return self._control
        self._stop()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.core.runtime.parser_server"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd=_ROOT,
                env={name: os.environ[name] for name in _PASSED_ON if name in os.environ}
                | {"OPENBLAS_NUM_THREADS": "1"},  # a fork is safe where there is one thread
                start_new_session=True,
            )
        self._control, self._owner = ours, os.getpid()
        return ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._owner == os.getpid():
            self._process.kill()
            self._process.wait()
        self._control = self._process = None

    def close(self) -> None:
        """Ends the server. Children in hand finish by themselves."""
        with self._lock:
            self._stop()


_server = _ParserServer()
_free_children = threading.BoundedSemaphore(MAX_CHILDREN)
close_parser_pool: Callable[[], None] = _server.close
atexit.register(close_parser_pool)
