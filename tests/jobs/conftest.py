"""Two databases, and real runner processes on them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.core.db import Database

ROOT = Path(__file__).resolve().parents[2]


def until(true: Callable[[], object], within: float = 20.0) -> None:
    """Waits until something has come true; fails when it does not within the time."""
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def jobs_database(any_database: Database) -> Database:
    return any_database


@pytest.fixture
def start_runner(
    jobs_database: Database, tmp_path: Path
) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a slow runner process; all are killed at the end."""
    running: list[subprocess.Popen[str]] = []

    def start(lease: float = 1.0) -> subprocess.Popen[str]:
        url = jobs_database.engine.url.render_as_string(hide_password=False)
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.jobs.slow_runner", url, str(tmp_path), str(lease)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONUNBUFFERED": "1"},
        )
        running.append(process)
        assert process.stdout is not None
        while "started" not in (line := process.stdout.readline()):
            assert line, "the runner did not start"
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()
