"""The entry for a WSGI server: `gunicorn wsgi:app`."""

from __future__ import annotations

from app import create_app
from config import Settings

app = create_app(Settings.load())
