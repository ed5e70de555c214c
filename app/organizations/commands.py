"""``./consilium people …``."""

from __future__ import annotations

import click
from flask.cli import AppGroup

from app.core.errors import Refusal
from app.identity.accounts.links import ACCOUNT_LINK_LIFETIMES, build_account_link_path
from app.organizations.service import invite_staff
from app.web.context import get_database, get_settings

people_commands = AppGroup("people", help="The people of this installation.")


@people_commands.command("invite")
@click.option("--email", required=True, help="The person's e-mail address.")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", required=True, help="For example administrator or coordinator.")
@click.option("--language", default="en", show_default=True, help="A BCP 47 tag.")
def print_invitation_link(email: str, name: str, role: str, language: str) -> None:
    """Make an account and print the link with which its owner sets a password, once."""
    settings = get_settings()
    try:
        with get_database().unit_of_work() as session:
            link = invite_staff(session, None, email, name, role, language=language)
            path = build_account_link_path(settings.secret_key, link.id)
            purpose = link.purpose
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None
    days = next(
        lifetime.days for kind, lifetime in ACCOUNT_LINK_LIFETIMES.items() if kind == purpose
    )
    click.echo(f"{settings.web_url}{path}")
    click.echo(f"Give this link to {name}. It works once, within {days} days.", err=True)
