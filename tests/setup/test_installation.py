"""``./consilium init`` and the settings that later commands read."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import pytest

from app.supervisor.installation import (
    ENV_FILE_NAME,
    init_installation,
    load_installation,
    take_data_option,
)
from config import Settings


def init(*words: str) -> int:
    return init_installation(argparse.Namespace(rest=list(words)))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch):
    """An environment without settings, which is put back afterwards."""
    for name in [name for name in os.environ if name.startswith("CONSILIUM_")]:
        monkeypatch.delenv(name)
    before = dict(os.environ)
    yield monkeypatch
    for name in set(os.environ) - set(before):
        del os.environ[name]


def test_init_writes_settings_with_which_a_real_installation_starts(
    tmp_path: Path, environment, capsys
):
    folder = tmp_path / "hospital"
    assert init("--data", str(folder)) == 0
    said = capsys.readouterr().out
    for thing in ("CONSILIUM_WEB_URL", "CONSILIUM_SMTP_URL", "TURN", "Back up", "people invite"):
        assert thing in said
    file = folder / ENV_FILE_NAME
    assert file.stat().st_mode & 0o777 == 0o600
    assert load_installation(folder)
    environment.setenv("CONSILIUM_MODE", "production")
    environment.setenv("CONSILIUM_DATA_DIR", str(folder))
    settings = Settings.load()
    assert settings.database_url == f"sqlite:///{folder}/consilium.db"
    assert settings.storage_url == f"file://{folder}/objects"
    assert not settings.is_demo and settings.smtp_url is None


def test_a_second_init_changes_nothing(tmp_path: Path, capsys):
    init("--data", str(tmp_path))
    before = (tmp_path / ENV_FILE_NAME).read_bytes()
    assert init(f"--data={tmp_path}") == 0
    assert (tmp_path / ENV_FILE_NAME).read_bytes() == before
    assert "Nothing was changed" in capsys.readouterr().err


def test_every_init_has_secrets_of_its_own(tmp_path: Path):
    for name in ("one", "two"):
        init("--data", str(tmp_path / name))
    one, two = ((tmp_path / name / ENV_FILE_NAME).read_text() for name in ("one", "two"))
    secrets = [line for line in one.splitlines() if "KEY" in line and not line.startswith("#")]
    assert len(secrets) == 2 and not any(secret in two for secret in secrets)


def test_the_environment_wins(tmp_path: Path, environment):
    init("--data", str(tmp_path))
    environment.setenv("CONSILIUM_DATABASE_URL", "postgresql://elsewhere/consilium")
    load_installation(tmp_path)
    assert os.environ["CONSILIUM_DATABASE_URL"] == "postgresql://elsewhere/consilium"


def test_what_cannot_be_is_said(tmp_path: Path, capsys):
    (tmp_path / "file").write_text("")
    assert init("--data", str(tmp_path / "file" / "below")) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert init("--data", str(tmp_path), "--now") == 2
    assert "does not know --now" in capsys.readouterr().err
    assert not (tmp_path / ENV_FILE_NAME).exists()
    assert not load_installation(tmp_path)


@pytest.mark.parametrize(
    ("words", "folder", "rest"),
    [
        (["verify"], None, ["verify"]),
        (["verify", "--data", "x"], Path("x"), ["verify"]),
        (["--data=x", "invite", "--name", "y"], Path("x"), ["invite", "--name", "y"]),
        (["invite", "--data"], None, ["invite", "--data"]),
    ],
)
def test_the_folder_may_stand_anywhere_among_the_words(words, folder, rest):
    assert take_data_option(words) == (folder, rest)
