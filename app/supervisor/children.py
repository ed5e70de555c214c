"""The supervisor: three processes, one terminal.

Each child leads a process group of its own, so that Ctrl-C reaches only the supervisor, which then
stops them in order. A child that ends by itself is started again, later each time.
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

SUPERVISOR_POLL_SECONDS = 0.1
STOP_TIMEOUT_SECONDS = (
    9.5  # seconds from the first SIGTERM to the last SIGKILL: Ctrl-C promises ten
)
STOP_RESERVE_PER_CHILD_SECONDS = 1.1  # seconds of it that each later child keeps for itself
MAX_RESTART_PAUSE_SECONDS = 30.0
STEADY_LIFE_SECONDS = (
    60.0  # a child that lived this long is started again at once: calls wait for it
)
MAX_CRASHES_BEFORE_READY = 5  # crashes before the first readiness, after which we give up
PR_SET_PDEATHSIG = 1
COLOUR_CODES = {"web": "36", "media": "35", "jobs": "33", "consilium": "1"}

_libc = ctypes.CDLL(None, use_errno=True)
_print_lock = threading.Lock()
_coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def print_log_line(who: str, line: str) -> None:
    """One line of the common log, with the name of the process that said it."""
    prefix = f"{who:<9} │ "
    if _coloured:
        prefix = f"\x1b[{COLOUR_CODES.get(who, '0')}m{prefix}\x1b[0m"
    with _print_lock:
        with contextlib.suppress(
            BrokenPipeError
        ):  # whoever read the log has gone; the processes go on
            print(prefix + line, flush=True)


@dataclass
class ChildProcess:
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
        """Seconds to wait before the next start: none after a steady life, else 0.5, 1, 2, 4 … at
        most 30.
        """
        if time.monotonic() - self.began > STEADY_LIFE_SECONDS:
            self.crashes = 0
            return 0.0
        self.crashes += 1
        return min(MAX_RESTART_PAUSE_SECONDS, 0.5 * 2 ** (self.crashes - 1))

    def stop(self, deadline: float, hurried: Callable[[], bool]) -> None:
        """Holds afterwards: nothing of this child's process group lives. `deadline` is
        monotonic.
        """
        if self.process is None:
            return
        _signal_group(self.process, signal.SIGTERM)
        while self.process.poll() is None and time.monotonic() < deadline and not hurried():
            time.sleep(SUPERVISOR_POLL_SECONDS / 4)
        if self.process.poll() is None:
            print_log_line("consilium", f"{self.name} did not stop in time and was ended")
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

    `missing()` says what is not ready yet, and nothing when all is; then `when_ready()` is called,
    once.
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
        """Returns 0 when asked to stop, 1 when a child cannot be started at all."""
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
        ask_at, complain_at = 0.0, time.monotonic() + 30
        while not self.signals:
            for child in self.children:
                if not self._mend(child, ready):
                    return 1
            if not ready and time.monotonic() >= ask_at:
                missing = self.missing()
                ready = not missing
                ask_at = time.monotonic() + 0.3
                if ready:
                    self.when_ready()
                elif time.monotonic() >= complain_at:
                    complain_at = time.monotonic() + 30
                    print_log_line("consilium", f"still waiting: {missing}")
            time.sleep(SUPERVISOR_POLL_SECONDS)
        return 0

    def _mend(self, child: ChildProcess, ready: bool) -> bool:
        """Starts a child again that has ended, when its pause is over. False when that is
        hopeless.
        """
        if child.process and child.process.poll() is not None:
            how = _describe_exit(child.process.returncode)
            child.process = None
            pause = child.pause()
            if not ready and child.crashes >= MAX_CRASHES_BEFORE_READY:
                print_log_line(
                    "consilium",
                    f"{child.name} {how}, and does so every time; its last lines say why",
                )
                return False
            print_log_line("consilium", f"{child.name} {how}; starting it again in {pause:g} s")
            child.start_again_at = time.monotonic() + pause
        if child.process is None and time.monotonic() >= child.start_again_at:
            child.start(self.environment)
        return True

    def _stop(self) -> None:
        print_log_line("consilium", "stopping")
        asked = max(self.signals, 1)
        end = time.monotonic() + STOP_TIMEOUT_SECONDS
        for still, child in reversed(list(enumerate(self.children))):
            child.stop(
                end - still * STOP_RESERVE_PER_CHILD_SECONDS, hurried=lambda: self.signals > asked
            )
        print_log_line("consilium", "stopped")


def _describe_exit(status: int) -> str:
    return f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"


def describe_unready(address: tuple[str, int]) -> str:
    """What is still missing at the web's /readyz, in its own words; empty when it is ready."""
    connection = http.client.HTTPConnection(*address, timeout=2)
    try:
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        body = response.read(300).decode(errors="replace").strip()
        return "" if response.status == 200 else f"/readyz answers {response.status} {body}"
    except OSError as failure:
        return f"the web does not answer yet ({failure})"
    except http.client.HTTPException as failure:
        return f"the web answers badly ({failure!r})"
    finally:
        connection.close()
