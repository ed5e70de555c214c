"""What a browser is told about the room, from the point of view of its seat; and the routes for the
media node.
"""

from __future__ import annotations

from typing import Any

from app.consults import policy
from app.consults.interpreting import channels, no_show
from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import FULL, Feed, Sound
from app.consults.models import Caption, ChatMessage, Consult, Seat, TeachBack
from app.consults.recording import service as recording
from app.media import messages


def heard(consult: Consult) -> dict[str, tuple[Feed, ...]]:
    """Who hears whom among those in the room."""
    voices = [seat.voice for seat in consult.present_seats if seat.is_in_room]
    return channels.routes(voices, channels.Mode(consult.mode))


def media_routes(consult: Consult) -> dict[str, tuple[messages.Route, ...]]:
    """The whole table of the room: every picture, the sounds that are heard, and the one shared
    screen.
    """
    inside = [seat for seat in consult.seats if seat.is_in_room]
    voices = [seat.voice for seat in inside]
    feeds = heard(consult)
    table = {}
    for listener in inside:
        audible = {feed.source: feed for feed in feeds[listener.id]}
        routes = []
        for source in inside:
            if source.id == listener.id:
                continue
            slot = channels.slot_of(listener.number, source.number)
            if source.id in audible:
                need = channels.need_of(listener.voice, audible[source.id], voices)
                routes.append(
                    messages.Route(
                        source=source.id,
                        kind=messages.Kind.AUDIO,
                        slot=slot,
                        priority=messages.Priority(need),
                    )
                )
            routes.append(messages.Route(source=source.id, kind=messages.Kind.VIDEO, slot=slot))
            if source.sharing:
                routes.append(messages.Route(source=source.id, kind=messages.Kind.SCREEN))
        table[listener.id] = tuple(routes)
    return table


def state_for(seat: Seat) -> dict[str, Any]:
    """Everything the page of this seat shows, small enough to be sent whole at every change."""
    consult = seat.consult
    feeds = {feed.source: feed for feed in heard(consult).get(seat.id, ())}
    return {
        "version": consult.routes_version,
        "state": consult.state,
        "over": consult.is_over,
        "mode": consult.mode,
        "startedAt": consult.started_at.isoformat() if consult.started_at else None,
        "pausedAt": consult.paused_at.isoformat() if consult.paused_at else None,
        "pausedSeconds": consult.paused_seconds,
        "chatCount": consult.chat_count,
        "partnerCount": consult.partner_count if seat.pair else 0,
        "languages": interpreting.languages(consult),
        "recording": recording.shown_to(seat),
        "interpreterSought": no_show.is_sought(consult),
        "you": {
            "seat": seat.id,
            "place": seat.place,
            "admitted": seat.admitted,
            "entered": seat.entered,
            "removed": seat.removed_at is not None,
            "originalGain": seat.original_gain,
            "listens": seat.listens,
            "pair": seat.pair,
            "liveOn": seat.live_on,
            "handingOver": seat.handing_over,
            "canSetMode": policy.can_set_mode(seat),
            "canAdmit": policy.can_admit(seat),
            "canEnd": policy.can_end(seat),
        },
        "seats": [_seat(one, seat, feeds.get(one.id)) for one in consult.present_seats],
    }


def line(message: ChatMessage) -> dict[str, Any]:
    return {
        "channel": message.channel,
        "number": message.number,
        "clientId": message.client_id,
        "seat": message.seat_id,
        "name": message.seat.person.name,
        "text": message.text,
        "at": message.at.isoformat(),
    }


def point(item: TeachBack) -> dict[str, Any]:
    return {
        "id": item.id,
        "number": item.number,
        "point": item.point,
        "said": item.said,
        "verdict": item.verdict,
        "correction": item.correction,
    }


def caption(line: Caption) -> dict[str, Any]:
    return {
        "number": line.number,
        "clientId": line.client_id,
        "language": line.language,
        "text": line.text,
        "at": line.at.isoformat(),
    }


def _seat(one: Seat, viewer: Seat, feed: Feed | None) -> dict[str, Any]:
    mine = one.id == viewer.id
    return {
        "id": one.id,
        "name": one.person.name,
        "title": one.person.title,
        "role": one.role,
        "kind": one.kind,
        "speaks": one.speaks,
        "listens": one.listens,
        "pair": one.pair,
        "liveOn": one.live_on,
        "handingOver": one.handing_over,
        "joinedAt": one.joined_at.isoformat() if one.joined_at else None,
        "lost": one.is_lost,
        "place": one.place,
        "admitted": one.admitted,
        "knocking": one.entered and not one.admitted,
        "mic": one.mic_on,
        "camera": one.camera_on,
        "sharing": one.sharing,
        "mine": mine,
        "slot": None if mine else channels.slot_of(viewer.number, one.number),
        "gain": feed.gain if feed else (FULL if not viewer.is_in_room else 0.0),
        "sound": feed.sound if feed else Sound.ORIGINAL,
        "canBeShownOut": policy.can_be_shown_out(one),
    }
