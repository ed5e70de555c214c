"""What a request stands on: its settings, its one unit of work, and who is asking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from flask import Flask, Response, current_app, g, request
from flask_login import current_user
from sqlalchemy import event
from sqlalchemy.orm import Session

from app.core.db import Database

if TYPE_CHECKING:
    from app.core.blobs import BlobStore
    from config import Settings

_AFTER_COMMIT_KEY = "after_commit"


def get_settings() -> Settings:
    """The frozen ``config.Settings`` of this application."""
    return cast("Settings", current_app.extensions["settings"])


def get_database() -> Database:
    return cast(Database, current_app.extensions["database"])


def get_blob_store() -> BlobStore:
    """The encrypted object store of this application."""
    return cast("BlobStore", current_app.extensions["blobs"])


def db_session() -> Session:
    """The session of this request, begun on first use; committed after a response below 400, else
    rolled back.
    """
    if "db_session" not in g:
        g.db_session = get_database().sessions()
        g.db_session.info["origin"] = request.remote_addr or "unknown"
    return g.db_session


def release_db_session() -> None:
    """Ends this request's unit of work now. A socket event has one of its own: on SQLite a second
    one, begun while the first still holds the write lock, would wait for itself.
    """
    session = g.pop("db_session", None)
    if session is not None:
        session.commit()
        session.close()


def current_person() -> Any:  # an ``identity.Person``, which ``web`` may not import
    """The ``identity.Person`` who is signed in. Only for routes that demand a permission: there,
    somebody always is.
    """
    return current_user._get_current_object()


def get_person_or_none() -> Any | None:
    return current_person() if current_user and current_user.is_authenticated else None


def call_after_commit(session: Session, act: Callable[[], object]) -> None:
    """Runs ``act`` once this session's transaction is safely committed, and not at all if it is
    not.
    """
    session.info.setdefault(_AFTER_COMMIT_KEY, []).append(act)


def install_unit_of_work(app: Flask) -> None:
    """Gives every request its unit of work."""

    @app.after_request
    def finish(response: Response) -> Response:
        session = g.get("db_session")
        if session is not None:
            if response.status_code < 400:
                session.commit()
            else:
                session.rollback()
        return response

    @app.teardown_request
    def close(_error: BaseException | None) -> None:
        session = g.pop("db_session", None)
        if session is not None:
            session.close()


@event.listens_for(Session, "after_commit")
def _call_pending_acts(session: Session) -> None:
    if session.in_nested_transaction():
        return
    for act in session.info.pop(_AFTER_COMMIT_KEY, []):
        act()


@event.listens_for(Session, "after_rollback")
def _drop_pending_acts(session: Session) -> None:
    session.info.pop(_AFTER_COMMIT_KEY, None)
