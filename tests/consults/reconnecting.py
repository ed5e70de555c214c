"""What may happen to a call, done to a real one, and how long until every picture and every voice
is back.

Used by the tests, which ask whether it comes back, and by ``./consilium bench reconnect``, which
asks how soon.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Error, Page

from app.supervisor.children import STEADY_LIFE_SECONDS, ChildProcess
from tests.consults.meeting import Guest
from tests.consults.scene import Scene

GAP = 0.7  # seconds without a new picture or sound that count as an interruption
CALM = 1.5  # seconds without another gap, after which it is over
COUNTERS = """async () => {
  const { seats } = await window.consilium.stats();
  const counted = ({ frames, audioPackets, gain }) => [frames, audioPackets, gain];
  return Object.fromEntries(Object.entries(seats).map(([role, one]) => [role, counted(one)]));
}"""
CHAT = """() => [...document.querySelectorAll('[data-testid="chat-lines"] > li')].map(
  (line) => [Number(line.dataset.number), line.querySelector(".chat-text").textContent])"""


class Restarts:
    """Starts what was killed again, after the supervisor's own pause for what had lived for a
    while.
    """

    def __init__(self, scene: Scene) -> None:
        self._processes = scene.house.processes
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Restarts:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.1):
            for process in self._processes.values():
                if process.popen is not None and process.popen.poll() is not None:
                    self._over.wait(
                        ChildProcess(
                            process.name,
                            process.command,
                            began=time.monotonic() - 2 * STEADY_LIFE_SECONDS,
                        ).pause()
                    )
                    process.start()


@dataclass
class Watch:
    """Looks at every page again and again: which stream stood still, and until when. What is not
    heard is not sent.
    """

    pages: dict[str, Callable[[], Page]]
    began: float = field(default_factory=time.monotonic)
    _last: dict[tuple[str, str, int], tuple[float, float]] = field(default_factory=dict)
    back: dict[str, float] = field(default_factory=dict)

    def look(self) -> bool:
        """Once through all pages. Whether everything flows at this moment."""
        flows = True
        for viewer, page in self.pages.items():
            try:
                counted: dict[str, list[float]] = page().evaluate(COUNTERS)
            except Error:  # the page is being loaded
                counted = {}
            at = time.monotonic()
            for source in self.pages:
                frames, packets, gain = counted.get(source, (0, 0, 1))
                kinds = ("picture", frames), ("sound", packets)
                for kind, (name, value) in enumerate(kinds if gain else kinds[:1]):
                    if source == viewer:
                        continue
                    before, grew_at = self._last.get((viewer, source, kind), (-1.0, self.began))
                    if value != before and value > 0:
                        if at - grew_at > GAP:
                            self.back[f"{source}'s {name} at {viewer}"] = round(at - self.began, 2)
                        self._last[viewer, source, kind] = value, at
                    flows = (
                        flows
                        and at - self._last.get((viewer, source, kind), (0, self.began))[1] <= GAP
                    )
        return flows

    def until_all_is_back(self, *, least: float, within: float) -> float:
        """Seconds until the last interruption was over; 0 when there was none. Raises after
        ``within``.
        """
        steady_since: float | None = None
        while True:
            now = time.monotonic()
            if now - self.began > within:
                raise AssertionError(
                    f"not back within {within} s; back are {self.back}, last {self._last}"
                )
            steady_since = (steady_since or now) if self.look() else None
            if steady_since and now - steady_since > CALM and now - self.began > least:
                return max(self.back.values(), default=0.0)


def pages_of(scene: Scene) -> dict[str, Callable[[], Page]]:
    return {one.role: lambda one=one: one.page for one in scene.all}


def watched(scene: Scene) -> Watch:
    """A watch that begins now and knows how everything stands."""
    watch = Watch(pages_of(scene))
    watch.look()
    watch.began = time.monotonic()
    return watch


# --- what must be as it was ---


def standing(scene: Scene) -> dict[str, Any]:
    """Mode, channels, languages, gains, the recording and one's agreement to it, as each person has
    them.
    """
    kept = (
        "liveOn",
        "listens",
        "pair",
        "gain",
        "sound",
        "slot",
        "mic",
        "camera",
        "sharing",
        "place",
    )
    script = """(kept) => {
      const { mode, you, recording, seats } = window.consilium.state;
      const places = seats.map((seat) => kept.map((name) => seat[name]));
      return [mode, you.originalGain, recording, places];
    }"""
    return {one.role: one.page.evaluate(script, kept) for one in scene.all}


def writes(one: Guest, text: str) -> None:
    """Writes without a look at the panel, which may be shut."""
    one.page.evaluate(
        """(text) => {
      const panel = document.getElementById("panel-chat");
      panel.querySelector("textarea").value = text;
      panel.querySelector("form").requestSubmit();
    }""",
        text,
    )


def writes_once_the_web_is_gone(one: Guest, text: str) -> None:
    """The page's ``unsent`` is then what the chat says for as long as the line is lost."""
    one.page.evaluate(
        """(text) => {
      const panel = document.getElementById("panel-chat");
      let isWritten = false;
      const timer = setInterval(() => {
        const isLost = document.getElementById("line-state").dataset.quality === "lost";
        const lines = panel.querySelector('[data-testid="chat-lines"]');
        if (isLost && isWritten) window.unsent = lines.textContent;
        if (isWritten && !isLost) clearInterval(timer);
        if (!isLost || isWritten) return;
        isWritten = true;
        panel.querySelector("textarea").value = text;
        panel.querySelector("form").requestSubmit();
      }, 50);
    }""",
        text,
    )


