"""``python -m tests.consults.spoilt_node``: a media node like any other, whose lines a test may
spoil.

It watches the file named by ``CONSILIUM_WEATHER``: ``{"down": {SEAT: bit/s}, "out": [SEAT, …],
"cut": [SEAT, …], "number": 1}``. Lines in ``out`` bear nothing while they stand there. Those in
``cut`` bear nothing ever again, but their successors do: so it is when a device gets another
address. Each ``number`` cuts once.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # as the node itself does, to be there as soon
    sys.modules |= dict.fromkeys(("redis", "requests", "websocket"))  # type: ignore[arg-type]

from app.media import __main__ as media  # noqa: E402
from app.media.forwarding.seat import SeatConnection  # noqa: E402
from app.media.node import MediaNodeClient  # noqa: E402
from app.media.settings import MediaSettings  # noqa: E402
from app.media.wire.impairment import CLEAR_CONDITIONS, ImpairedLink, NetworkConditions  # noqa: E402

LOOK_SECONDS = 0.02
OUT = NetworkConditions(is_out=True)


class SpoiltNode(MediaNodeClient):
    def __init__(self, settings: MediaSettings) -> None:
        super().__init__(settings)
        self._file = Path(os.environ["CONSILIUM_WEATHER"])
        self._weather: dict[str, Any] = {}
        self._lines: dict[str, ImpairedLink] = {}
        self._cut: dict[int, ImpairedLink] = {}
        self.rooms._impair = self._spoil  # noqa: SLF001 - the seam that the node keeps for tests

    async def run(self) -> None:
        watching = asyncio.create_task(self._watch(), name="weather")
        try:
            await super().run()
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(OSError, ValueError):
                self._weather = json.loads(self._file.read_text())
            if self._weather.get("number", 0) != number:
                number = self._weather["number"]
                lines = [
                    self._lines[seat]
                    for seat in self._weather.get("cut", ())
                    if seat in self._lines
                ]
                self._cut |= {id(line): line for line in lines}
            for seat, line in self._lines.items():
                self._apply(seat, line)

    def _spoil(self, seat: SeatConnection) -> None:
        line = self._lines[seat.name] = ImpairedLink.over(asyncio.get_running_loop())
        self._apply(seat.name, line)
        seat.transport.impair(line)

    def _apply(self, seat: str, line: ImpairedLink) -> None:
        if id(line) in self._cut or seat in self._weather.get("out", ()):
            line.up.conditions = line.down.conditions = OUT
            return
        rate = self._weather.get("down", {}).get(seat, 0)
        line.up.conditions, line.down.conditions = (
            CLEAR_CONDITIONS,
            NetworkConditions(rate=rate) if rate else CLEAR_CONDITIONS,
        )


if __name__ == "__main__":
    media.MediaNodeClient = SpoiltNode  # type: ignore[misc]
    sys.exit(media.run_media_node())
