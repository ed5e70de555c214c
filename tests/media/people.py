"""Pages in seats: what the browser tests do to them and read from them."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from tests.media.signalling import Signalling


class Person:
    """A page in a seat."""

    def __init__(
        self, browser, signalling: Signalling, seat: str, slots: int = 3, **more: str
    ) -> None:
        self.seat = seat
        self.page = browser.new_page()
        query = urlencode({"room": "r", "seat": seat, "slots": slots, **more})
        self.page.goto(f"{signalling.url}/?{query}")
        self.page.wait_for_function("window.ready")

    def join(self) -> None:
        self.page.evaluate("join()")

    def stats(self) -> dict:
        return self.page.evaluate("link.stats()")

    def state(self) -> str:
        return self.page.evaluate("link.state")

    def frames(self, slot: int) -> int:
        slots = self.stats()["slots"]
        return slots[slot]["video"]["frames"] if slots else 0

    def width(self, slot: int) -> int:
        slots = self.stats()["slots"]
        return slots[slot]["video"]["width"] if slots else 0

    def energy(self, slot: int) -> float:
        slots = self.stats()["slots"]
        return slots[slot]["audio"]["energy"] if slots else 0.0

    def sound(self, slot: int) -> tuple[int, int]:
        """Packets received and lost."""
        audio = self.stats()["slots"][slot]["audio"]
        return audio["packets"], audio["lost"]


def until(holds, seconds: float = 15.0) -> float:
    """Waits for what must come true, generously; how long that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < seconds, "it did not come true"
        time.sleep(0.1)
    return time.monotonic() - begun
