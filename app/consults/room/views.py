"""What a browser is told about the room, from the point of view of its seat; and the routes for the
media node.
"""

from __future__ import annotations

from app.consults import policy
from app.consults.interpreting import channels, no_show
from app.consults.interpreting import service as interpreting
from app.consults.interpreting.channels import FULL_GAIN, AudioFeed, AudioRendition
from app.consults.models import Caption, ChatMessage, Consult, Seat, TeachBack
from app.consults.recording import service as recording
from app.media import messages


def route_consult_audio(consult: Consult) -> dict[str, tuple[AudioFeed, ...]]:
    """Who hears whom among those in the room."""
    voices = [seat.voice for seat in consult.present_seats if seat.is_in_room]
    return channels.route_audio(voices, channels.InterpretingMode(consult.mode))


def build_media_routes(consult: Consult) -> dict[str, tuple[messages.MediaRoute, ...]]:
    """The whole table of the room: every picture, the sounds that are heard, and the one shared
    screen.
    """
    inside = [seat for seat in consult.seats if seat.is_in_room]
    voices = [seat.voice for seat in inside]
    feeds = route_consult_audio(consult)
    table = {}
    for listener in inside:
        audible = {feed.source: feed for feed in feeds[listener.id]}
        routes = []
        for source in inside:
            if source.id == listener.id:
                continue
            slot = channels.compute_receive_slot(listener.number, source.number)
            if source.id in audible:
                need = channels.classify_audio_need(listener.voice, audible[source.id], voices)
                routes.append(
                    messages.MediaRoute(
                        source=source.id,
                        kind=messages.MediaKind.AUDIO,
                        slot=slot,
                        priority=messages.StreamPriority(need),
                    )
                )
            routes.append(
                messages.MediaRoute(source=source.id, kind=messages.MediaKind.VIDEO, slot=slot)
            )
            if source.sharing:
                routes.append(messages.MediaRoute(source=source.id, kind=messages.MediaKind.SCREEN))
        table[listener.id] = tuple(routes)
    return table


def build_seat_state(seat: Seat) -> dict[str, object]:
    """Everything the page of this seat shows, small enough to be sent whole at every change."""
    consult = seat.consult
    feeds = {feed.source: feed for feed in route_consult_audio(consult).get(seat.id, ())}
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
        "languages": interpreting.list_consult_languages(consult),
        "recording": recording.describe_recording(seat),
        "interpreterSought": no_show.is_interpreter_sought(consult),
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
            "canSetMode": policy.can_set_interpreting_mode(seat),
            "canAdmit": policy.can_admit_people(seat),
            "canEnd": policy.can_end_consult(seat),
        },
        "seats": [_serialize_seat(one, seat, feeds.get(one.id)) for one in consult.present_seats],
    }


def serialize_chat_message(message: ChatMessage) -> dict[str, object]:
    return {
        "channel": message.channel,
        "number": message.number,
        "clientId": message.client_id,
        "seat": message.seat_id,
        "name": message.seat.person.name,
        "text": message.text,
        "at": message.at.isoformat(),
    }


def serialize_teach_back(item: TeachBack) -> dict[str, object]:
    return {
        "id": item.id,
        "number": item.number,
        "point": item.point,
        "said": item.said,
        "verdict": item.verdict,
        "correction": item.correction,
    }


def serialize_caption(line: Caption) -> dict[str, object]:
    return {
        "number": line.number,
        "clientId": line.client_id,
        "language": line.language,
        "text": line.text,
        "at": line.at.isoformat(),
    }


def _serialize_seat(one: Seat, viewer: Seat, feed: AudioFeed | None) -> dict[str, object]:
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
        "slot": None if mine else channels.compute_receive_slot(viewer.number, one.number),
        "gain": feed.gain if feed else (FULL_GAIN if not viewer.is_in_room else 0.0),
        "sound": feed.sound if feed else AudioRendition.ORIGINAL,
        "canBeShownOut": policy.can_be_removed(one),
    }
