"""What every template finds at hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from flask import Flask, url_for

from app.core.clock import now
from app.i18n.locales import LOCALES
from app.web.context import get_person_or_none
from app.web.locale import get_current_language, get_reader_zone


def install_rendering(app: Flask) -> None:
    app.jinja_env.globals["now"] = now
    _install_vendor_links(app)
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # as the sentences are gathered
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    @app.context_processor
    def common() -> dict[str, object]:
        person = get_person_or_none()
        return {
            "locale": get_current_language(),
            "locales": list(LOCALES.values()),
            "current_person": person,
            "reader_zone": get_reader_zone(),
            "nav_items": app.extensions["navigation"](person) if person else [],
            "unread_count": app.extensions["unread_count"](person) if person else 0,
            "settings": app.extensions["settings"],
        }


def _read_vendor_manifest(app: Flask) -> Callable[[], Mapping[str, str]]:
    """The content hash of each built file, by name; read once, in debug mode each time."""
    manifest: dict[str, str] = {}

    def read() -> Mapping[str, str]:
        if not manifest or app.debug:
            try:
                with open(f"{app.static_folder}/vendor/manifest.json") as file:
                    manifest.update(json.load(file))
            except FileNotFoundError:
                pass
        return manifest

    return read


def _install_vendor_links(app: Flask) -> None:
    """``vendor("app.css")`` is the address of a built file, with its content hash so that a new one
    is fetched; ``has_vendor`` says whether there is one.
    """
    read = _read_vendor_manifest(app)

    def vendor(name: str) -> str:
        return url_for("static", filename=f"vendor/{name}", v=read().get(name, "0"))

    app.jinja_env.globals["vendor"] = vendor
    app.jinja_env.globals["has_vendor"] = lambda name: name in read()
