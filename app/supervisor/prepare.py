"""Brings the database to the present: migrations, and demo data where asked. Prints the demo
accounts.

One process for three commands, because each would load the whole application again.
"""

from __future__ import annotations

import sys

from flask import Flask
from flask.cli import ScriptInfo

DEMO = (["seed-demo"], ["demo-accounts"])


def main(demo: bool) -> None:
    from wsgi import app

    _command(app, ["db", "upgrade"])
    for words in DEMO if demo else ():
        _command(app, words)


def _command(app: Flask, words: list[str]) -> None:
    with app.app_context():  # as the `flask` command has it
        app.cli.main(args=words, obj=ScriptInfo(create_app=lambda: app), standalone_mode=False)


if __name__ == "__main__":
    main(demo="--demo" in sys.argv[1:])
