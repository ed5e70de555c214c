"""Debian's Firefox ESR, driven through its own Marionette: as much of a browser as the media tests
ask for.

Playwright drives only a patched build of its own. Marionette is a line of ``length:[type, id, name,
body]`` on a loopback port
(https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html); a page here answers to
the names that Playwright's has, so the same stories are told of both.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

START_SECONDS = 60.0
ANSWER_SECONDS = 60.0
PREFERENCES = {
    "marionette.port": 0,
    "permissions.default.camera": 1,
    "permissions.default.microphone": 1,
    "media.navigator.streams.fake": True,
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    # Without another network than the loopback it would take itself for offline.
    "network.manage-offline-status": False,
    "network.connectivity-service.enabled": False,
    "network.captive-portal-service.enabled": False,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "browser.safebrowsing.downloads.remote.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "toolkit.startup.max_resumed_crashes": -1,
}


def why_not() -> str | None:
    """Why the tests of Firefox are skipped here; ``None`` where they run. In CI they always run, so
    that they fail where Firefox is missing.
    """
    return (
        None
        if shutil.which("firefox-esr") or os.environ.get("CI") == "true"
        else "Firefox ESR is not here: apt-get install firefox-esr."
    )


class Marionette:
    """One question at a time. Raises AssertionError with Firefox's own words when it refuses."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS)
        self._stream = self._socket.makefile("rb")
        self._count = 0
        self._read()

    def ask(self, name: str, **body: Any) -> Any:
        self._count += 1
        text = json.dumps([0, self._count, name, body]).encode()
        self._socket.sendall(b"%d:%s" % (len(text), text))
        _, number, error, answer = self._read()
        assert number == self._count
        assert error is None, f"{name}: {error['message']}"
        return answer

    def _read(self) -> Any:
        digits = b""
        while (byte := self._stream.read(1)) != b":":
            assert byte, "Firefox hung up"
            digits += byte
        return json.loads(self._stream.read(int(digits)))

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


class Firefox:
    """A fresh headless Firefox with pretended devices, in a profile of its own. A context
    manager.
    """

    def __init__(self, folder: Path, preferences: dict[str, object] | None = None) -> None:
        self._folder = folder
        self._preferences = PREFERENCES | (preferences or {})

    def __enter__(self) -> Firefox:
        self._folder.mkdir(parents=True, exist_ok=True)
        rows = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in self._preferences.items()
        ]
        (self._folder / "user.js").write_text("\n".join(rows))
        self._process = subprocess.Popen(
            [
                "firefox-esr",
                "--headless",
                "--no-remote",
                "--marionette",
                "--remote-allow-system-access",
                "--profile",
                str(self._folder),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.marionette = Marionette(self._port())
            self.marionette.ask(
                "WebDriver:NewSession", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}}
            )
            self.marionette.ask("WebDriver:SetTimeouts", script=int(ANSWER_SECONDS * 1000))
            self._first_window = self.marionette.ask("WebDriver:GetWindowHandle")["value"]
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(AssertionError, OSError):
            self.marionette.ask("Marionette:Quit", flags=["eForceQuit"])
        self.marionette.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _port(self) -> int:
        """Firefox chooses a free one and writes it down."""
        told, end = self._folder / "MarionetteActivePort", time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            assert self._process.poll() is None, f"Firefox ended with {self._process.returncode}"
            with contextlib.suppress(OSError, ValueError):
                return int(told.read_text())
            time.sleep(0.1)
        raise AssertionError("Firefox did not say where it listens")

    def believe(self, authority: Path) -> None:
        """Takes a certificate (PEM) for one that may vouch for servers; a relay's among them."""
        text = "".join(
            row for row in authority.read_text().splitlines() if not row.startswith("--")
        )
        self.marionette.ask("WebDriver:SwitchToWindow", handle=self._first_window, focus=False)
        self.marionette.ask("Marionette:SetContext", value="chrome")
        self.marionette.ask(
            "WebDriver:ExecuteScript",
            args=[text],
            sandbox="system",
            script=(
                'Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB)'
                '.addCertFromBase64(arguments[0], "C,,")'
            ),
        )
        self.marionette.ask("Marionette:SetContext", value="content")

    def new_page(self) -> Page:
        """In a window of its own, to the fore: behind another, a page gets no camera and is slowed
        down.
        """
        self.marionette.ask("WebDriver:SwitchToWindow", handle=self._first_window, focus=False)
        return Page(
            self.marionette,
            self.marionette.ask("WebDriver:NewWindow", type="window", focus=True)["handle"],
        )


class Page:
    """What the stories use of Playwright's page, under the same names."""

    def __init__(self, marionette: Marionette, handle: str) -> None:
        self._marionette, self._handle = marionette, handle

    def goto(self, url: str) -> None:
        self._ask("WebDriver:Navigate", url=url)

    def evaluate(self, expression: str) -> Any:
        """The value of an expression, awaited."""
        script = (
            f"const done = arguments[arguments.length - 1];(async () => ({expression}))().then((it)"
            " => done([true, it ?? null]), (it) => done([false, String(it)]));"
        )
        went_well, value = self._ask(
            "WebDriver:ExecuteAsyncScript", script=script, args=[], sandbox=None
        )["value"]
        assert went_well, value
        return value

    def wait_for_function(self, expression: str) -> None:
        end = time.monotonic() + ANSWER_SECONDS
        while not self.evaluate(expression):
            assert time.monotonic() < end, f"{expression} did not come true"
            time.sleep(0.05)

    def close(self) -> None:
        self._ask("WebDriver:CloseWindow")

    def _ask(self, name: str, **body: Any) -> Any:
        self._marionette.ask("WebDriver:SwitchToWindow", handle=self._handle, focus=True)
        return self._marionette.ask(name, **body)
