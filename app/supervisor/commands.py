"""The commands of ``./consilium``, run inside the virtual environment. They return exit codes."""

from __future__ import annotations

import argparse
import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from . import checks, install
from .children import ChildProcess, Supervisor, describe_unready, print_block
from .database import DatabasePreparation
from .install import ROOT
from .installation import init_installation, load_installation, take_data_option

if TYPE_CHECKING:
    from config import Settings

WILDCARD_HOSTS = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def run_platform(asked: argparse.Namespace) -> int:
    """Installs what is missing, starts web, media and jobs, and runs until it is told to stop."""
    if not asked.demo:
        load_installation(asked.data.absolute())
    os.environ |= {
        "CONSILIUM_MODE": "demo" if asked.demo else "production",
        "CONSILIUM_HOST": asked.host,
        "CONSILIUM_PORT": str(asked.port),
        "CONSILIUM_DATA_DIR": str(asked.data.absolute()),
        "FLASK_APP": "wsgi",
        "PYTHONUNBUFFERED": "1",
    }
    if asked.verbose:
        os.environ["CONSILIUM_VERBOSE"] = "1"
    settings = _load_settings()
    if fault := _find_port_fault(asked.host, asked.port):
        print(fault, file=sys.stderr)
        return 2
    # The media node reads no files: what it shares with the web comes through its environment.
    os.environ |= {
        "CONSILIUM_SECRET_KEY": settings.secret_key,
        "CONSILIUM_WEB_URL": settings.web_url,
        "CONSILIUM_STORAGE_URL": settings.storage_url,
    }
    print("Setting up Consilium:", file=sys.stderr)
    for warning in install.install_debian_packages(install.PACKAGES_FOR_RUNNING):
        print(f"  {warning} Until then some writing systems are missing in PDFs.", file=sys.stderr)
    install.build_browser_bundle()
    install.compile_catalogues()
    preparation = DatabasePreparation(settings)
    host: str = asked.host
    where = WILDCARD_HOSTS.get(host, host)

    def missing() -> str:
        return preparation.missing() or describe_unready((where, asked.port))

    def when_ready() -> None:
        ready = f"Consilium is ready: http://{_format_address(where, asked.port)}"
        print_block(f"\n{ready}\n{preparation.printed}".rstrip())

    children = [
        ChildProcess("web", _web_command(asked.host, asked.port)),
        ChildProcess("media", [sys.executable, "-m", "app.media"]),
        ChildProcess("jobs", [sys.executable, "-m", "app.jobs"]),
    ]
    os.chdir(ROOT)
    try:
        return Supervisor(children, os.environ, missing, when_ready).run()
    finally:
        preparation.abandon()


def _load_settings() -> Settings:
    """The settings. Exits with status 2 and a sentence for each that is missing or wrong."""
    from config import Settings

    try:
        return Settings.load()
    except SystemExit as refusal:
        print(refusal, file=sys.stderr)
        raise SystemExit(2) from None


def _find_port_fault(host: str, port: int) -> str:
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


def _web_command(host: str, port: int) -> list[str]:
    # One worker with threads: Flask-SocketIO in threading mode keeps its clients in one process.
    # Several web processes need Redis between them; see docs/deploy.md.
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
        _format_address(host, port),
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


def _format_address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def run_tests(asked: argparse.Namespace) -> int:
    """Everything that CI runs: sets up, then runs the phases of ``checks``."""
    missing = install.install_debian_packages(install.PACKAGES_FOR_TESTING)
    if missing:
        print("The tests cannot run.", *missing, sep="\n", file=sys.stderr)
        return 1
    for sentence in install.install_optional_packages(install.OPTIONAL_PACKAGES_FOR_TESTING):
        print(sentence, file=sys.stderr)
    node = install.install_browser_libraries(with_tools=True)
    install.build_browser_bundle()
    install.compile_catalogues()
    return checks.run_phases(checks.list_phases(checks.CheckOptions.parse(asked.rest), node))


def run_benchmark(asked: argparse.Namespace) -> int:
    """Runs one benchmark, without the settings of this installation."""
    name, *rest = asked.rest
    there = sorted(path.stem for path in (ROOT / "tests" / "benchmarks").glob("[a-z]*.py"))
    if name not in there:
        print(f"Unknown benchmark ‘{name}’. Available: {', '.join(there)}.", file=sys.stderr)
        return 2
    install.build_browser_bundle()
    install.compile_catalogues()
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(checks.SETTINGS_PREFIX)
    }
    os.chdir(ROOT)
    os.execve(
        sys.executable, [sys.executable, "-m", f"tests.benchmarks.{name}", *rest], environment
    )


def start_health_check(asked: argparse.Namespace) -> int:
    """Says what is wrong with the installation, also where the application does not start."""
    words = _choose_installation(asked.rest)
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "app.health", *words])


def _choose_installation(words: list[str]) -> list[str]:
    """The words without ``--data DIR``. That folder, else the one that the settings name, else
    ./data, has the installation: a real one if it has settings of its own or the environment has a
    secret, and the demo otherwise.
    """
    folder, rest = take_data_option(words)
    folder = (folder or Path(os.environ.get("CONSILIUM_DATA_DIR", ROOT / "data"))).absolute()
    os.environ["CONSILIUM_DATA_DIR"] = str(folder)
    real = load_installation(folder) or "CONSILIUM_SECRET_KEY" in os.environ
    os.environ.setdefault("CONSILIUM_MODE", "production" if real else "demo")
    return rest


def run_flask_command(asked: argparse.Namespace) -> int:
    """Runs a command of the application (``app/cli.py``)."""
    words = _choose_installation(asked.rest)
    if asked.command != "flask":
        words = [asked.command, *words]
    os.environ["FLASK_APP"] = str(ROOT / "wsgi.py")
    _load_settings()
    install.compile_catalogues()
    os.execv(sys.executable, [sys.executable, "-m", "flask", *words])


COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "run": run_platform,
    "test": run_tests,
    "bench": run_benchmark,
    "audit": run_flask_command,
    "people": run_flask_command,
    "init": init_installation,
    "check": start_health_check,
    "flask": run_flask_command,
}
