"""Settings: read once from the environment (prefix CONSILIUM_), validated, frozen. A missing secret
is fatal.
"""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path
from typing import Literal

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Misconfigured(SystemExit):
    """The settings do not allow a start; the message names each one and why."""


class Settings(BaseSettings):
    """All that can be set. `mode` is `demo`, `test` or `production`."""

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
    hospital_name: str = "Consilium"

    @classmethod
    def load(cls, **overrides: object) -> Settings:
        """Reads the environment. Raises `Misconfigured` with one sentence per setting that is
        missing or wrong.
        """
        try:
            settings = cls(**overrides)  # type: ignore[arg-type]
        except ValidationError as error:
            faults = [f"CONSILIUM_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
            raise Misconfigured("Consilium cannot start. " + "; ".join(faults)) from None
        if settings.mode == "demo":
            settings = settings.model_copy(update=_demo_secrets(settings))
        settings = settings.model_copy(update=_derived(settings))
        faults = list(_faults(settings))
        if faults:
            raise Misconfigured(
                "Consilium cannot start:\n" + "\n".join(f"  - {fault}" for fault in faults)
            )
        return settings

    @property
    def is_demo(self) -> bool:
        return self.mode == "demo"

    @property
    def is_https(self) -> bool:
        return self.web_url.startswith("https://")


def _derived(settings: Settings) -> dict[str, object]:
    data = settings.data_dir.absolute()
    embedded = settings.mode != "production"  # a hospital says where its cases and records live
    return {
        "data_dir": data,
        "database_url": (
            settings.database_url or (f"sqlite:///{data}/consilium.db" if embedded else "")
        ),
        "storage_url": settings.storage_url or (f"file://{data}/objects" if embedded else ""),
        "web_url": (settings.web_url or f"http://{settings.host}:{settings.port}").rstrip("/"),
    }


def _demo_secrets(settings: Settings) -> dict[str, object]:
    """Demo data gets its own secrets, made on first use and kept beside it, readable by the owner
    only.
    """
    folder = settings.data_dir.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "secret_key": lambda: secrets.token_hex(32),
        "master_keys": lambda: "demo:" + base64.b64encode(secrets.token_bytes(32)).decode(),
    }
    kept: dict[str, object] = {}
    for name, make in makers.items():
        if getattr(settings, name):
            continue
        path = folder / f"{name}.secret"
        try:
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(make())
        except FileExistsError:
            pass
        kept[name] = path.read_text().strip()
    return kept


def _faults(settings: Settings) -> list[str]:
    faults = []
    required = {
        "secret_key": "signs sessions and tickets; use 32 random bytes or more",
        "master_keys": "encrypts records and names; ‘id:base64 of 32 bytes’, newest first",
        "database_url": "where the cases live, for example postgresql://…/consilium",
        "storage_url": "where the encrypted records live: file:///… or s3://bucket/prefix",
    }
    for name, why in required.items():
        if not getattr(settings, name):
            faults.append(
                f"CONSILIUM_{name.upper()} is missing: it {why}."
                if name.endswith(("key", "keys"))
                else f"CONSILIUM_{name.upper()} is missing: it says {why}."
            )
    if settings.secret_key and len(settings.secret_key) < 32:
        faults.append("CONSILIUM_SECRET_KEY is too short: it needs at least 32 characters.")
    if settings.is_demo and settings.host not in LOOPBACK:
        faults.append(
            f"CONSILIUM_HOST is {settings.host}: demo data may only listen on this machine"
            " (127.0.0.1)."
        )
    if bool(settings.turn_url) != bool(settings.turn_secret):
        faults.append(
            "CONSILIUM_TURN_URL and CONSILIUM_TURN_SECRET belong together: set both or neither."
        )
    return faults
