"""``python -m app.supervisor.prepare [--demo]``: migrates the database.

With ``--demo`` it also fills an empty database and prints the demo accounts.

One process for all of it, because each would load the whole application again.
"""

from __future__ import annotations

import sys

from flask import Flask
from flask.cli import ScriptInfo

DEMO_COMMANDS = (["seed-demo"], ["demo-accounts"])


def prepare_database(demo: bool) -> None:
    """Holds afterwards: the database has today's tables, and with ``demo`` the demo data."""
    from app.core.runtime.logs import configure_logging, is_verbose
    from wsgi import app

    configure_logging("database", verbose=is_verbose())
    _run_flask_words(app, ["db", "upgrade"])
    for words in DEMO_COMMANDS if demo else ():
        _run_flask_words(app, words)


def _run_flask_words(app: Flask, words: list[str]) -> None:
    with app.app_context():  # as the ``flask`` command has it
        app.cli.main(args=words, obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)


if __name__ == "__main__":
    prepare_database(demo="--demo" in sys.argv[1:])
