"""/healthz: this process lives. /readyz: the parts it needs answer. /metrics: numbers for
Prometheus.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Flask, Response, current_app, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from app.core.errors import NotFound
from app.web.access import allow_public
from app.web.context import get_database, get_settings

_PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-Ip", "Via", "X-Forwarded-Host")

blueprint = Blueprint("probes", __name__)


@blueprint.get("/healthz")
@allow_public
def serve_liveness() -> Response:
    return jsonify(status="alive")


@blueprint.get("/readyz")
@allow_public
def serve_readiness() -> tuple[Response, int]:
    """200 when the database, a jobs runner and a media node answer, else 503; says which do."""
    parts = {"database": _is_database_reachable()}
    if parts["database"]:
        with get_database().sessions() as session:
            parts |= {
                name: bool(ask(session))
                for name, ask in current_app.extensions["ready_checks"].items()
            }
    well = all(parts.values()) and len(parts) > 1
    return jsonify(status="ready" if well else "not ready", parts=parts), 200 if well else 503


@blueprint.get("/metrics")
@allow_public
def serve_web_metrics() -> Response:
    """For loopback without more, for others with `Authorization: Bearer
    <CONSILIUM_METRICS_TOKEN>`.
    """
    token = get_settings().metrics_token
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if not _is_local_request() and not (
        token and hmac.compare_digest(given.encode(), token.encode())
    ):
        raise NotFound()
    return Response(generate_latest(), content_type=CONTENT_TYPE_LATEST)


def _is_local_request() -> bool:
    """Whether the request comes from this machine itself. A proxy on this machine sends its own
    address, but says in a header that it passes something on.
    """
    return (
        request.remote_addr in ("127.0.0.1", "::1")
        and not get_settings().behind_proxy
        and not any(header in request.headers for header in _PROXY_HEADERS)
    )


def _is_database_reachable() -> bool:
    try:
        with get_database().engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return True
    except Exception:
        current_app.logger.exception("the database does not answer")
        return False


def install_probes(app: Flask) -> None:
    """``app.extensions["ready_checks"]`` maps the name of a part to a question over a session."""
    app.register_blueprint(blueprint)
