"""``./consilium check``: the versions in use, and what is wrong with this installation.

Nothing here needs the web application to start, because it is run when that does not. Each check
looks at one part, changes nothing that lasts, and never raises.
"""

from __future__ import annotations

import os
import re
import smtplib
import stat
import sys
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from app.core import crypto
from app.core.blobs import BlobMissing, BlobStore, StoreFailed
from app.core.clock import now
from app.core.db import Database
from app.core.ids import new_id
from app.core.runtime.zone_rules import describe_zone_rules, find_zones_with_other_rules
from app.core.slices import get_slices
from app.media import doctor
from app.notifications.post import MailServerNotEncrypted, try_smtp_login
from config import Misconfigured, Settings

ROOT = Path(__file__).parent.parent
MAIN_LIBRARIES = (
    "flask",
    "flask-socketio",
    "gunicorn",
    "sqlalchemy",
    "alembic",
    "psycopg",
    "cryptography",
    "aiortc",
    "pydicom",
    "icalendar",
    "babel",
    "typst",
)
REDIS_ANSWER_TIMEOUT_SECONDS = 3.0
CONNECT_TIMEOUT_SECONDS = 5  # of PostgreSQL; libpq takes whole seconds


@dataclass(frozen=True)
class HealthFinding:
    """``verdict`` is ``good``, ``doubt`` (it may be meant so, or cannot be known from here) or
    ``bad``.
    """

    verdict: str
    sentence: str


HealthCheck = Callable[[Settings], list[HealthFinding]]


def _good(sentence: str) -> list[HealthFinding]:
    return [HealthFinding("good", sentence)]


def _doubt(sentence: str) -> list[HealthFinding]:
    return [HealthFinding("doubt", sentence)]


def _bad(sentence: str) -> list[HealthFinding]:
    return [HealthFinding("bad", sentence)]


def list_versions() -> list[tuple[str, str]]:
    """Names and versions of Python, the main libraries and the time zone rules."""
    return [
        ("python", ".".join(map(str, sys.version_info[:3]))),
        *((name, metadata.version(name)) for name in MAIN_LIBRARIES),
        ("tzdata", describe_zone_rules()),
    ]


def check_everything(settings: Settings) -> list[HealthFinding]:
    """All findings, in the order of ``HEALTH_CHECKS``."""
    return [finding for check in HEALTH_CHECKS for finding in check(settings)]


# --- the parts ------------------------------------------------------------------------------------


def check_zone_rules(settings: Settings) -> list[HealthFinding]:
    """Whether the time zone rules are those of the locked ``tzdata`` package."""
    version, locked = metadata.version("tzdata"), _read_locked_version("tzdata")
    if version != locked:
        return _bad(
            f"tzdata {version} is installed, but requirements.txt asks for {locked}: consultations"
            " may be shown an hour off. Install the locked packages."
        )
    if wrong := find_zones_with_other_rules(now()):
        return _bad(
            f"The time zone rules in use are not those of tzdata {version}, for example in"
            f" {wrong[0]}: consultations may be shown an hour off."
        )
    return _good(
        f"Time zone rules come from tzdata {describe_zone_rules()}, not from this machine."
    )


def _read_locked_version(package: str) -> str:
    lock = (ROOT / "requirements.txt").read_text()
    found = re.search(rf"^{re.escape(package)}==(\S+)", lock, re.M)
    return found.group(1) if found else ""


def check_secrets(settings: Settings) -> list[HealthFinding]:
    """Whether the secrets can be used, and the demo's can be read by their owner only."""
    try:
        keyring = crypto.Keyring(settings.master_keys)
    except crypto.BadMasterKeys as error:
        return _bad(f"CONSILIUM_MASTER_KEYS cannot be used: {error}.")
    open_files = [
        path
        for path in settings.data_dir.glob("*.secret")
        if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    ]
    if open_files:
        return _bad(f"Other users of this machine can read {open_files[0]}: chmod 600 it.")
    return _good(f"The secrets are set. New data is encrypted under the key {keyring.current!r}.")


def check_web_address(settings: Settings) -> list[HealthFinding]:
    """Whether browsers will give the camera and microphone to pages at this address."""
    if settings.is_demo or settings.is_https:
        return _good(f"People reach Consilium at {settings.web_url}.")
    return _doubt(
        f"People reach Consilium at {settings.web_url}, without TLS. Browsers block camera"
        " and microphone there, except on this machine. Set CONSILIUM_WEB_URL to an https address."
    )


def check_database(settings: Settings) -> list[HealthFinding]:
    """Whether the database answers, has today's tables, and hears from jobs and media."""
    shown = make_url(settings.database_url).render_as_string(hide_password=True)
    file = settings.database_url.removeprefix("sqlite:///")
    is_file = file != settings.database_url
    if is_file and not Path(file).exists():
        return _doubt(f"There is no database at {file} yet: ./consilium run makes it.")
    try:
        database = Database(settings.database_url, connect_timeout_seconds=CONNECT_TIMEOUT_SECONDS)
        with closing(database):
            return [*_check_tables(database, shown), *_check_processes(database)]
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        return _bad(f"The database {shown} does not answer: {reason}.")


