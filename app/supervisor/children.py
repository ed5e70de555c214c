"""The supervisor: starts the three processes, joins their logs and stops them together.

Each child leads a process group of its own, so Ctrl-C reaches only the supervisor, which stops them
in order. A child that ends by itself is started again, each time after a longer pause.
"""

from __future__ import annotations

import contextlib
import ctypes
import http.client
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from app.core.runtime.log_lines import (
    LOG_LINE,
    colour_log_line,
    format_log_line,
    format_raw_line,
    wants_colours,
)

SUPERVISOR_POLL_SECONDS = 0.1
READINESS_POLL_SECONDS = 0.3
# How long a start may take before the log says what it is waiting for, and then again.
STILL_WAITING_SECONDS = 30.0
# From the first SIGTERM to the last SIGKILL; after Ctrl-C everything ends within ten seconds.
STOP_TIMEOUT_SECONDS = 9.5
# What each later child keeps of that time for itself.
STOP_RESERVE_PER_CHILD_SECONDS = 1.1
FIRST_RESTART_PAUSE_SECONDS = 0.5
MAX_RESTART_PAUSE_SECONDS = 30.0
# A child that lived this long is started again at once, because calls wait for it.
STEADY_LIFE_SECONDS = 60.0
# Crashes of one child before the platform is ready, after which the start ends.
MAX_CRASHES_BEFORE_READY = 5
READINESS_ANSWER_TIMEOUT_SECONDS = 2.0
MAX_READINESS_ANSWER_BYTES = 300
PR_SET_PDEATHSIG = 1  # prctl(2)

_libc = ctypes.CDLL(None, use_errno=True)
_print_lock = threading.Lock()
_coloured = wants_colours(sys.stdout)


def print_log_line(process: str, line: str) -> None:
    """Prints a line that a process wrote: a log line as it is, anything else with the time and the
    name of the process.
    """
    if not LOG_LINE.match(line):
        line = format_raw_line(process, line, coloured=_coloured)
    elif _coloured:
        line = colour_log_line(line)
    _print_line(line)


def log_as_supervisor(level: str, sentence: str) -> None:
    """Prints a log line of the supervisor's own."""
    _print_line(format_log_line("consilium", level, sentence, coloured=_coloured))


def print_block(text: str) -> None:
    """Prints lines that no log line may come between."""
    _print_line(text)


def _print_line(line: str) -> None:
    # Where whoever read the log has gone, the processes go on.
    with _print_lock, contextlib.suppress(BrokenPipeError):
        print(line, flush=True)


@dataclass
class ChildProcess:
    """One of the three processes. ``began`` and ``start_again_at`` are monotonic seconds."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[str] | None = None
    began: float = 0.0
    crashes: int = 0
    start_again_at: float = field(default=0.0)

    def start(self, environment: Mapping[str, str]) -> None:
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
        threading.Thread(target=self._relay, args=(self.process,), daemon=True).start()

    def _relay(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout
        for line in process.stdout:
            print_log_line(self.name, line.rstrip("\n"))

    def pause(self) -> float:
        """Seconds to wait before the next start: none after a steady life, else 0.5, 1, 2, 4 … up
        to 30.
        """
        if time.monotonic() - self.began > STEADY_LIFE_SECONDS:
            self.crashes = 0
            return 0.0
        self.crashes += 1
        return min(MAX_RESTART_PAUSE_SECONDS, FIRST_RESTART_PAUSE_SECONDS * 2 ** (self.crashes - 1))

    def stop(self, deadline: float, hurried: Callable[[], bool]) -> None:
        """Holds afterwards: no process of this child's group lives. Until ``deadline`` (monotonic
        seconds) or until ``hurried()``, the child may end by itself.
        """
        if self.process is None:
            return
        _signal_group(self.process, signal.SIGTERM)
        while self.process.poll() is None and time.monotonic() < deadline and not hurried():
            time.sleep(SUPERVISOR_POLL_SECONDS / 4)
        if self.process.poll() is None:
            log_as_supervisor("warning", f"{self.name} did not stop in time and was ended")
        _signal_group(self.process, signal.SIGKILL)
        self.process.wait()


def _die_with_parent() -> None:
    # A supervisor that is killed -9 must not leave a web behind that holds the port.
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _signal_group(process: subprocess.Popen[str], number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


class Supervisor:
    """Runs the children until SIGINT or SIGTERM; a second signal stops them without waiting.

    ``missing()`` says what is not ready yet, and is empty when everything is. Then ``when_ready()``
    is called, once.
    """

    def __init__(
        self,
        children: Sequence[ChildProcess],
        environment: Mapping[str, str],
        missing: Callable[[], str],
        when_ready: Callable[[], None],
    ) -> None:
        self.children = children
        self.environment = environment
        self.missing = missing
        self.when_ready = when_ready
        self.signals = 0

    def run(self) -> int:
        """Returns 0 when it was asked to stop, 1 when a child ends at every start."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._signalled)
        try:
            return self._watch()
        finally:
            self._stop()

    def _signalled(self, number: int, frame: object) -> None:
        self.signals += 1

    def _watch(self) -> int:
        for child in self.children:
            child.start(self.environment)
        ready = False
        ask_at, complain_at = 0.0, time.monotonic() + STILL_WAITING_SECONDS
        while not self.signals:
            for child in self.children:
                if not self._restart_if_ended(child, ready):
                    return 1
            if not ready and time.monotonic() >= ask_at:
                missing = self.missing()
                ready = not missing
                ask_at = time.monotonic() + READINESS_POLL_SECONDS
                if ready:
                    self.when_ready()
                elif time.monotonic() >= complain_at:
                    complain_at = time.monotonic() + STILL_WAITING_SECONDS
                    log_as_supervisor("info", f"still waiting: {missing}")
            time.sleep(SUPERVISOR_POLL_SECONDS)
        return 0

    def _restart_if_ended(self, child: ChildProcess, ready: bool) -> bool:
        """Starts a child again that has ended, once its pause is over. False when it ended at every
        start.
        """
        if child.process and child.process.poll() is not None:
            how = _describe_exit(child.process.returncode)
            child.process = None
            pause = child.pause()
            if not ready and child.crashes >= MAX_CRASHES_BEFORE_READY:
                log_as_supervisor(
                    "error", f"{child.name} {how}, and does so every time; its last lines say why"
                )
                return False
            log_as_supervisor("warning", f"{child.name} {how}; starting it again in {pause:g} s")
            child.start_again_at = time.monotonic() + pause
        if child.process is None and time.monotonic() >= child.start_again_at:
            child.start(self.environment)
        return True

    def _stop(self) -> None:
        log_as_supervisor("info", "stopping")
        asked = max(self.signals, 1)
        end = time.monotonic() + STOP_TIMEOUT_SECONDS
        for still, child in reversed(list(enumerate(self.children))):
            child.stop(
                end - still * STOP_RESERVE_PER_CHILD_SECONDS, hurried=lambda: self.signals > asked
            )
        log_as_supervisor("info", "stopped")


def _describe_exit(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def describe_unready(address: tuple[str, int]) -> str:
    """What is not ready yet, by the web's own ``/readyz``; empty when everything is."""
    connection = http.client.HTTPConnection(*address, timeout=READINESS_ANSWER_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(MAX_READINESS_ANSWER_BYTES).decode(errors="replace").strip()
        return "" if response.status == 200 else f"/readyz answers {response.status} {body}"
    except OSError as failure:
        return f"the web does not answer yet ({failure})"
    except http.client.HTTPException as failure:
        return f"the web answers badly ({failure!r})"
    finally:
        connection.close()
