"""The loop through the media node, from the page of the test before the meeting."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import Field
from sqlalchemy.orm import Session

from app.consults.connection_check import checks
from app.consults.models import LineCheck
from app.consults.nodes import commands
from app.consults.nodes.registry import NoLine
from app.consults.room import announcing, offers
from app.consults.room.seating import event
from app.core.errors import Invalid
from app.core.permissions import Permission
from app.identity.models import Person
from app.media import messages
from app.media.messages import Command, Kind, Route

SEAT = "self"


class CheckOffer(offers.Offer):
    booking: str = Field(max_length=32)


class CheckDone(checks.Measured):
    check: str = Field(max_length=32)


@event("check.offer", Permission.CONSULT_JOIN, CheckOffer)
def offer(
    session: Session, person: Person, sid: str, message: CheckOffer
) -> Callable[[], dict[str, Any]]:
    """A room of one's own at a node, in which one hears and sees oneself."""
    offers.check(message)
    check, node = checks.begin(session, person, message.booking)
    table = messages.RoutesSet(
        command_id=commands.command_id(),
        room=check.room,
        version=1,
        routes={
            SEAT: (
                Route(source=SEAT, kind=Kind.AUDIO, slot=0),
                Route(source=SEAT, kind=Kind.VIDEO, slot=0),
            )
        },
    )
    command = messages.SeatOffer(
        command_id=commands.command_id(),
        room=check.room,
        seat=SEAT,
        connection=message.connection,
        sdp=message.sdp,
        lines=message.lines,
    )
    check_id, node_sid = check.id, node.sid or ""

    def carry() -> dict[str, Any]:
        commands.call(node_sid, Command.ROUTES_SET, table)
        answer = commands.call(node_sid, Command.SEAT_OFFER, command)
        if answer.get("error") == "malformed_sdp":
            raise Invalid(offers.MALFORMED, field="sdp")
        if "sdp" not in answer:
            raise NoLine()
        return {"sdp": answer["sdp"], "check": check_id}

    return carry


@event("check.done", Permission.CONSULT_JOIN, CheckDone)
def done(session: Session, person: Person, sid: str, message: CheckDone) -> dict[str, Any]:
    check: LineCheck = checks.finish(
        session, person, message.check, checks.Measured(**message.model_dump())
    )
    announcing.close_loop(session, check)
    return {"verdict": check.verdict, "advice": checks.advice(message)}
