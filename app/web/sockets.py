"""Socket events: each carries a permission, passes one guard, and lives in one unit of work.

There is no ``before_request`` on a socket: whoever was let in may have been sent away since, so
each event asks again.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from engineio.async_drivers import threading as engine
from flask import Flask, current_app, request
from flask_babel import force_locale
from flask_login import current_user
from flask_socketio import SocketIO
from flask_socketio import disconnect as drop_connection
from pydantic import BaseModel, ValidationError
from simple_websocket import ConnectionClosed
from socketio.exceptions import ConnectionRefusedError
from sqlalchemy.exc import DataError

from app.core.clock import monotonic
from app.core.errors import Forbidden, Invalid, Refusal, TooMany
from app.core.permissions import Permission
from app.core.text import N_
from app.i18n.locales import match_language
from app.web.access import UnguardedEndpoint
from app.web.context import call_after_commit, get_database, release_db_session
from app.web.errors import UNEXPECTED_ERROR, UNSTORABLE_INPUT, translate_refusal
from app.web.locale import get_reader_language

__all__ = [
    "SOCKET_EVENTS",
    "SocketEvent",
    "call_after_commit",
    "check_every_socket_event",
    "install_sockets",
    "on_socket_event",
    "socketio",
]

EVENTS_PER_SECOND, EVENT_BURST = (
    20.0,
    80.0,
)  # events a second that one connection may send, and how many at once
MAX_REFUSED_EVENTS = 400  # refused events after which a connection is closed
SOCKET_POLL_SECONDS = 5.0  # seconds after which a reader of a socket looks whether it still stands
MAX_SOCKET_MESSAGE_BYTES = 200_000  # bytes; an offer with eight seats is about 40,000

socketio = SocketIO()

SocketAnswer = Mapping[str, object]
"""What an event is answered with, or what browsers are told: fit for JSON."""

SocketEventHandler = Callable[..., object]
"""``handler(session, person, sid, message)``; see ``on_socket_event``."""


@dataclass(frozen=True)
class SocketEvent:
    """One event that browsers may send: who may, in which form, and what happens."""

    namespace: str
    name: str
    permission: Permission | None
    model: type[BaseModel] | None
    handler: SocketEventHandler


SOCKET_EVENTS: list[SocketEvent] = []


def on_socket_event(
    namespace: str, name: str, permission: Permission | None, model: type[BaseModel] | None = None
) -> Callable[[SocketEventHandler], SocketEventHandler]:
    """Registers ``handler(session, person, sid, message) -> ack``.

    ``message`` is an instance of ``model`` (or the raw value where there is none; for "connect" the
    client's auth). A handler may return a callable instead of an ack: it is called after the
    commit, outside of any transaction, and its value is the ack. That is the place for a call to
    the media node.
    """

    def register(handler: SocketEventHandler) -> SocketEventHandler:
        SOCKET_EVENTS.append(SocketEvent(namespace, name, permission, model, handler))
        return handler

    return register


def check_every_socket_event() -> None:
    """Raises ``UnguardedEndpoint`` naming each socket event that carries no permission."""
    naked = [
        f"{event.namespace} {event.name}" for event in SOCKET_EVENTS if event.permission is None
    ]
    if naked:
        raise UnguardedEndpoint("no permission on: " + ", ".join(naked))


def install_sockets(app: Flask) -> None:
    """Binds the registered events to the Flask-SocketIO server of this process."""
    settings = app.extensions["settings"]
    engine._async["websocket"] = _make_bounded_websocket(app)
    socketio.init_app(
        app,
        async_mode="threading",
        message_queue=settings.redis_url,
        channel="consilium",
        max_http_buffer_size=MAX_SOCKET_MESSAGE_BYTES,
        ping_interval=5,
        ping_timeout=10,
        manage_session=False,  # and no ``cors_allowed_origins``: only our own origin may connect
    )
    for event in SOCKET_EVENTS:
        socketio.on_event(event.name, _make_guarded_handler(event), namespace=event.namespace)


def _make_bounded_websocket(app: Flask) -> Callable[..., object]:
    """A WebSocket that reads no more of a message than is allowed; Engine.IO itself would read all
    of it first.
    """

    class Bounded(engine.SimpleWebSocketWSGI):
        def __init__(self, handler: object, server: object) -> None:
            super().__init__(handler, server, max_message_size=MAX_SOCKET_MESSAGE_BYTES)

        def wait(self) -> str | bytes | None:
            """The next message, None at the end. Looks again by itself: over a message that is too
            large, simple-websocket wakes its reader before it says that it is closed, and never
            again.
            """
            message = None
            while message is None:
                try:
                    message = self.ws.receive(timeout=SOCKET_POLL_SECONDS)
                except ConnectionClosed:
                    if self.ws.incoming_message_len > MAX_SOCKET_MESSAGE_BYTES:
                        origin = self.ws.environ.get("REMOTE_ADDR", "unknown")
                        app.logger.warning(
                            "socket from %s closed: a message over %s bytes",
                            origin,
                            MAX_SOCKET_MESSAGE_BYTES,
                        )
                    return None
            return message

    return Bounded


def _make_guarded_handler(event: SocketEvent) -> Callable[..., object]:
    if event.name == "connect":
        return lambda auth=None: _answer_connect(event, auth)
    if event.name == "disconnect":
        return lambda *_reason: _answer_disconnect(event)
    return lambda *arguments: _answer_event(event, arguments[0] if arguments else {})


def _answer_connect(event: SocketEvent, auth: object) -> None:
    ack = _answer_event(event, auth or {}, limited=False)
    if isinstance(ack, dict) and "error" in ack:
        raise ConnectionRefusedError(ack)
    return None


def _answer_disconnect(event: SocketEvent) -> None:
    _buckets.pop(_socket_id(), None)
    _answer_event(event, {}, limited=False)


def _answer_event(event: SocketEvent, message: object, *, limited: bool = True) -> object:
    sid = _socket_id()
    if limited and not _take_token(sid):
        return _refuse_flood(sid)
    # Both look the person up in the request's own session, which must end before the event's
    # begins.
    language, sign_in_id = get_reader_language(), _sign_in_id()
    release_db_session()
    with force_locale(match_language(language).gettext_name):
        try:
            return _perform_event(event, sid, sign_in_id, message)
        except Refusal as refusal:
            return {"error": translate_refusal(refusal), "status": refusal.status}
        except (DataError, OverflowError) as error:
            current_app.logger.warning(
                "beyond what can be kept, in %s: %s", event.name, type(error).__name__
            )
            return {"error": translate_refusal(Invalid(UNSTORABLE_INPUT)), "status": Invalid.status}
        except Exception:
            current_app.logger.exception("unexpected error in socket event %s", event.name)
            return {"error": translate_refusal(Refusal(UNEXPECTED_ERROR)), "status": 500}


def _perform_event(event: SocketEvent, sid: str, sign_in_id: str | None, message: object) -> object:
    with get_database().unit_of_work() as session:
        session.info["origin"] = request.remote_addr or "unknown"
        person = current_app.extensions["load_person"](session, sign_in_id)
        if person is None or event.permission is None or not person.may(event.permission):
            raise Forbidden(N_("You are no longer signed in here. Sign in again."))
        ack = event.handler(session, person, sid, _parse_event_message(event, message))
    return ack() if callable(ack) else ack


def _parse_event_message(event: SocketEvent, message: object) -> object:
    if event.model is None:
        return message
    try:
        return event.model.model_validate(message)
    except ValidationError as error:
        raise _describe_validation_error(error) from None


def _describe_validation_error(error: ValidationError) -> Refusal:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    limits = first.get("ctx", {})
    if first["type"] == "string_too_long" and "max_length" in limits:
        return Invalid(
            N_("This is too long. Keep it under %(most)s characters."),
            field=field,
            most=limits["max_length"],
        )
    return Invalid(
        N_("We could not understand this request. Reload the page and try again."),
        field=field,
    )


def _sign_in_id() -> str | None:
    return current_user.get_id() if current_user and current_user.is_authenticated else None


def _socket_id() -> str:
    return request.sid  # type: ignore[attr-defined,no-any-return]


# Rate limits: a bucket of tokens per connection, in this process, where the connection lives.


@dataclass
class _TokenBucket:
    tokens: float
    filled_at: float
    refused: int = 0
    answer: SocketAnswer | None = None  # to what is too much, in the reader's language


_FLOOD_REFUSAL: SocketAnswer = {"error": TooMany.default, "status": TooMany.status}
_buckets: dict[str, _TokenBucket] = {}
_buckets_lock = threading.Lock()
_closed_sockets: deque[str] = deque(
    maxlen=200
)  # sockets that went too far: what is still under way from them counts no more


def _take_token(sid: str) -> bool:
    with _buckets_lock:
        if sid in _closed_sockets:
            return False
        moment = monotonic()
        bucket = _buckets.setdefault(sid, _TokenBucket(EVENT_BURST, moment))
        bucket.tokens = min(
            EVENT_BURST, bucket.tokens + (moment - bucket.filled_at) * EVENTS_PER_SECOND
        )
        bucket.filled_at = moment
        if bucket.tokens >= 1:
            bucket.tokens -= 1
            return True
        bucket.refused += 1
        return False


def _refuse_flood(sid: str) -> SocketAnswer:
    """The refusal. Looked up and written down once: the ten thousandth must cost next to
    nothing.
    """
    with _buckets_lock:
        bucket = _buckets.get(sid)
        is_first = bucket is not None and bucket.answer is None
        if bucket is not None and is_first:
            bucket.answer = dict(_FLOOD_REFUSAL)
        is_last = (
            bucket is not None
            and bucket.refused >= MAX_REFUSED_EVENTS
            and sid not in _closed_sockets
        )
        if is_last:
            _closed_sockets.append(sid)
    if bucket is None:
        return _FLOOD_REFUSAL
    if is_first:
        language, who = get_reader_language(), _current_person_id()
        release_db_session()
        with force_locale(match_language(language).gettext_name):
            bucket.answer = {"error": translate_refusal(TooMany()), "status": TooMany.status}
        current_app.logger.warning("socket %s of person %s is over its event limit", sid, who)
    if is_last:
        current_app.logger.warning(
            "socket %s closed: %s events over its limit", sid, bucket.refused
        )
        drop_connection(sid)
    return bucket.answer or _FLOOD_REFUSAL


def _current_person_id() -> str:
    return str(getattr(current_user, "id", None) or "unknown")