def chats(scene: Scene) -> dict[str, list[list[Any]]]:
    return {one.role: one.page.evaluate(CHAT) for one in scene.all}


def everyone_has_read(scene: Scene, expected: list[str], within: float = 30) -> None:
    """Each line once, in one order, at everybody's. What was on its way when the web died may come
    after the next.
    """
    deadline = time.monotonic() + within
    while True:
        with contextlib.suppress(Error):
            lines = chats(scene)
            if all(sorted(text for _, text in each) == sorted(expected) for each in lines.values()):
                first = lines[scene.doctor.role]
                assert [number for number, _ in first] == list(range(1, len(expected) + 1)), lines
                assert all(each == first for each in lines.values()), lines
                return
        if time.monotonic() > deadline:
            raise AssertionError(f"expected {expected}, found {chats(scene)}")
        scene.doctor.wait(200)


# --- what happens ---


def reload_the_tab(scene: Scene) -> float:
    watch = watched(scene)
    with contextlib.suppress(Error):
        scene.patient.page.evaluate("() => { location.reload(); }")
    return watch.until_all_is_back(least=3, within=40)


def lose_the_network(scene: Scene, seconds: float = 8.0) -> float:
    """The network is gone for a while, for the page and for its packets, and comes back. From its
    return on.
    """
    patient = scene.patient
    seat = scene.seat_of(patient)
    scene.weather(out=[seat])
    patient.context.set_offline(True)
    scene.doctor.wait(seconds * 1000)
    scene.weather()
    watch = watched(scene)
    patient.context.set_offline(False)
    return watch.until_all_is_back(least=3, within=40)


def change_the_address(scene: Scene, number: int = 1) -> float:
    """The packets' way is dead from one moment to the next, and nobody tells the page: only another
    one bears.
    """
    watch = watched(scene)
    scene.weather(cut=[scene.seat_of(scene.patient)], number=number)
    return watch.until_all_is_back(least=4, within=40)


def freeze_the_page(scene: Scene, seconds: float = 6.0) -> float:
    """As a browser freezes a tab that nobody looks at. From the thaw on."""
    patient = scene.patient
    client = patient.context.new_cdp_session(patient.page)
    client.send("Page.setWebLifecycleState", {"state": "frozen"})
    scene.doctor.wait(seconds * 1000)
    watch = Watch(pages_of(scene))
    client.send("Page.setWebLifecycleState", {"state": "active"})
    return watch.until_all_is_back(least=3, within=40)


def sleep_and_wake(scene: Scene, seconds: float = 20.0) -> float:
    """A closed laptop: the whole browser stands still (SIGSTOP), longer than the node waits. From
    its waking on.
    """
    family = family_of(browser_of(scene, scene.patient))
    for each in family:
        os.kill(each, signal.SIGSTOP)
    time.sleep(seconds)
    watch = Watch(pages_of(scene))
    for each in family:
        os.kill(each, signal.SIGCONT)
    return watch.until_all_is_back(least=3, within=60)


def take_over_in_another_tab(scene: Scene) -> float:
    """From the new tab's address on; the scene's page is the new one afterwards."""
    patient = scene.patient
    second = patient.context.new_page()
    watch = watched(scene)
    watch.pages["patient"] = lambda: second
    with contextlib.suppress(Error):
        second.goto(f"{scene.house.url}/consults/{scene.consult_id}", wait_until="commit")
    took = watch.until_all_is_back(least=3, within=40)
    patient.page.close()
    patient.page = second
    return took


def kill_the_media_node(scene: Scene) -> float:
    watch = watched(scene)
    scene.house.processes["media"].kill()
    return watch.until_all_is_back(least=6, within=60)


def kill_the_web(scene: Scene, then: Callable[[], object] = lambda: None) -> float:
    watch = watched(scene)
    scene.house.processes["web0"].kill()
    then()
    return watch.until_all_is_back(least=6, within=60)


def browser_of(scene: Scene, one: Guest) -> int:
    """The first process of a person's browser: it carries their microphone's name, and no type."""
    voice = str(scene.house.folder / f"{one.role}.wav").encode()
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes()
            if voice in words and b"--type=" not in words:
                return int(entry.parent.name)
    raise AssertionError(f"no browser of {one.role}")


def family_of(pid: int) -> list[int]:
    """A process and all that it started."""
    found: list[int] = []
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = entry.read_text().rsplit(")", 1)[1].split()
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1], [])
    return found
