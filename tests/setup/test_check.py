"""``./consilium check`` says what is wrong with an installation, a sentence for each thing."""

from __future__ import annotations

import zoneinfo
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from flask_migrate import upgrade
from sqlalchemy import text

from app import create_app, health
from app.core.db import Database
from app.health import HealthFinding
from app.jobs.models import RunnerHeartbeat
from config import Settings
from tests.conftest import test_settings
from tests.ports import take_port
from tests.setup.test_commands import consilium


def verdicts(findings: list[HealthFinding]) -> set[str]:
    return {finding.verdict for finding in findings}


def the_bad_one(findings: list[HealthFinding]) -> str:
    """The one bad finding: a whole sentence on one line, in which no secret stands."""
    (sentence,) = [finding.sentence for finding in findings if finding.verdict == "bad"]
    assert sentence[0].isupper() or sentence.startswith(("tzdata", "30 rooms"))
    assert sentence.endswith(".") and "\n" not in sentence
    assert "Traceback" not in sentence and "hunter2" not in sentence
    return sentence


@pytest.fixture
def migrated(tmp_path: Path) -> Settings:
    """An installation as the first start leaves it."""
    settings = test_settings(tmp_path)
    app = create_app(settings)
    with app.app_context():
        upgrade()
    app.extensions["database"].close()
    return settings


@pytest.fixture
def in_database(migrated: Settings) -> Callable[[str], None]:
    def change(statement: str) -> None:
        database = Database(migrated.database_url)
        with database.unit_of_work() as session:
            session.execute(text(statement))
        database.close()

    return change


def test_of_a_sound_installation_nothing_is_bad(migrated):
    findings = health.check_everything(migrated)
    assert "bad" not in verdicts(findings)
    sentences = " ".join(finding.sentence for finding in findings)
    for part in ("tzdata", "secrets", "database", "storage", "mail", "public address", "relay"):
        assert part in sentences


def test_looking_leaves_nothing_behind(migrated):
    health.check_everything(migrated)
    assert [path for path in migrated.data_dir.rglob("objects/*/*") if path.is_file()] == []


def test_the_versions_are_those_that_run():
    versions = dict(health.list_versions())
    assert versions["python"].startswith("3.")
    assert {"flask", "sqlalchemy", "aiortc", "tzdata"} <= versions.keys()
    assert "IANA" in versions["tzdata"]


# --- time zones -----------------------------------------------------------------------------------


def test_zone_rules_of_another_source_are_bad(migrated, tmp_path):
    other = tmp_path / "zones" / "America" / "Vancouver"
    other.parent.mkdir(parents=True)
    source = resources.files("tzdata").joinpath("zoneinfo", "Asia", "Riyadh")
    other.write_bytes(source.read_bytes())
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath([str(tmp_path / "zones")])
        ZoneInfo.clear_cache()
        assert "America/Vancouver" in the_bad_one(health.check_zone_rules(migrated))
    finally:
        zoneinfo.reset_tzpath(before)
        ZoneInfo.clear_cache()


def test_another_tzdata_than_the_locked_one_is_bad(migrated, tmp_path, monkeypatch):
    (tmp_path / "requirements.txt").write_text("tzdata==2025.1 \\\n")
    monkeypatch.setattr(health, "ROOT", tmp_path)
    assert "asks for 2025.1" in the_bad_one(health.check_zone_rules(migrated))


# --- secrets --------------------------------------------------------------------------------------


def test_a_secret_that_others_can_read_is_bad(migrated):
    (migrated.data_dir / "secret_key.secret").touch(0o644)
    assert "chmod 600" in the_bad_one(health.check_secrets(migrated))


@pytest.mark.parametrize("keys", ["hunter2", "a:hunter2", "a:aHVudGVyMg=="])
def test_master_keys_that_cannot_be_used_are_bad_and_not_shown(migrated, keys):
    findings = health.check_everything(migrated.model_copy(update={"master_keys": keys}))
    assert "MASTER_KEYS" in the_bad_one(findings)


# --- the database ---------------------------------------------------------------------------------


def test_a_database_that_was_never_made_is_a_doubt(tmp_path):
    findings = health.check_database(test_settings(tmp_path))
    assert verdicts(findings) == {"doubt"} and "./consilium run" in findings[0].sentence
    assert list(tmp_path.iterdir()) == []


def test_a_database_that_does_not_answer_is_bad_and_its_password_not_shown(migrated):
    url = f"postgresql://someone:hunter2@127.0.0.1:{take_port()}/consilium"
    findings = health.check_database(migrated.model_copy(update={"database_url": url}))
    assert "does not answer" in the_bad_one(findings)


def test_a_file_that_is_no_database_is_bad(migrated):
    Path(migrated.database_url.removeprefix("sqlite:///")).write_text("hunter2" * 1000)
    assert "does not answer" in the_bad_one(health.check_database(migrated))


def test_a_database_without_todays_tables_is_bad(migrated, in_database):
    in_database("DELETE FROM alembic_version")
    assert "migrations" in the_bad_one(health.check_database(migrated))


def test_a_database_of_a_newer_version_is_bad(migrated, in_database):
    in_database("UPDATE alembic_version SET version_num = 'from_next_year'")
    assert "newer version" in the_bad_one(health.check_database(migrated))


