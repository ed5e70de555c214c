"""The supervisor, with three small real programs in the place of web, media and jobs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from tests.ports import take_port

ROOT = Path(__file__).resolve().parents[2]

SUPERVISOR = """
import os, sys
from app.supervisor.children import ChildProcess, Supervisor, describe_unready
children = [ChildProcess(name, [sys.executable, "-u", "-c", code]) for name, code in
            zip(("web", "media", "jobs"), sys.argv[2:], strict=True)]
missing = lambda: describe_unready(("127.0.0.1", int(sys.argv[1])))
ready = lambda: print("READY", flush=True)
sys.exit(Supervisor(children, os.environ, missing, ready).run())
"""
WEB = """
import http.server, signal, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404); self.end_headers()
    def log_message(self, *words): pass
signal.signal(signal.SIGTERM, lambda *_: (print("web told to stop"), sys.exit(0)))
print("web is up"); http.server.HTTPServer(("127.0.0.1", PORT), Ready).serve_forever()
"""
PATIENT = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told to stop"), sys.exit(0)))
print("NAME is up"); time.sleep(600)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN); print("deaf is up"); time.sleep(600)
"""


class Started:
    """A running supervisor whose log is read as it grows."""

    def __init__(
        self, log: Path, port: int, media: str, jobs: str = PATIENT, web: str = WEB
    ) -> None:
        self.log = log
        self.mark = f"CONSILIUM_TEST_MARK={log}"
        programs = [
            web.replace("PORT", str(port)),
            media.replace("NAME", "media"),
            jobs.replace("NAME", "jobs"),
        ]
        with log.open("w") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(SUPERVISOR), str(port), *programs],
                cwd=ROOT,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=os.environ | {"CONSILIUM_TEST_MARK": str(log)},
            )

    def wait_for(self, words: str, seconds: float = 15) -> str:
        deadline = time.monotonic() + seconds
        while words not in (text := self.log.read_text()):
            assert time.monotonic() < deadline, f"never said {words!r}:\n{text}"
            time.sleep(0.05)
        return text

    def stop(self, number: signal.Signals = signal.SIGINT) -> float:
        began = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(15)
        return time.monotonic() - began

    def survivors(self) -> list[int]:
        return [pid for pid in processes_with(self.mark) if pid != os.getpid()]


def processes_with(mark: str) -> list[int]:
    """Every living process whose environment holds ``mark``: a child cannot lose it by leaving its
    group.
    """
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (folder / "environ").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue  # gone meanwhile, or not ours
    return found


@pytest.fixture
def supervise(tmp_path):
    started: list[Started] = []

    def start(**programs: str) -> Started:
        started.append(Started(tmp_path / f"log{len(started)}", take_port(), **programs))
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.process.kill()
        supervisor.process.wait()
        for pid in supervisor.survivors():
            os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_ready_and_stops_in_order_when_asked(supervise, number):
    supervisor = supervise(media=PATIENT)
    supervisor.wait_for("READY")
    supervisor.wait_for("media is up")
    supervisor.wait_for("jobs is up")
    supervisor.stop(number)
    text = supervisor.log.read_text()
    assert supervisor.process.returncode == 0
    order = [
        text.index(f"{name:<9} │ {words}")
        for name, words in (
            ("jobs", "told to stop"),
            ("media", "told to stop"),
            ("web", "web told to stop"),
        )
    ]
    assert order == sorted(order)
    assert supervisor.survivors() == []


def test_a_child_that_is_killed_is_started_again_and_said_so(supervise):
    supervisor = supervise(
        media="import os; print('media is', os.getpid()); import time; time.sleep(600)"
    )
    text = supervisor.wait_for("media is")
    victim = int(text.split("media is ")[1].split()[0])
    supervisor.wait_for("READY")
    os.kill(victim, signal.SIGKILL)
    supervisor.wait_for("media was ended by signal 9; starting it again in 0.5 s")
    deadline = time.monotonic() + 5
    while supervisor.log.read_text().count("media is ") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    supervisor.stop()
    assert supervisor.process.returncode == 0


def test_a_child_that_can_never_start_ends_the_start_and_one_that_does_not_listen_is_ended_in_time(
    supervise,
):
    """Both at once: the one takes its pauses while the other's patience with its children runs
    out.
    """
    hopeless = supervise(media="raise SystemExit('media has no camera')", web=PATIENT)
    supervisor = supervise(media=DEAF, jobs=DEAF)
    supervisor.wait_for("READY")
    deadline = time.monotonic() + 5
    while supervisor.log.read_text().count("deaf is up") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert supervisor.stop() < 10
    assert supervisor.process.returncode == 0
    assert "media did not stop in time" in supervisor.log.read_text()
    assert supervisor.survivors() == []

    assert hopeless.process.wait(20) == 1
    text = hopeless.log.read_text()
    assert text.count("media     │ media has no camera") == 5
    assert "media ended with status 1, and does so every time" in text
    assert hopeless.survivors() == []


def test_a_supervisor_that_is_killed_leaves_nothing_behind(supervise):
    supervisor = supervise(media=PATIENT)
    supervisor.wait_for("READY")
    supervisor.wait_for("jobs is up")
    supervisor.stop(signal.SIGKILL)
    deadline = time.monotonic() + 5
    while supervisor.survivors():
        assert time.monotonic() < deadline, "children outlived their supervisor"
        time.sleep(0.05)
