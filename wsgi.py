"""The entry for a WSGI server, ``gunicorn wsgi:app``, and for the ``flask`` command."""

from __future__ import annotations

import os

from app import create_app
from app.core.runtime.logs import configure_logging, is_verbose
from config import Settings

# Flask sets FLASK_RUN_FROM_CLI where it was started as a command.
_process = "command" if os.environ.get("FLASK_RUN_FROM_CLI") == "true" else "web"
configure_logging(_process, verbose=is_verbose())
app = create_app(Settings.load())
