"""``./consilium audit …``."""

from __future__ import annotations

import sys

import click
from flask.cli import AppGroup

from app.audit.queries import verify_audit_chain
from app.web.context import get_database

audit_commands = AppGroup("audit", help="The audit trail.")


@audit_commands.command("verify")
@click.option(
    "--head",
    default=None,
    help="A hash exported earlier: shows whether later entries were removed.",
)
def verify_audit_trail(head: str | None) -> None:
    """Check every entry against the one before it; exit 1 at the first that does not fit."""
    with get_database().sessions() as session:
        report = verify_audit_chain(session, head)
    if report.broken_at is not None:
        click.echo(f"The audit trail is broken at entry {report.broken_at}.")
        sys.exit(1)
    click.echo(f"The audit trail is intact: {report.entries} entries, head {report.head}.")
