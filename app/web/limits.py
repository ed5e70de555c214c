"""How often one may try. Counted in Redis where there is one, else in this process."""

from __future__ import annotations

from flask import Flask
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address

limiter = Limiter(key_func=get_remote_address, headers_enabled=False, strategy="moving-window")


def install_rate_limits(app: Flask) -> None:
    app.config["RATELIMIT_STORAGE_URI"] = app.extensions["settings"].redis_url or "memory://"
    app.config["RATELIMIT_ENABLED"] = True
    limiter.init_app(app)
