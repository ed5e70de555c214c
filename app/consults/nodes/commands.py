"""Commands to the media nodes, over the socket that a node holds to one of the web processes."""

from __future__ import annotations

import logging
from collections.abc import Callable

from pydantic import BaseModel
from socketio.exceptions import TimeoutError as NoAnswer

from app.consults.models import MediaNode
from app.consults.nodes.registry import NoMediaNodeFree
from app.core.ids import new_id
from app.media import messages
from app.media.messages import NodeCommand
from app.web.sockets import SocketAnswer, socketio

log = logging.getLogger(__name__)
NODE_COMMAND_TIMEOUT_SECONDS = int(messages.NODE_COMMAND_WAIT_SECONDS)


def send_node_command(sid: str, command: NodeCommand, message: BaseModel) -> SocketAnswer:
    """Sends a command and gives back the answer. Raises ``NoMediaNodeFree`` when there is none
    within the limit.

    Never within a transaction: it may take three seconds.
    """
    try:
        answer = socketio.call(
            command.value,
            message.model_dump(mode="json"),
            to=sid,
            namespace=messages.NODE_NAMESPACE,
            timeout=NODE_COMMAND_TIMEOUT_SECONDS,
        )
    except NoAnswer:
        log.warning("media node did not answer %s", command.value)
        raise NoMediaNodeFree() from None
    return answer if isinstance(answer, dict) else {}


def defer_node_command(
    node: MediaNode | None, command: NodeCommand, message: BaseModel, *, tries: int = 1
) -> Callable[[], None]:
    """An act for after the commit: sends the command from a thread of its own and logs what becomes
    of it. Without an answer it is sent again, ``tries`` times in all; the node does it once.
    """
    sid = node.sid if node else None

    def send() -> None:
        for _ in range(tries):
            try:
                answer = send_node_command(sid, command, message)  # type: ignore[arg-type]
                break
            except NoMediaNodeFree:
                continue
        else:
            return
        if "error" in answer:
            log.warning("media node refused %s: %s", command.value, answer.get("message"))

    def act() -> None:
        if sid is not None:
            socketio.start_background_task(send)

    return act


def make_command_id() -> str:
    return new_id()
