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

NODE_LEASE_DURATION = timedelta(seconds=3 * messages.NODE_HEARTBEAT_INTERVAL_SECONDS)
NODE_RECONNECT_GRACE_PERIOD = timedelta(
    seconds=1.5
)  # how long a node may be without a socket before its rooms go elsewhere


class NoMediaNodeFree(Refusal):
    status = 503
    default = N_("All video servers are busy. We keep trying. You do not need to do anything.")


def place_room(session: Session, consult: Consult, *, without: Sequence[str] = ()) -> MediaNode:
    """The node that carries the consult's room; a free one is chosen when there is none, or it is
    gone.

    Raises ``NoMediaNodeFree`` when no node has room, or while the room's own node may still come
    back.
    """
    present = session.get(MediaNode, consult.node_id) if consult.node_id else None
    if present and present.id not in without:
        if is_node_alive(present):
            return present
        if (
            present.lost_at is not None
            and now() - present.lost_at < NODE_RECONNECT_GRACE_PERIOD
            and is_node_leased(present)
        ):
            raise NoMediaNodeFree()
    chosen = next(
        (node for node in _list_nodes_by_free_capacity(session) if node.id not in without), None
    )
    if chosen is None:
        raise NoMediaNodeFree()
    consult.node_id = chosen.id
    return chosen


def find_freest_node(session: Session) -> MediaNode:
    """The node with the most room. Raises ``NoMediaNodeFree`` when there is none."""
    nodes = _list_nodes_by_free_capacity(session)
    if not nodes:
        raise NoMediaNodeFree()
    return nodes[0]


def is_node_leased(node: MediaNode) -> bool:
    return now() - node.seen_at < NODE_LEASE_DURATION


def is_node_alive(node: MediaNode) -> bool:
    """Whether one can speak with it now."""
    return node.sid is not None and is_node_leased(node)


def is_any_node_alive(session: Session) -> bool:
    """Whether a media node holds its lease and can be spoken with."""
    return bool(list_live_nodes(session))


def list_live_nodes(session: Session) -> list[MediaNode]:
    return [node for node in session.scalars(select(MediaNode)) if is_node_alive(node)]


def _list_nodes_by_free_capacity(session: Session) -> list[MediaNode]:
    rows = session.execute(
        select(Consult.node_id, func.count())
        .where(Consult.state == ConsultState.LIVE, Consult.node_id.is_not(None))
        .group_by(Consult.node_id)
    )
    placed = dict(rows.all())
    free = [
        (node, node.capacity - max(node.rooms, placed.get(node.id, 0)))
        for node in list_live_nodes(session)
    ]
    return [
        node
        for node, budget in sorted(free, key=lambda pair: (-pair[1], pair[0].load))
        if budget > 0
    ]
