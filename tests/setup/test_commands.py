"""What ``./consilium`` says to someone who asks it the wrong thing, or nothing."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def consilium(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return subprocess.run(
        [str(ROOT / "consilium"), *words],
        env=clean | settings,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize("words", [[], ["--help"], ["help"]])
def test_help_names_every_command(words):
    answer = consilium(*words)
    assert answer.returncode == 0
    for command in ("run", "test", "bench", "audit verify", "check", "check media", "flask"):
        assert f"./consilium {command}" in answer.stdout
    for option in ("--no-demo", "--verbose", "--all", "--coverage"):
        assert option in answer.stdout


def test_the_help_of_the_tests_names_what_pytest_does_not_know():
    answer = consilium("test", "--help")
    assert answer.returncode == 0
    assert "--all" in answer.stdout and "--coverage" in answer.stdout


def test_the_help_of_the_benchmarks_names_each():
    answer = consilium("bench", "--help")
    assert answer.returncode == 0
    for path in (ROOT / "tests" / "benchmarks").glob("[a-z]*.py"):
        assert f"  {path.stem}\n" in answer.stdout
    unnamed = consilium("bench")
    assert unnamed.returncode == 2 and "./consilium bench --help" in unnamed.stderr


def test_an_unknown_command_is_named_and_the_help_offered():
    answer = consilium("rnu")
    assert answer.returncode == 2
    assert "‘rnu’" in answer.stderr and "./consilium --help" in answer.stderr


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1"])
def test_what_is_not_a_port_is_refused(port):
    answer = consilium("run", f"--port={port}")
    assert answer.returncode == 2
    assert f"‘{port}’ is not a port" in answer.stderr


def test_an_unknown_benchmark_is_named_with_those_that_there_are():
    answer = consilium("bench", "nothing")
    assert answer.returncode == 2
    assert "Unknown benchmark ‘nothing’" in answer.stderr


def test_a_real_installation_without_secrets_names_each_one_and_does_not_start(tmp_path):
    answer = consilium("run", "--no-demo", "--data", str(tmp_path))
    assert answer.returncode == 2
    for setting in ("SECRET_KEY", "MASTER_KEYS", "DATABASE_URL", "STORAGE_URL"):
        assert f"CONSILIUM_{setting}" in answer.stderr
    assert "Traceback" not in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_secret_that_is_set_is_not_called_missing(tmp_path):
    answer = consilium("run", "--no-demo", "--data", str(tmp_path), CONSILIUM_SECRET_KEY="s" * 64)
    assert answer.returncode == 2
    assert "CONSILIUM_SECRET_KEY" not in answer.stderr
    assert "CONSILIUM_MASTER_KEYS" in answer.stderr


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_demo_data_listens_on_this_machine_only(tmp_path, host):
    answer = consilium("run", "--host", host, "--data", str(tmp_path))
    assert answer.returncode == 2
    assert "the demo may listen on this machine only" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_taken_port_is_named_with_another_to_try(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = consilium("run", "--port", str(port), "--data", str(tmp_path))
    assert answer.returncode == 2
    assert f"Port {port} is in use" in answer.stderr and "--port" in answer.stderr
