"""Brings the database to the present: migrations, and demo data where asked. Prints the demo
accounts.

One process for three commands, because each would load the whole application again.
"""

from __future__ import annotations

import sys

from flask import Flask
from flask.cli import ScriptInfo

DEMO_COMMANDS = (["seed-demo"], ["demo-accounts"])


def prepare_database(demo: bool) -> None:
    from app.core.runtime.logs import configure_logging, is_verbose
    from wsgi import app

    configure_logging("database", verbose=is_verbose())
    _run_flask_words(app, ["db", "upgrade"])
    for words in DEMO_COMMANDS if demo else ():
        _run_flask_words(app, words)


def _run_flask_words(app: Flask, words: list[str]) -> None:
    with app.app_context():  # as the `flask` command has it
        app.cli.main(args=words, obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)


if __name__ == "__main__":
    prepare_database(demo="--demo" in sys.argv[1:])
