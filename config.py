"""Settings: read once from the environment (prefix ``CONSILIUM_``), checked, and frozen.

Outside the demo and the tests a missing secret stops the start, with a sentence that says which and
why.
"""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
MIN_SECRET_KEY_CHARACTERS = 32
NEW_SECRET_KEY_BYTES = 32
NEW_MASTER_KEY_BYTES = 32  # AES-256
REQUIRED_SETTINGS = {
    "secret_key": "it signs sessions and tickets. Use 32 random bytes or more",
    "master_keys": (
        "they encrypt records and names. Write name:key, where the key is 32 random bytes in"
        " base64; the newest comes first"
    ),
    "database_url": "it says where the cases are kept, for example postgresql://…/consilium",
    "storage_url": "it says where the encrypted records are kept, file:///… or s3://bucket/prefix",
}


class Misconfigured(SystemExit):
    """The settings do not allow a start. ``faults`` has a sentence for each that is missing or
    wrong.
    """

    def __init__(self, faults: Sequence[str]) -> None:
        self.faults = tuple(faults)
        super().__init__(
            "Consilium cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults)
        )


class Settings(BaseSettings):
    """Everything that can be set. Nothing changes after ``load``."""

    model_config = SettingsConfigDict(env_prefix="CONSILIUM_", frozen=True, extra="ignore")

    mode: Literal["demo", "test", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = 8000
    web_url: str = ""
    data_dir: Path = Path("data")
    database_url: str = ""
    redis_url: str | None = None
    storage_url: str = ""
    secret_key: str = ""
    master_keys: str = ""
    media_public_address: str = "127.0.0.1"
    media_ports: str = "40000-49999"
    turn_url: str | None = None
    turn_secret: str | None = None
    smtp_url: str | None = None
    mail_from: str = "Consilium <no-reply@consilium.example>"
    clamd: str | None = None
    metrics_token: str | None = None
    behind_proxy: bool = False
    require_second_factor: bool | None = None
    limit_staff_sessions: bool | None = None
    hospital_name: str = "Consilium"

    @classmethod
    def load(cls, **overrides: object) -> Settings:
        """Reads the environment. Raises ``Misconfigured`` where something is missing or wrong.

        In the demo, missing secrets are made and kept in ``data_dir``.
        """
        try:
            settings = cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = [f"CONSILIUM_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
            raise Misconfigured(faults) from None
        if settings.is_demo:
            settings = settings.model_copy(update=_load_demo_secrets(settings))
        settings = settings.model_copy(update=_derive_defaults(settings))
        if faults := _find_faults(settings):
            raise Misconfigured(faults)
        return settings

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def is_second_factor_required(self) -> bool:
        """Whether staff need a second step at sign-in. Unless it is set, they do outside the demo
        and the tests.
        """
        if self.require_second_factor is None:
            return self.mode == "production"
        return self.require_second_factor

    @property
    def limits_staff_sessions(self) -> bool:
        """Whether staff are locked out after 15 minutes without activity, and signed out after 12
        hours. Unless it is set, they are outside the demo and the tests.
        """
        if self.limit_staff_sessions is None:
            return self.mode == "production"
        return self.limit_staff_sessions

    @property
    def is_https(self) -> bool:
        return self.web_url.startswith("https://")


def _derive_defaults(settings: Settings) -> dict[str, object]:
    """What follows from other settings. Only a hospital must say where cases and records live."""
    data = settings.data_dir.absolute()
    embedded = settings.mode != "production"
    return {
        "data_dir": data,
        "database_url": (
            settings.database_url or (f"sqlite:///{data}/consilium.db" if embedded else "")
        ),
        "storage_url": settings.storage_url or (f"file://{data}/objects" if embedded else ""),
        "web_url": (settings.web_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
    }


def _load_demo_secrets(settings: Settings) -> dict[str, object]:
    """The demo's own secrets, made on first use and kept in its data folder."""
    folder = settings.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "secret_key": lambda: secrets.token_hex(NEW_SECRET_KEY_BYTES),
        "master_keys": lambda: (
            "demo:" + base64.b64encode(secrets.token_bytes(NEW_MASTER_KEY_BYTES)).decode()
        ),
    }
    kept: dict[str, object] = {}
    for name, make in makers.items():
        if getattr(settings, name):
            continue
        path = folder / f"{name}.secret"
        if not path.exists() or not path.read_text().strip():
            path.unlink(missing_ok=True)  # an earlier start was interrupted
            _keep_secret(path, make())
        kept[name] = path.read_text().strip()
    return kept


def _keep_secret(path: Path, secret: str) -> None:
    """Holds afterwards: the file has a whole secret, readable by its owner only. Where another
    process was first, it is that one's.
    """
    draft = path.with_suffix(f".{os.getpid()}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    except OSError:  # a file system without hard links
        draft.rename(path)
    draft.unlink(missing_ok=True)


def _find_faults(settings: Settings) -> list[str]:
    faults = [
        f"CONSILIUM_{name.upper()} is missing: {why}."
        for name, why in REQUIRED_SETTINGS.items()
        if not getattr(settings, name)
    ]
    if settings.secret_key and len(settings.secret_key) < MIN_SECRET_KEY_CHARACTERS:
        faults.append(
            "CONSILIUM_SECRET_KEY is too short:"
            f" it needs at least {MIN_SECRET_KEY_CHARACTERS} characters."
        )
    if settings.is_demo and settings.host not in LOOPBACK_HOSTS:
        faults.append(
            f"CONSILIUM_HOST is {settings.host}: the demo may listen on this machine only"
            " (127.0.0.1)."
        )
    if bool(settings.turn_url) != bool(settings.turn_secret):
        faults.append(
            "CONSILIUM_TURN_URL and CONSILIUM_TURN_SECRET belong together: set both or neither."
        )
    return faults
