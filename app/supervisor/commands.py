"""The commands of `./consilium`, run inside the virtual environment."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from . import install
from .children import Child, Supervisor, unready
from .database import Preparation
from .install import ROOT

if TYPE_CHECKING:
    from config import Settings

SETTINGS = "CONSILIUM_"
WILDCARDS = {"0.0.0.0": "127.0.0.1", "::": "::1"}
LAST = ("setup", "journeys")  # real processes and real browsers, after everything quick


def run(asked: argparse.Namespace) -> int:
    """Sets up, starts web, media and jobs, and stays until it is told to stop."""
    os.environ |= {
        "CONSILIUM_MODE": "demo" if asked.demo else "production",
        "CONSILIUM_HOST": asked.host,
        "CONSILIUM_PORT": str(asked.port),
        "CONSILIUM_DATA_DIR": str(asked.data.absolute()),
        "FLASK_APP": "wsgi",
        "PYTHONUNBUFFERED": "1",
    }
    settings = _settings()
    if fault := _port_fault(asked.host, asked.port):
        print(fault, file=sys.stderr)
        return 2
    # the media node reads no files: what it shares with the web comes through its environment
    os.environ |= {
        "CONSILIUM_SECRET_KEY": settings.secret_key,
        "CONSILIUM_WEB_URL": settings.web_url,
        "CONSILIUM_STORAGE_URL": settings.storage_url,
    }
    print("Setting up Consilium:", file=sys.stderr)
    for warning in install.debian_packages(install.FOR_RUNNING):
        print(f"  {warning} Until then PDFs lack some scripts.", file=sys.stderr)
    install.browser_bundle()
    install.catalogues()
    preparation = Preparation(settings)
    where = WILDCARDS.get(asked.host, asked.host)

    def missing() -> str:
        return preparation.missing() or unready((where, asked.port))

    def when_ready() -> None:
        print(f"\nConsilium is ready: http://{_address(where, asked.port)}", flush=True)
        print(preparation.printed, flush=True)

    children = [
        Child("web", _web(asked.host, asked.port)),
        Child("media", [sys.executable, "-m", "app.media"]),
        Child("jobs", [sys.executable, "-m", "app.jobs"]),
    ]
    os.chdir(ROOT)
    try:
        return Supervisor(children, os.environ, missing, when_ready).run()
    finally:
        preparation.abandon()


def _settings() -> Settings:
    """The settings, or the end: status 2 and a sentence for each that is missing or wrong."""
    from config import Settings

    try:
        return Settings.load()
    except SystemExit as refusal:
        print(refusal, file=sys.stderr)
        raise SystemExit(2) from None


def _port_fault(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as failure:
            if failure.errno == errno.EADDRINUSE:
                return (
                    f"Port {port} is in use by another program. "
                    f"Choose another one: ./consilium run --port {port + 1}"
                )
            return f"Consilium cannot listen on {host} port {port}: {failure.strerror or failure}."
    return ""


def _web(host: str, port: int) -> list[str]:
    # One worker with threads: Flask-SocketIO in threading mode keeps its clients in one process.
    # Several web processes need Redis between them; see the README.
    return [
        sys.executable,
        "-m",
        "gunicorn",
        "--no-control-socket",
        "--worker-class",
        "gthread",
        "--workers",
        "1",
        "--threads",
        "100",
        "--bind",
        _address(host, port),
        "--timeout",
        "120",
        "--graceful-timeout",
        "2",
        "--keep-alive",
        "5",
        "--log-level",
        "warning",
        "wsgi:app",
    ]


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def test(asked: argparse.Namespace) -> int:
    """Everything that CI runs: lint, catalogues, bundle, then pytest, whose exit code counts."""
    missing = install.debian_packages(install.FOR_TESTING)
    if missing:
        print("The tests cannot run.", *missing, sep="\n", file=sys.stderr)
        return 1
    for sentence in install.where_possible(install.WELCOME_FOR_TESTING):
        print(sentence, file=sys.stderr)
    install.browser_bundle()
    install.catalogues()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)
    }
    lint = subprocess.call([sys.executable, "-m", "ruff", "check", "--quiet", "."], cwd=ROOT)
    tests = subprocess.call(
        [sys.executable, "-m", "pytest", *(asked.rest or _everything())], cwd=ROOT, env=environment
    )
    if lint and not tests:
        print("The tests passed; ruff did not: see its words above them.", file=sys.stderr)
    return tests or lint


def _everything() -> list[str]:
    found = sorted((ROOT / "tests").glob("*"))
    tests = [
        path
        for path in found
        if path.match("test_*.py") or (path.is_dir() and next(path.rglob("test_*.py"), None))
    ]
    tests.sort(key=lambda path: LAST.index(path.name) if path.name in LAST else -1)
    return [str(path.relative_to(ROOT)) for path in tests]


def bench(asked: argparse.Namespace) -> int:
    """Runs one benchmark, in settings of its own."""
    name, *rest = asked.rest
    there = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("[a-z]*.py"))
    if name not in there:
        known = ", ".join(there) or "none yet"
        print(f"There is no benchmark ‘{name}’. There are: {known}.", file=sys.stderr)
        return 2
    install.browser_bundle()
    install.catalogues()
    environment = {key: value for key, value in os.environ.items() if not key.startswith(SETTINGS)}
    os.chdir(ROOT)
    os.execve(
        sys.executable, [sys.executable, "-m", f"tests.benchmarks.{name}", *rest], environment
    )


def flask(asked: argparse.Namespace) -> int:
    """A chore of the application, for the demo unless the settings say that this is a real
    installation.
    """
    words = asked.rest if asked.command == "flask" else [asked.command, *asked.rest]
    real = "CONSILIUM_SECRET_KEY" in os.environ
    os.environ.setdefault("CONSILIUM_MODE", "production" if real else "demo")
    os.environ.setdefault("CONSILIUM_DATA_DIR", str(ROOT / "data"))
    os.environ["FLASK_APP"] = str(ROOT / "wsgi.py")
    _settings()
    install.catalogues()
    os.execv(sys.executable, [sys.executable, "-m", "flask", *words])


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run,
    "test": test,
    "bench": bench,
    "audit": flask,
    "check": flask,
    "flask": flask,
}