def test_processes_that_are_not_heard_of_are_named(migrated):
    database = Database(migrated.database_url)
    with database.unit_of_work() as session:
        session.add(RunnerHeartbeat(id="a runner", seen_at=datetime.now(UTC)))
    database.close()
    (silent,) = [
        finding for finding in health.check_database(migrated) if finding.verdict == "doubt"
    ]
    assert "media" in silent.sentence and "jobs" not in silent.sentence


# --- storage, mail, Redis, the address ------------------------------------------------------------


def test_a_storage_that_cannot_be_written_is_bad(migrated, tmp_path):
    (tmp_path / "a file").write_text("in the way")
    url = f"file://{tmp_path}/a file/objects"
    findings = health.check_storage(migrated.model_copy(update={"storage_url": url}))
    assert "storage" in the_bad_one(findings)


def test_a_storage_that_is_none_is_bad(migrated):
    findings = health.check_storage(migrated.model_copy(update={"storage_url": "ftp://x"}))
    assert "STORAGE_URL" in the_bad_one(findings)


@pytest.fixture
def mail_server() -> Iterator[Controller]:
    controller = Controller(
        object(),
        hostname="127.0.0.1",
        port=take_port(),
        auth_require_tls=False,
        authenticator=lambda *_: AuthResult(success=False),
    )
    controller.start()
    yield controller
    controller.stop()


def mail_verdict(settings: Settings, url: str | None) -> list[HealthFinding]:
    return health.check_mail(settings.model_copy(update={"smtp_url": url}))


def test_a_mail_server_that_lets_us_in_is_good(migrated, mail_server):
    findings = mail_verdict(migrated, f"smtp://127.0.0.1:{mail_server.port}")
    assert verdicts(findings) == {"good"}


def test_a_mail_server_to_which_no_password_may_go_is_bad(migrated, mail_server):
    url = f"smtp://someone:hunter2@127.0.0.1:{mail_server.port}"
    assert "encryption" in the_bad_one(mail_verdict(migrated, url))


@pytest.mark.parametrize("url", ["smtp://someone:hunter2@127.0.0.1:{port}", "http://hunter2"])
def test_a_mail_server_that_does_not_answer_is_bad(migrated, url):
    findings = mail_verdict(migrated, url.replace("{port}", str(take_port())))
    assert "mail server" in the_bad_one(findings)


def test_no_mail_server_is_a_doubt_outside_the_demo(migrated):
    assert verdicts(mail_verdict(migrated, None)) == {"doubt"}
    demo = migrated.model_copy(update={"mode": "demo"})
    assert verdicts(mail_verdict(demo, None)) == {"good"}


def test_redis_that_does_not_answer_is_bad(migrated):
    assert health.check_redis(migrated) == []
    url = f"redis://127.0.0.1:{take_port()}/0"
    findings = health.check_redis(migrated.model_copy(update={"redis_url": url}))
    assert "Redis" in the_bad_one(findings)


def test_an_address_without_tls_is_a_doubt_outside_the_demo(migrated):
    plain = migrated.model_copy(update={"web_url": "http://consilium.example"})
    assert verdicts(health.check_web_address(plain)) == {"doubt"}
    secure = migrated.model_copy(update={"web_url": "https://consilium.example"})
    assert verdicts(health.check_web_address(secure)) == {"good"}


def test_media_ports_that_are_too_few_are_bad(migrated):
    few = migrated.model_copy(update={"media_ports": "40000-40001"})
    assert "CONSILIUM_MEDIA_PORTS" in the_bad_one(health.check_media(few))


# --- the command ----------------------------------------------------------------------------------


def test_the_command_prints_versions_and_findings_and_takes_no_zone_files_from_elsewhere(tmp_path):
    answer = consilium(
        "check", CONSILIUM_DATA_DIR=str(tmp_path), PYTHONTZPATH="/usr/share/zoneinfo"
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    versions, findings = answer.stdout.split("\n\n")
    assert versions.startswith("python ") and "tzdata " in versions
    lines = findings.splitlines()
    assert all(line[:5].strip() in ("good", "doubt") for line in lines)
    assert any("Time zone rules come from tzdata" in line for line in lines)
    assert not (tmp_path / "consilium.db").exists()


def test_the_command_fails_where_something_is_bad(tmp_path):
    ports = {"CONSILIUM_DATA_DIR": str(tmp_path), "CONSILIUM_MEDIA_PORTS": "40000-40001"}
    assert consilium("check", **ports).returncode == 1
    media = consilium("check", "media", **ports)
    assert media.returncode == 1 and "tzdata" not in media.stdout


def test_missing_secrets_are_findings_too():
    answer = consilium("check", CONSILIUM_SECRET_KEY="s" * 64)
    assert answer.returncode == 1
    for name in ("MASTER_KEYS", "DATABASE_URL", "STORAGE_URL"):
        assert f"  bad  CONSILIUM_{name} is missing" in answer.stdout
    assert "Traceback" not in answer.stderr


def test_an_unknown_part_is_named():
    answer = consilium("check", "everything")
    assert answer.returncode == 2 and "everything" in answer.stderr
