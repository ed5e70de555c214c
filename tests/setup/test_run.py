"""`./consilium run` as a person meets it: it starts, says so, and stops when asked, leaving
nothing.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import urllib.request

import pytest

from tests.setup.test_supervisor import ROOT, processes_with

pytestmark = pytest.mark.late
ACCOUNTS = ["patient", "specialist", "interpreter", "coordinator", "admin"]


class Running:
    def __init__(self, folder, port: int) -> None:
        self.log = folder / f"run-{time.monotonic_ns()}.log"
        self.mark = f"CONSILIUM_TEST_MARK={self.log}"
        self.port = port
        clean = {
            name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")
        }
        self.began = time.monotonic()
        with self.log.open("w") as out:
            self.process = subprocess.Popen(
                [
                    str(ROOT / "consilium"),
                    "run",
                    "--port",
                    str(port),
                    "--data",
                    str(folder / "data"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=clean | {"CONSILIUM_TEST_MARK": str(self.log)},
            )

    def ready_after(self, seconds: float) -> float:
        line = f"Consilium is ready: http://127.0.0.1:{self.port}"
        while line not in self.log.read_text().splitlines():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - self.began < seconds, self.log.read_text()
            time.sleep(0.05)
        return time.monotonic() - self.began

    def get(self, path: str) -> tuple[int, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()

    def interrupt(self) -> float:
        began = time.monotonic()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(20)
        return time.monotonic() - began


@pytest.fixture
def run(tmp_path, free_port):
    running: list[Running] = []

    def start() -> Running:
        running.append(Running(tmp_path, free_port))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        for pid in processes_with(each.mark):
            os.kill(pid, signal.SIGKILL)


def test_it_starts_serves_and_stops_and_the_second_start_is_quick(run):
    first = run()
    first.ready_after(180)
    time.sleep(0.5)  # the table of accounts follows the line
    said = first.log.read_text()
    for account in ACCOUNTS:
        assert f"{account}@demo.example" in said
    assert re.search(r"password", said, re.I)
    assert first.get("/healthz")[0] == 200
    assert first.get("/readyz")[0] == 200
    assert first.get("/")[0] == 200
    assert first.get("/static/vendor/app.css")[0] == 200
    assert first.interrupt() < 10
    assert first.process.returncode == 0
    assert processes_with(first.mark) == []

    second = run()
    assert second.ready_after(60) < 5 * slowness()
    assert second.interrupt() < 10
    assert processes_with(second.mark) == []


def slowness() -> float:
    """How many programs wait for a processor, at least 1: a busy machine is not a slow start."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def test_a_killed_process_comes_back_and_the_platform_is_ready_again(run):
    running = run()
    running.ready_after(180)
    media = [pid for pid in processes_with(running.mark) if "app.media" in command_line(pid)]
    assert len(media) == 1
    os.kill(media[0], signal.SIGKILL)
    deadline = time.monotonic() + 30
    while "media was ended by signal 9" not in running.log.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while not [
        pid
        for pid in processes_with(running.mark)
        if "app.media" in command_line(pid) and pid != media[0]
    ]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert running.interrupt() < 10
    assert running.process.returncode == 0


def command_line(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/cmdline") as file:
            return file.read().replace("\0", " ")
    except OSError:
        return ""
