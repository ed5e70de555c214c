"""The loop through the media node, from the page of the test before the meeting."""

from __future__ import annotations

from collections.abc import Callable

from pydantic import Field
from sqlalchemy.orm import Session

from app.consults.connection_check import checks
from app.consults.models import ConnectionCheck
from app.consults.nodes import commands
from app.consults.nodes.registry import NoMediaNodeFree
from app.consults.permissions import ConsultPermission
from app.consults.room import announcing, offers
from app.consults.room.seating import on_consult_event
from app.core.errors import Invalid
from app.identity.models import Person
from app.media import messages
from app.media.messages import MediaKind, MediaRoute, NodeCommand
from app.web.sockets import SocketAnswer

CHECK_SEAT_ID = "self"


class CheckOfferMessage(offers.BrowserOffer):
    booking: str = Field(max_length=32)


class CheckDoneMessage(checks.ConnectionMeasurement):
    check: str = Field(max_length=32)


@on_consult_event("check.offer", ConsultPermission.CONSULT_JOIN, CheckOfferMessage)
def handle_check_offer(
    session: Session, person: Person, sid: str, message: CheckOfferMessage
) -> Callable[[], SocketAnswer]:
    """A room of one's own at a node, in which one hears and sees oneself."""
    offers.check_browser_offer(message)
    check, node = checks.begin_connection_check(session, person, message.booking)
    table = messages.RoutesSet(
        command_id=commands.make_command_id(),
        room=check.room,
        version=1,
        routes={
            CHECK_SEAT_ID: (
                MediaRoute(source=CHECK_SEAT_ID, kind=MediaKind.AUDIO, slot=0),
                MediaRoute(source=CHECK_SEAT_ID, kind=MediaKind.VIDEO, slot=0),
            )
        },
    )
    command = messages.SeatOffer(
        command_id=commands.make_command_id(),
        room=check.room,
        seat=CHECK_SEAT_ID,
        connection=message.connection,
        sdp=message.sdp,
        lines=message.lines,
    )
    check_id, node_sid = check.id, node.sid or ""

    def carry() -> SocketAnswer:
        commands.send_node_command(node_sid, NodeCommand.ROUTES_SET, table)
        answer = commands.send_node_command(node_sid, NodeCommand.SEAT_OFFER, command)
        if answer.get("error") == "malformed_sdp":
            raise Invalid(offers.MALFORMED_OFFER, field="sdp")
        if "sdp" not in answer:
            raise NoMediaNodeFree()
        return {"sdp": answer["sdp"], "check": check_id}

    return carry


@on_consult_event("check.done", ConsultPermission.CONSULT_JOIN, CheckDoneMessage)
def handle_check_done(
    session: Session, person: Person, sid: str, message: CheckDoneMessage
) -> SocketAnswer:
    check: ConnectionCheck = checks.finish_connection_check(
        session, person, message.check, checks.ConnectionMeasurement(**message.model_dump())
    )
    announcing.close_check_room(session, check)
    return {"verdict": check.verdict, "advice": checks.list_connection_advice(message)}
