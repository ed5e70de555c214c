"""The real processes, started for a test on free ports of 127.0.0.1 and stopped by pid
afterwards.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.ports import take_port

ROOT = Path(__file__).parent.parent
MASTER_KEYS = "test:" + "QUFB" * 10 + "QUE="  # 32 bytes, for tests only
SECRET_KEY = "a secret that only the tests know, 32+"
READY_WITHIN = 60.0


@dataclass
class Process:
    """One started process and the file that it writes to."""

    name: str
    command: list[str]
    environment: dict[str, str]
    log: Path
    popen: subprocess.Popen[bytes] | None = None
    _file: IO[bytes] | None = field(default=None, repr=False)

    def start(self) -> None:
        if self._file:
            self._file.close()
        self._file = self.log.open("ab")
        self.popen = subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=self._file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill(self) -> None:
        """kill -9, as a power cut would."""
        self._signal(signal.SIGKILL)
        self._wait(5)

    def stop(self) -> None:
        if self.popen is None:
            return
        self._signal(signal.SIGTERM)
        if not self._wait(8):
            self.kill()
        if self._file:
            self._file.close()

    def _signal(self, number: signal.Signals) -> None:
        if self.popen is not None and self.popen.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.popen.pid, number)

    def _wait(self, seconds: float) -> bool:
        try:
            if self.popen is not None:
                self.popen.wait(seconds)
            return True
        except subprocess.TimeoutExpired:
            return False


@dataclass
class House:
    """Web processes, a media node and a jobs runner on one database."""

    folder: Path
    database_url: str
    redis_url: str | None = None
    webs: int = 1
    mode: str = "test"
    media_module: str = "app.media"
    extra: dict[str, str] = field(default_factory=dict)
    processes: dict[str, Process] = field(default_factory=dict)
    ports: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def urls(self) -> list[str]:
        return [f"http://127.0.0.1:{port}" for port in self.ports]

    def environment(self, port: int) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")
        }
        ours = {
            "MODE": self.mode,
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "WEB_URL": f"http://127.0.0.1:{port}",
            "DATA_DIR": str(self.folder),
            "DATABASE_URL": self.database_url,
            "STORAGE_URL": f"file://{self.folder}/objects",
            "SECRET_KEY": SECRET_KEY,
            "MASTER_KEYS": MASTER_KEYS,
            "MEDIA_PUBLIC_ADDRESS": "127.0.0.1",
            **({"REDIS_URL": self.redis_url} if self.redis_url else {}),
            **self.extra,
        }
        return (
            kept
            | {f"CONSILIUM_{name}": value for name, value in ours.items()}
            | {"FLASK_APP": "wsgi", "PYTHONUNBUFFERED": "1"}
        )

    def start(self, *, media: bool = True, jobs: bool = True) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ports = [take_port() for _ in range(self.webs)]
        for index, port in enumerate(self.ports):
            self._start(
                f"web{index}",
                [
                    "-m",
                    "gunicorn",
                    "--no-control-socket",
                    "--worker-class",
                    "gthread",
                    "--workers",
                    "1",
                    "--threads",
                    "60",
                    "--bind",
                    f"127.0.0.1:{port}",
                    "--timeout",
                    "120",
                    "--graceful-timeout",
                    "2",
                    "wsgi:app",
                ],
                port,
            )
        if media:
            self._start("media", ["-m", self.media_module], self.ports[0])
        if jobs:
            self._start("jobs", ["-m", "app.jobs"], self.ports[0])
        for port in self.ports:
            path = "/readyz" if media and jobs else "/healthz"
            wait_for(lambda port=port, path=path: answers(port, path), READY_WITHIN, self.logs)

    def stop(self) -> None:
        for process in reversed(list(self.processes.values())):
            process.stop()

    def logs(self) -> str:
        return "\n".join(
            f"--- {process.name}\n{process.log.read_text(errors='replace')[-3000:]}"
            for process in self.processes.values()
        )

    def _start(self, name: str, arguments: list[str], port: int) -> None:
        process = Process(
            name, [sys.executable, *arguments], self.environment(port), self.folder / f"{name}.log"
        )
        self.processes[name] = process
        process.start()


def answers(port: int, path: str) -> bool:
    """Whether the web answers 200 to a GET of ``path``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def wait_for(
    done: Callable[[], object], seconds: float, explain: Callable[[], str] = lambda: ""
) -> None:
    """Polls until ``done()`` is true. Raises ``TimeoutError`` with ``explain()`` when it does
    not become so in time.
    """
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so within {seconds} s\n{explain()}")
        time.sleep(0.05)


@contextlib.contextmanager
def running(house: House, **parts: bool) -> Iterator[House]:
    try:
        house.start(**parts)
        yield house
    finally:
        house.stop()
