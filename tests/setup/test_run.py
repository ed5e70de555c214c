"""``./consilium run`` as a person meets it: it starts, says so, and stops when asked, leaving
nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import time
import urllib.request
from datetime import UTC, datetime

import pytest

from app.core.runtime.log_lines import LOG_LINE
from tests.setup.test_supervisor import ROOT, processes_with

pytestmark = pytest.mark.late
ACCOUNTS = ["patient", "specialist", "interpreter", "coordinator", "admin", "auditor"]
QUIET_SECONDS = 5.0  # how long nothing may follow the ready line and the accounts


class Running:
    def __init__(self, folder, port: int, *options: str) -> None:
        self.data = folder / "data"
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
                    str(self.data),
                    *options,
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

    def lines_after_ready(self) -> list[str]:
        lines = self.log.read_text().splitlines()
        return lines[lines.index(f"Consilium is ready: http://127.0.0.1:{self.port}") + 1 :]

    def has_jobs_to_do(self) -> bool:
        with contextlib.closing(sqlite3.connect(self.data / "consilium.db")) as database:
            query = "SELECT count(*) FROM jobs WHERE finished_at IS NULL AND run_at <= ?"
            moment = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")
            return bool(database.execute(query, [moment]).fetchone()[0])

    def waits_for_jobs(self) -> None:
        """Until everything is done that the demo's making and the first minute bring."""
        deadline = time.monotonic() + 120
        while self.has_jobs_to_do():
            assert time.monotonic() < deadline, self.log.read_text()
            time.sleep(0.2)

    def lines_of_processes(self) -> list[str]:
        names = ("web", "media", "jobs")
        lines = self.log.read_text().splitlines()
        found = [line for line in lines if len(line.split()) > 1 and line.split()[1] in names]
        assert found
        return found

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

    def start(*options: str) -> Running:
        running.append(Running(tmp_path, free_port, *options))
        return running[-1]

    yield start
    for each in running:
        if each.process.poll() is None:
            each.process.kill()
            each.process.wait()
        for pid in processes_with(each.mark):
            os.kill(pid, signal.SIGKILL)


def test_it_starts_serves_and_stops_and_the_second_start_sets_nothing_up(run):
    first = run()
    first.ready_after(180)
    first.waits_for_jobs()
    quiet_from = time.monotonic()
    while time.monotonic() - quiet_from < QUIET_SECONDS:
        heading, *accounts = first.lines_after_ready()
        assert re.search(r"password", heading, re.I)
        assert [line.split("@")[0].strip() for line in accounts] == ACCOUNTS, "not the last lines"
        time.sleep(0.1)
    for line in first.lines_of_processes():
        assert LOG_LINE.match(line) and "Job done" not in line
    assert first.get("/healthz")[0] == 200
    assert first.get("/readyz")[0] == 200
    assert first.get("/")[0] == 200
    assert first.get("/static/vendor/app.css")[0] == 200
    assert first.interrupt() < 10
    assert first.process.returncode == 0
    assert processes_with(first.mark) == []

    second = run()
    second.ready_after(60)
    assert not re.search(r"… \d+ s", second.log.read_text()), "a step of the set-up was done again"
    assert second.interrupt() < 10
    assert processes_with(second.mark) == []


def test_a_killed_process_comes_back_and_the_platform_is_ready_again(run):
    running = run("--verbose")
    running.ready_after(180)
    running.waits_for_jobs()
    assert any("jobs      debug    Job done." in line for line in running.lines_of_processes())
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
