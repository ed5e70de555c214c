"""A first start that is cut off in the middle leaves nothing that the next one stumbles over."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.core.db import Database
from config import Settings
from tests.processes import ROOT, House, wait_for

pytestmark = pytest.mark.late


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    database_url = f"sqlite:///{tmp_path}/consilium.db"
    return House(tmp_path, database_url, mode="demo").environment(1)


def prepare(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "app.supervisor.prepare", "--demo"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def count_people(folder: Path) -> int:
    database = Database(f"sqlite:///{folder}/consilium.db")
    with database.engine.connect() as connection:
        number = connection.exec_driver_sql("SELECT count(*) FROM people").scalar_one()
    database.close()
    return int(number)


def test_a_demo_that_was_cut_off_while_it_was_made_is_made_whole(environment, tmp_path):
    first = prepare(environment)
    # The first record of a case: people and cases exist in the open transaction by then.
    wait_for(lambda: any((tmp_path / "objects").glob("*/*")) or first.poll() is not None, 120)
    first.kill()
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    assert count_people(tmp_path) == 0

    second = prepare(environment)
    printed, complaints = second.communicate(timeout=240)
    assert second.returncode == 0, complaints
    assert printed.startswith("Demo accounts") and complaints == ""
    assert count_people(tmp_path) > 10


def test_the_secrets_of_a_demo_are_whole_though_a_start_was_cut_off(tmp_path):
    """An empty file is what a start left that ended between making and writing it."""
    (tmp_path / "secret_key.secret").touch(0o600)
    settings = Settings.load(mode="demo", data_dir=tmp_path)
    assert len(settings.secret_key) == 64
    assert settings == Settings.load(mode="demo", data_dir=tmp_path)
    for path in tmp_path.iterdir():
        assert path.suffix == ".secret" and path.stat().st_mode & 0o777 == 0o600


def test_two_starts_at_once_agree_on_the_secrets(tmp_path):
    program = (
        "import sys; from pathlib import Path; from config import Settings; input();"
        "s = Settings.load(mode='demo', data_dir=Path(sys.argv[1]));"
        "print(s.secret_key, s.master_keys)"
    )
    starts = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for start in starts:
        start.stdin.write("\n")
        start.stdin.flush()
    assert len({start.communicate(timeout=60)[0] for start in starts}) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "master_keys.secret",
        "secret_key.secret",
    ]
