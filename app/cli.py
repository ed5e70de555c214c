"""Chores for the one who runs Consilium: `./consilium flask …` and `./consilium audit …`."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from flask_migrate import Migrate

from app.audit.queries import verify_chain
from app.core import rotation
from app.core.db import Base, Database
from app.i18n import gathering
from app.web.context import blobs, database, settings

MIGRATIONS = Path(__file__).parent.parent / "migrations"


class _Schema:
    """What Flask-Migrate asks of a database: its metadata and its engine."""

    def __init__(self, database: Database) -> None:
        self.metadata, self.engine = Base.metadata, database.engine


audit = AppGroup("audit", help="The audit trail.")


@audit.command("verify")
@click.option(
    "--head", default=None, help="A head hash exported earlier: shows a tail that was cut off."
)
def verify(head: str | None) -> None:
    """Walk the chain; exit 1 where an entry does not fit."""
    with database().sessions() as session:
        report = verify_chain(session, head)
    if report.broken_at is not None:
        click.echo(f"The audit trail is broken at entry {report.broken_at}.")
        sys.exit(1)
    click.echo(f"The audit trail holds: {report.entries} entries, head {report.head}.")


@click.command("seed-demo")
def seed_demo() -> None:
    """Put the demo people and cases into an empty demo database; a second time changes nothing."""
    from app.portal import demo

    if not settings().is_demo:
        raise click.ClickException("Demo data is only for the demo: CONSILIUM_MODE is not ‘demo’.")
    with database().unit_of_work() as session:
        demo.seed(session, settings())


@click.command("demo-accounts")
def demo_accounts() -> None:
    """Print the demo accounts and their password."""
    from app.portal import demo

    if not settings().is_demo:
        raise click.ClickException("There are no demo accounts here: CONSILIUM_MODE is not ‘demo’.")
    click.echo(demo.accounts_table())


@click.command("messages")
def messages() -> None:
    """Gather every sentence into the catalogues, and say what is still to be translated."""
    for tag in gathering.PLURALS:
        sentences, missing = gathering.merge(tag)
        click.echo(f"{tag}: {sentences} sentences, {missing} to translate")


check = AppGroup("check", help="Whether this installation is reachable as it is configured.")


@check.command("media")
def check_media() -> None:
    """Try the media node's addresses, ports and relay; exit 1 where one cannot work."""
    from app.media import doctor

    findings = doctor.examine_configured(settings())
    for finding in findings:
        click.echo(f"{finding.verdict:>5}  {finding.sentence}")
    if any(finding.verdict == "bad" for finding in findings):
        sys.exit(1)


@click.command("keys")
@with_appcontext
def keys() -> None:
    """Say what lies under which of the MASTER_KEYS; exit 1 where something lies under a key that is
    not there.
    """
    keyring = blobs().keyring
    with database().sessions() as session:
        count = rotation.under_each(session, keyring)
    click.echo(f"{keyring.current}: {count[keyring.current]} (the current key)")
    for name in keyring.names[1:]:
        click.echo(
            f"{name}: {count[name]} (the jobs bring them under the current key)"
            if count[name]
            else f"{name}: 0 (no longer needed: take it out of MASTER_KEYS)"
        )
    if count[rotation.LOST]:
        click.echo(f"{count[rotation.LOST]} cannot be read: their key is not in MASTER_KEYS.")
        sys.exit(1)


def install(app: Flask) -> None:
    Migrate(app, _Schema(app.extensions["database"]), directory=str(MIGRATIONS))
    app.cli.add_command(audit)
    app.cli.add_command(check)
    app.cli.add_command(keys)
    app.cli.add_command(messages)
    app.cli.add_command(seed_demo)
    app.cli.add_command(demo_accounts)
