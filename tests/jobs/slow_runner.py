"""A real jobs process with one slow kind, for tests that kill it: database URL, folder, lease
seconds.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.outbox import JobContext
from app.jobs.runner import JobsRunner


def main(url: str, folder: str, lease: str) -> None:
    def slow(session: Session, payload: dict[str, Any], context: JobContext) -> None:
        """Leaves a mark that it began, works for a while outside any transaction, then leaves one
        that it ended.
        """
        mark = Path(folder) / f"{payload['name']}.{os.getpid()}"
        mark.with_suffix(f".{os.getpid()}.began").touch()
        time.sleep(payload.get("seconds", 0))
        with (Path(folder) / f"{payload['name']}.done").open("a") as done:
            done.write(f"{os.getpid()}\n")

    runner = JobsRunner(
        JobContext(None, None, Database(url)),
        {"slow": slow},
        lease=timedelta(seconds=float(lease)),
        poll=0.05,
    )
    signal.signal(signal.SIGTERM, lambda *_: runner.stop())
    runner.start()
    print("started", flush=True)
    runner.wait()
    runner.join(7)


if __name__ == "__main__":
    main(*sys.argv[1:])
