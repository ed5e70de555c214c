"""The media nodes: who is there, which of them carries a room, and who is free.

A node's row is a lease that heartbeats renew; a node whose lease has run out carries nothing any
more.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.consults.models import Consult, ConsultState, MediaNode
from app.core.clock import now
from app.core.errors import Refusal
from app.core.text import N_
from app.media import messages

LEASE = timedelta(seconds=3 * messages.HEARTBEAT_SECONDS)
PATIENCE = timedelta(
    seconds=1.5
)  # how long a node may be without a socket before its rooms go elsewhere


class NoLine(Refusal):
    status = 503
    default = N_(
        "No line for sound and picture is free at this moment. We keep trying; you need to do"
        " nothing."
    )


def place(session: Session, consult: Consult, *, without: Sequence[str] = ()) -> MediaNode:
    """The node that carries the consult's room; a free one is chosen when there is none, or it is
    gone.

    Raises `NoLine` when no node has room, or while the room's own node may still come back.
    """
    present = session.get(MediaNode, consult.node_id) if consult.node_id else None
    if present and present.id not in without:
        if is_alive(present):
            return present
        if (
            present.lost_at is not None
            and now() - present.lost_at < PATIENCE
            and is_leased(present)
        ):
            raise NoLine()
    chosen = next((node for node in _by_free_budget(session) if node.id not in without), None)
    if chosen is None:
        raise NoLine()
    consult.node_id = chosen.id
    return chosen


def freest(session: Session) -> MediaNode:
    """The node with the most room. Raises `NoLine` when there is none."""
    nodes = _by_free_budget(session)
    if not nodes:
        raise NoLine()
    return nodes[0]


def is_leased(node: MediaNode) -> bool:
    return now() - node.seen_at < LEASE


def is_alive(node: MediaNode) -> bool:
    """Whether one can speak with it now."""
    return node.sid is not None and is_leased(node)


def alive(session: Session) -> list[MediaNode]:
    return [node for node in session.scalars(select(MediaNode)) if is_alive(node)]


def _by_free_budget(session: Session) -> list[MediaNode]:
    rows = session.execute(
        select(Consult.node_id, func.count())
        .where(Consult.state == ConsultState.LIVE, Consult.node_id.is_not(None))
        .group_by(Consult.node_id)
    )
    placed = dict(rows.all())
    free = [
        (node, node.capacity - max(node.rooms, placed.get(node.id, 0))) for node in alive(session)
    ]
    return [
        node
        for node, budget in sorted(free, key=lambda pair: (-pair[1], pair[0].load))
        if budget > 0
    ]