def _check_tables(database: Database, shown: str) -> list[HealthFinding]:
    scripts = ScriptDirectory(str(ROOT / "migrations"))
    with database.engine.connect() as connection:
        present = set(MigrationContext.configure(connection).get_current_heads())
    known = {script.revision for script in scripts.walk_revisions()}
    if present == set(scripts.get_heads()):
        return _good(f"The database {shown} answers and is up to date.")
    if present - known:
        return _bad(
            f"The database {shown} was made by a newer version of Consilium: install that version."
        )
    applied = {
        script.revision
        for head in present
        for script in scripts.iterate_revisions(head, "base")
        if script
    }
    missing = len(known - applied)
    return _bad(
        f"The database {shown} lacks {missing} of {len(known)} migrations: ./consilium run applies"
        " them when it starts."
    )


def _check_processes(database: Database) -> list[HealthFinding]:
    """What ``/readyz`` asks of each slice, from the reports in the database."""
    checks = get_slices().readiness_checks
    try:
        with database.sessions() as session:
            silent = [name for name, is_ready in checks.items() if not is_ready(session)]
    except SQLAlchemyError:
        return []  # without today's tables nobody can have reported
    if silent:
        return _doubt(f"Not running or not responding: {', '.join(silent)}.")
    return _good(f"Running: {', '.join(checks)}.")


def check_storage(settings: Settings) -> list[HealthFinding]:
    """Whether an object can be written, read and deleted."""
    try:
        keyring = crypto.Keyring(settings.master_keys)
    except crypto.BadMasterKeys:
        return []  # said by check_secrets
    try:
        store = BlobStore(settings.storage_url, keyring)
        object_id, content = f"check-{new_id()}", os.urandom(1000)
        stored = store.put(object_id, [content])
        try:
            is_same = b"".join(store.read(object_id, stored.wrapped_key)) == content
        finally:
            store.delete(object_id)
    except (StoreFailed, BlobMissing, OSError, ValueError) as error:
        reason = error.__cause__ or error
        return _bad(f"The storage {settings.storage_url} cannot be used: {reason}.")
    if not is_same:
        return _bad(
            f"The storage {settings.storage_url} returned different bytes from those written."
        )
    return _good(f"The storage {settings.storage_url} can be written and read.")


def check_mail(settings: Settings) -> list[HealthFinding]:
    """Whether the mail server accepted our sign-in. Sends nothing."""
    if not settings.smtp_url:
        sentence = "No mail server is set (CONSILIUM_SMTP_URL): messages are kept in the app."
        return _good(sentence) if settings.is_demo else _doubt(sentence)
    try:
        server = try_smtp_login(settings.smtp_url)
    except smtplib.SMTPAuthenticationError:
        return _bad("The mail server refused the user name or the password in CONSILIUM_SMTP_URL.")
    except MailServerNotEncrypted:
        return _bad(
            "The mail server offers no encryption, so the password in CONSILIUM_SMTP_URL is not"
            " sent: use smtps:// or a server with STARTTLS."
        )
    except (OSError, smtplib.SMTPException, ValueError) as error:
        return _bad(f"The mail server in CONSILIUM_SMTP_URL does not answer: {error}.")
    return _good(f"The mail server {server.host}, port {server.port}, accepted our sign-in.")


def check_redis(settings: Settings) -> list[HealthFinding]:
    """Whether Redis answers, where it is used."""
    if not settings.redis_url:
        return []
    try:
        with Redis.from_url(
            settings.redis_url, socket_connect_timeout=REDIS_ANSWER_TIMEOUT_SECONDS
        ) as client:
            client.ping()
    except (RedisError, ValueError) as error:
        return _bad(f"Redis (CONSILIUM_REDIS_URL) does not answer: {error}.")
    return _good("Redis answers.")


def check_media(settings: Settings) -> list[HealthFinding]:
    """Whether browsers can reach the media node and the relay as configured."""
    return [
        HealthFinding(finding.verdict, finding.sentence)
        for finding in doctor.check_media_configuration(settings)
    ]


HEALTH_CHECKS: tuple[HealthCheck, ...] = (
    check_zone_rules,
    check_secrets,
    check_web_address,
    check_database,
    check_storage,
    check_mail,
    check_redis,
    check_media,
)
CHECKS_BY_NAME: dict[str, HealthCheck] = {"media": check_media}


# --- the command ----------------------------------------------------------------------------------


def run_health_check(words: Sequence[str]) -> int:
    """``check`` prints versions and everything, ``check media`` the media node alone. Returns 1
    where something is bad, 2 for a word that it does not know.
    """
    if len(words) > 1 or any(word not in CHECKS_BY_NAME for word in words):
        known = "./consilium check, or ./consilium check media"
        print(f"Unknown check: {' '.join(words)}. Use {known}.", file=sys.stderr)
        return 2
    if not words:
        print(*(f"{name:<15} {version}" for name, version in list_versions()), sep="\n", end="\n\n")
    try:
        settings = Settings.load()
    except Misconfigured as misconfigured:
        return _print_findings([HealthFinding("bad", fault) for fault in misconfigured.faults])
    check = CHECKS_BY_NAME[words[0]] if words else check_everything
    return _print_findings(check(settings))


def _print_findings(findings: Sequence[HealthFinding]) -> int:
    for finding in findings:
        print(f"{finding.verdict:>5}  {finding.sentence}")
    return int(any(finding.verdict == "bad" for finding in findings))


if __name__ == "__main__":
    sys.exit(run_health_check(sys.argv[1:]))
