"""The commands of the demo."""

from __future__ import annotations

import click

from app.identity.demo import format_demo_accounts
from app.portal import demo
from app.web.context import get_database, get_settings


@click.command("seed-demo")
def seed_demo() -> None:
    """Fill an empty demo database; later, make sure that a consultation is open."""
    if not get_settings().is_demo:
        raise click.ClickException("Demo data is only for the demo: CONSILIUM_MODE is not ‘demo’.")
    with get_database().unit_of_work() as session:
        warning = demo.seed_demo_data(session, get_settings())
    if warning:
        click.echo(warning, err=True)


@click.command("demo-accounts")
def print_demo_accounts() -> None:
    """Print the demo accounts and their password."""
    if not get_settings().is_demo:
        raise click.ClickException("There are no demo accounts here: CONSILIUM_MODE is not ‘demo’.")
    click.echo(format_demo_accounts())
