"""The lines shown during installation: what is being done, and how long it took.

Standard library only: ``consilium`` reads this file before any package is installed.
"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol


class StepRunner(Protocol):
    """Runs one command of a step. Its output is shown only when it fails."""

    def __call__(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None: ...


class StepFailed(SystemExit):
    """A step failed. The output that says why has been shown."""


@contextmanager
def show_step(name: str) -> Generator[StepRunner]:
    """Shows ``name … 12 s`` on standard error while the body runs.

    The body gets ``run(command)``, which shows the output of a command only where it fails. Then
    the whole start ends with status 1 (``StepFailed``).
    """
    began = time.monotonic()
    finished = threading.Event()
    alive = sys.stderr.isatty()

    def show(end: str) -> None:
        lead = "\r" if alive else ""
        print(
            f"{lead}  {name} … {time.monotonic() - began:.0f} s",
            end=end,
            file=sys.stderr,
            flush=True,
        )

    def tick() -> None:
        while not finished.wait(1):
            show(end="")

    if alive:
        threading.Thread(target=tick, daemon=True).start()
    else:
        print(f"  {name} …", file=sys.stderr, flush=True)
    try:
        yield _run_quietly
    except BaseException as failure:
        finished.set()
        print(f"\n  {name}: failed", file=sys.stderr)
        if isinstance(failure, _CommandFailed):
            print(failure.output.rstrip(), file=sys.stderr)
            print(f"\nThis command failed (output above): {failure.command}", file=sys.stderr)
            raise StepFailed(1) from None
        raise
    finished.set()
    show(end="\n")


class _CommandFailed(Exception):
    def __init__(self, command: str, output: str) -> None:
        super().__init__(command)
        self.command = command
        self.output = output


def _run_quietly(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
) -> None:
    words = [str(word) for word in command]
    result = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        cwd=cwd,
        env=env,
    )
    if result.returncode:
        raise _CommandFailed(" ".join(words), result.stdout)
