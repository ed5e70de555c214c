"""Commands for whoever runs Consilium: ``./consilium flask …`` and ``check …``.

Slices add theirs through their manifests.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext
from flask_migrate import Migrate

from app.core import rotation
from app.core.db import Base, Database
from app.i18n import gathering
from app.web.context import get_blob_store, get_database

MIGRATIONS_FOLDER = Path(__file__).parent.parent / "migrations"


class _MigrateDatabase:
    """What Flask-Migrate needs of a database: its metadata and its engine."""

    def __init__(self, database: Database) -> None:
        self.metadata, self.engine = Base.metadata, database.engine


@click.command("messages")
def update_message_catalogues() -> None:
    """Collect every sentence into the catalogues; say how many wait for a translator."""
    for tag in gathering.list_translated_languages():
        for domain in gathering.list_domains(tag):
            sentences, missing = gathering.merge_catalogue(tag, domain)
            click.echo(f"{tag} {domain}: {sentences} sentences, {missing} to translate or review")


@click.command("check")
@click.argument("part", nargs=-1)
def check_health(part: tuple[str, ...]) -> None:
    """Print versions and what is wrong with this installation, or with one PART: media."""
    from app.health import run_health_check

    sys.exit(run_health_check(part))


@click.command("keys")
@with_appcontext
def print_key_usage() -> None:
    """Say how much each of the MASTER_KEYS encrypts; exit 1 where a key is missing."""
    keyring = get_blob_store().keyring
    with get_database().sessions() as session:
        count = rotation.count_values_by_key(session, keyring)
    click.echo(f"{keyring.current}: {count[keyring.current]} (the current key)")
    for name in keyring.names[1:]:
        click.echo(
            f"{name}: {count[name]} (the jobs encrypt them anew under the current key)"
            if count[name]
            else f"{name}: 0 (no longer needed: remove it from MASTER_KEYS)"
        )
    if count[rotation.LOST_KEY_NAME]:
        click.echo(
            f"{count[rotation.LOST_KEY_NAME]} cannot be read: their key is not in MASTER_KEYS."
        )
        sys.exit(1)


def install_commands(app: Flask) -> None:
    """Adds the commands that belong to no slice to ``flask``."""
    database = _MigrateDatabase(app.extensions["database"])
    Migrate(
        app,
        database,  # pyright: ignore[reportArgumentType] - asks only for these two attributes
        directory=str(MIGRATIONS_FOLDER),
    )
    app.cli.add_command(check_health)
    app.cli.add_command(print_key_usage)
    app.cli.add_command(update_message_catalogues)
