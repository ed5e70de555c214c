"""Migrates the database, and fills the demo's, before the platform is ready.

A second start does not wait for it: see ``DatabasePreparation``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .install import ROOT
from .steps import show_step

if TYPE_CHECKING:
    from config import Settings


class DatabasePreparation:
    """``app.supervisor.prepare`` in a process of its own. It prints the table of demo accounts.

    A demo database that already has today's tables is only looked through for its open
    consultation, while the web starts. For everything else the start waits.
    """

    def __init__(self, settings: Settings) -> None:
        self._stamp = settings.data_dir / "prepared.stamp"
        self._digest = _digest_migrations(settings.database_url)
        self.printed = ""
        demo = ["--demo"] if settings.is_demo else []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "app.supervisor.prepare", *demo],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
        )
        if not (settings.is_demo and self._has_tables(settings.database_url)):
            with show_step("Database"):
                self.finish()

    def _has_tables(self, url: str) -> bool:
        return (
            url.startswith("sqlite:///")
            and Path(url.removeprefix("sqlite:///")).exists()
            and self._stamp.exists()
            and self._stamp.read_text() == self._digest
        )

    def missing(self) -> str:
        """What is not ready yet, or nothing. Raises SystemExit(1) as ``finish`` does."""
        if self._process.poll() is None:
            return "the demo data is being checked"
        self.finish()
        return ""

    def finish(self) -> None:
        """Waits until the database is ready. Raises SystemExit(1) where that fails; the reason has
        been shown.
        """
        if self._process.stdout and not self._process.stdout.closed:
            self.printed, _ = self._process.communicate()
            if self._process.returncode:
                print(self.printed, file=sys.stderr)
                raise SystemExit(1)
            self._stamp.parent.mkdir(parents=True, exist_ok=True)
            self._stamp.write_text(self._digest)

    def abandon(self) -> None:
        """Ends the process if it still runs. Each of its commands is one transaction, so the next
        start begins where this one stopped.
        """
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()


def _digest_migrations(database_url: str) -> str:
    digest = hashlib.sha256(database_url.encode())
    for path in sorted((ROOT / "migrations" / "versions").glob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
