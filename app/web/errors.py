"""Every refusal is one clear sentence with the right status: a page, JSON, or
plain text for tus.
"""

from __future__ import annotations

from flask import Flask, current_app, g, jsonify, render_template, request
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from app.core.errors import Conflict, Forbidden, Invalid, NotFound, Refusal, TooLarge, TooMany
from app.core.text import N_

UNEXPECTED_ERROR = N_(
    "Something went wrong on our side, and we have been told. Nothing was changed. Try"
    " again in a moment."
)
METHOD_NOT_ALLOWED = N_(
    "This page cannot be used that way. Go back and use the buttons on the page."
)
STALE_FORM = N_(
    "This form was open for too long, so we could not be sure that you sent it. What you"
    " entered is still on the page before. Go back, reload the page and send it again."
)
UNSTORABLE_INPUT = N_(
    "Something you entered is too long, too large or contains a character that we cannot"
    " keep. Change it and send it again."
)


def is_page_request() -> bool:
    """Whether the asker is a person with a page before them, and not a script that wants an answer
    to read.
    """
    if "Tus-Resumable" in request.headers or request.headers.get("X-Requested-With") == "fetch":
        return False
    best = request.accept_mimetypes.best_match(
        ["text/html", "application/json"], default="text/html"
    )
    return best == "text/html"


def translate_refusal(refusal: Refusal) -> str:
    """The refusal's sentence in the reader's language."""
    return (
        gettext(refusal.sentence, **refusal.facts) if refusal.facts else gettext(refusal.sentence)
    )


def answer_refusal(refusal: Refusal) -> Response:
    """The response to a refused request. Whatever the request had begun to change is rolled back
    first.
    """
    session = g.get("db_session")
    if session is not None:
        session.rollback()
    sentence = translate_refusal(refusal)
    if "Tus-Resumable" in request.headers:
        return Response(
            sentence,
            status=refusal.status,
            mimetype="text/plain",
            headers={"Tus-Resumable": "1.0.0"},
        )
    if not is_page_request():
        body = jsonify(error=sentence, **({"field": refusal.field} if refusal.field else {}))
        body.status_code = refusal.status
        return body
    page = render_template("error.html", sentence=sentence, status=refusal.status)
    return Response(page, status=refusal.status, mimetype="text/html")


def install_error_handlers(app: Flask) -> None:
    @app.errorhandler(Refusal)
    def refused(refusal: Refusal) -> Response:
        return answer_refusal(refusal)

    @app.errorhandler(CSRFError)
    def stale(_error: CSRFError) -> Response:
        return answer_refusal(_with_status(Invalid(STALE_FORM), 400))

    @app.errorhandler(HTTPException)
    def http(error: HTTPException) -> Response:
        if error.response is not None or (error.code or 500) < 400:
            return error.get_response()  # type: ignore[return-value]
        return answer_refusal(_as_refusal(error))

    @app.errorhandler(IntegrityError)
    def collided(error: IntegrityError) -> Response:
        current_app.logger.warning("integrity error at the edge: %s", type(error.orig).__name__)
        return answer_refusal(Conflict())

    @app.errorhandler(DataError)
    @app.errorhandler(OverflowError)
    def beyond(error: DataError | OverflowError) -> Response:
        """What no column holds, or no calendar reaches, and no form looked at."""
        current_app.logger.warning(
            "beyond what can be kept, in %s: %s", request.endpoint, type(error).__name__
        )
        return answer_refusal(Invalid(UNSTORABLE_INPUT))

    @app.errorhandler(OperationalError)
    @app.errorhandler(PoolTimeout)
    def busy(error: OperationalError | PoolTimeout) -> Response:
        current_app.logger.error(
            "database unavailable: %s", type(getattr(error, "orig", error)).__name__
        )
        return answer_refusal(_with_status(Refusal(UNEXPECTED_ERROR), 503))

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        if app.testing and app.config.get("PROPAGATE_EXCEPTIONS"):
            raise error
        current_app.logger.exception("unexpected error in %s", request.endpoint)
        return answer_refusal(_with_status(Refusal(UNEXPECTED_ERROR), 500))


def _as_refusal(error: HTTPException) -> Refusal:
    match error.code:
        case 404:
            return NotFound()
        case 401 | 403:
            return Forbidden()
        case 413:
            return TooLarge()
        case 429:
            return TooMany()
        case 405:
            return _with_status(Refusal(METHOD_NOT_ALLOWED), 405)
        case code if code is not None and code < 500:
            return _with_status(Invalid(), code)
        case _:
            return _with_status(Refusal(UNEXPECTED_ERROR), error.code or 500)


def _with_status(refusal: Refusal, status: int) -> Refusal:
    refusal.status = status
    return refusal
