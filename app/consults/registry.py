"""The media nodes: who is there, which of them carries a room, and how to command them.

A node's row is a lease that heartbeats renew; a node whose lease has run out carries nothing any more.
"""
from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from socketio.exceptions import TimeoutError as NoAnswer
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.consults.models import Consult, ConsultState, MediaNode
from app.core.clock import now
from app.core.errors import Refusal
from app.core.ids import new_id
from app.core.text import N_
from app.media import messages
from app.media.messages import Command
from app.web.sockets import socketio

log = logging.getLogger(__name__)
LEASE = timedelta(seconds=3 * messages.HEARTBEAT_SECONDS)
PATIENCE = timedelta(seconds=1.5)  # how long a node may be without a socket before its rooms go elsewhere


class NoLine(Refusal):
    status = 503
    default = N_("No line for sound and picture is free at this moment. We keep trying; you need to do nothing.")


# ---------------------------------------------------------------- the registry


def place(session: Session, consult: Consult, *, without: Sequence[str] = ()) -> MediaNode:
    """The node that carries the consult's room; a free one is chosen when there is none, or it is gone.

    Raises `NoLine` when no node has room, or while the room's own node may still come back.
    """
    present = session.get(MediaNode, consult.node_id) if consult.node_id else None
    if present and present.id not in without:
        if is_alive(present):
            return present
        if present.lost_at is not None and now() - present.lost_at < PATIENCE and is_leased(present):
            raise NoLine()
    chosen = next((node for node in _by_free_budget(session) if node.id not in without), None)
    if chosen is None:
        raise NoLine()
    consult.node_id = chosen.id
    return chosen


def is_leased(node: MediaNode) -> bool:
    return now() - node.seen_at < LEASE


def is_alive(node: MediaNode) -> bool:
    """Whether one can speak with it now."""
    return node.sid is not None and is_leased(node)


def alive(session: Session) -> list[MediaNode]:
    return [node for node in session.scalars(select(MediaNode)) if is_alive(node)]


def _by_free_budget(session: Session) -> list[MediaNode]:
    rows = session.execute(
        select(Consult.node_id, func.count()).where(Consult.state == ConsultState.LIVE, Consult.node_id.is_not(None))
        .group_by(Consult.node_id))
    placed = {node_id: count for node_id, count in rows.tuples().all()}
    free = [(node, node.capacity - max(node.rooms, placed.get(node.id, 0))) for node in alive(session)]
    return [node for node, budget in sorted(free, key=lambda pair: (-pair[1], pair[0].load)) if budget > 0]


# ---------------------------------------------------------------- commands


def call(sid: str, command: Command, message: BaseModel) -> dict[str, Any]:
    """Sends a command and gives back the answer. Raises `NoLine` when there is none within the limit.

    Never within a transaction: it may take three seconds.
    """
    try:
        answer = socketio.call(command.value, message.model_dump(mode="json"), to=sid, namespace=messages.NAMESPACE,
                               timeout=messages.COMMAND_LIMIT_SECONDS)
    except NoAnswer:
        log.warning("media node did not answer %s", command.value)
        raise NoLine() from None
    return answer if isinstance(answer, dict) else {}


def send_later(node: MediaNode | None, command: Command, message: BaseModel) -> Callable[[], None]:
    """An act for after the commit: sends the command from a thread of its own and logs what becomes of it."""
    sid = node.sid if node else None

    def send() -> None:
        try:
            answer = call(sid, command, message)  # type: ignore[arg-type]
        except NoLine:
            return
        if "error" in answer:
            log.warning("media node refused %s: %s", command.value, answer.get("message"))

    def act() -> None:
        if sid is not None:
            socketio.start_background_task(send)

    return act


def command_id() -> str:
    return new_id()
