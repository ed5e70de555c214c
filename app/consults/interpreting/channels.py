"""Who hears whom: pure functions from seats and mode to routes.

Each seat speaks one language and listens in one. In **consecutive** mode everyone hears everyone.
In **simultaneous** mode an interpreter's microphone is on the channel of one language at a time,
and a listener hears

* the original at full gain when it is in the listener's language;
* else the interpreter of that language at full gain, and the original ducked to the listener's own
  liking;
* where nobody interprets into the listener's language, the original at full gain: the closest there
  is.

Ducking depends on who *could* interpret, not on who is talking, so it does not end in a pause.
Where no interpreter has the direct pair, an interpreter listens to the channel of another one
(relay interpreting through a pivot language, ISO 20539).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

FULL_GAIN = 1.0  # linear: the sound as it was sent


class InterpretingMode(StrEnum):
    """How a consultation is interpreted: in turn, or while somebody speaks."""

    CONSECUTIVE = "consecutive"
    SIMULTANEOUS = "simultaneous"


@dataclass(frozen=True, slots=True)
class SeatVoice:
    """What routing needs to know of a seat. Languages are BCP 47 tags.

    ``pair`` is the language pair of an interpreter, None for everybody else. ``live_on`` is the
    language into which the interpreter speaks now. ``original_gain`` is how loud the listener wants
    the original beneath an interpreter, from 0 to ``FULL_GAIN``. Who is ``away`` has lost their
    connection: they interpret for nobody until they return, and then everything is as before.
    """

    id: str
    number: int
    speaks: str
    listens: str
    pair: tuple[str, str] | None = None
    live_on: str | None = None
    original_gain: float = 0.15
    away: bool = False


class AudioRendition(StrEnum):
    """How a listener hears a source."""

    ORIGINAL = "original"
    INTERPRETER = "interpreter"
    DUCKED = "ducked"


@dataclass(frozen=True, slots=True)
class AudioFeed:
    """One source that a listener hears. ``source`` is a seat's id, ``gain`` is linear, from 0 to
    ``FULL_GAIN``. A source that is not heard has no feed and is not sent.
    """

    source: str
    gain: float
    sound: AudioRendition


class AudioNeed(StrEnum):
    """How important a voice is to a listener whose connection cannot carry all of them."""

    ESSENTIAL = "essential"
    ORDINARY = "ordinary"
    BACKGROUND = "background"


AudioRoutes = Mapping[str, tuple[AudioFeed, ...]]
"""The feeds of each listener, by the id of their seat."""


def route_audio(
    voices: Iterable[SeatVoice], mode: InterpretingMode
) -> dict[str, tuple[AudioFeed, ...]]:
    """The feeds of each listener by seat id, in the order of the sources' seat numbers. Nobody
    hears themselves.
    """
    seats = sorted(voices, key=lambda voice: voice.number)
    if mode == InterpretingMode.CONSECUTIVE:
        return {
            listener.id: tuple(
                AudioFeed(other.id, FULL_GAIN, AudioRendition.ORIGINAL)
                for other in seats
                if other.id != listener.id
            )
            for listener in seats
        }
    return {listener.id: tuple(_list_heard_feeds(listener, seats)) for listener in seats}


def compute_receive_slot(listener: int, source: int) -> int:
    """The slot, from 0, in which the seat with number ``listener`` receives the seat ``source``.

    It depends on the two numbers alone, so it stays the same whoever else comes, goes or returns.
    Raises ``ValueError`` when both are the same.
    """
    if listener == source:
        raise ValueError("nobody receives themselves")
    return source if source < listener else source - 1


def classify_audio_need(
    listener: SeatVoice, feed: AudioFeed, voices: Iterable[SeatVoice]
) -> AudioNeed:
    """How much the listener needs what they hear of a source, in either mode.

    An interpreter's voice is essential to whoever depends on it, and so is, to an interpreter,
    everybody whom they interpret. What is heard softly, or is not understood and will be
    interpreted, is the background.
    """
    seats = list(voices)
    source = next(seat for seat in seats if seat.id == feed.source)
    takes = list_understood_languages(listener)
    if feed.sound == AudioRendition.DUCKED:
        return AudioNeed.BACKGROUND
    if feed.sound == AudioRendition.INTERPRETER:
        return AudioNeed.ESSENTIAL
    if source.pair:
        # in turn: an interpreter brings what others say into a language of this listener's
        return (
            AudioNeed.ESSENTIAL
            if list_understood_languages(source) & takes
            else AudioNeed.BACKGROUND
        )
    if _understands_directly(listener, source):
        return AudioNeed.ESSENTIAL if listener.pair else AudioNeed.ORDINARY
    others = [seat for seat in seats if seat.id != listener.id]
    return (
        AudioNeed.BACKGROUND
        if find_reachable_languages(source.speaks, others) & takes
        else AudioNeed.ORDINARY
    )


def get_base_language(tag: str) -> str:
    """The language of a BCP 47 tag without its region: who speaks ar-EG understands ar."""
    return tag.split("-")[0].lower()


def is_same_base_language(one: str, other: str) -> bool:
    """Whether two BCP 47 tags name one language, whatever their regions."""
    return get_base_language(one) == get_base_language(other)


def find_live_channel(interpreter: SeatVoice, seats: Iterable[SeatVoice]) -> str | None:
    """The language on whose channel the interpreter is, if theirs is the microphone of that
    channel.

    At most one interpreter is live on a channel: of several, the one with the lowest number.
    """
    language = _wished_language(interpreter)
    if language is None:
        return None
    first = min(seat.number for seat in seats if _wished_language(seat) == language)
    return language if first == interpreter.number else None


def find_reachable_languages(language: str, interpreters: Iterable[SeatVoice]) -> frozenset[str]:
    """Every language into which an utterance can be brought by these interpreters, one after
    another.
    """
    pairs = [
        frozenset(map(get_base_language, voice.pair))
        for voice in interpreters
        if voice.pair and not voice.away
    ]
    reached, grown = frozenset({get_base_language(language)}), frozenset[str]()
    while reached != grown:
        grown = reached
        for pair in pairs:
            if pair & reached:
                reached |= pair
    return reached


def list_understood_languages(listener: SeatVoice) -> frozenset[str]:
    """The languages that a listener takes: their own, or both of an interpreter's pair."""
    return (
        frozenset(map(get_base_language, listener.pair))
        if listener.pair
        else frozenset({get_base_language(listener.listens)})
    )


def is_anyone_cut_off(voices: Iterable[SeatVoice]) -> bool:
    """Whether somebody is cut off from somebody else only because an interpreter is away."""
    seats = list(voices)
    back = [replace(seat, away=False) for seat in seats]
    people = [seat for seat in seats if not seat.pair and not seat.away]
    return any(
        not find_reachable_languages(speaker.speaks, seats) & list_understood_languages(listener)
        and find_reachable_languages(speaker.speaks, back) & list_understood_languages(listener)
        for speaker in people
        for listener in people
        if speaker is not listener
    )


def _wished_language(voice: SeatVoice) -> str | None:
    if voice.pair is None or voice.live_on is None or voice.away:
        return None
    language = get_base_language(voice.live_on)
    return language if language in map(get_base_language, voice.pair) else None


def _list_heard_feeds(listener: SeatVoice, seats: Sequence[SeatVoice]) -> Iterator[AudioFeed]:
    others = [seat for seat in seats if seat.id != listener.id]
    takes = list_understood_languages(listener)
    foreign = [
        seat for seat in others if not seat.pair and not _understands_directly(listener, seat)
    ]
    brought = {seat.id for seat in foreign if find_reachable_languages(seat.speaks, others) & takes}
    for source in others:
        if source.pair:
            yield from _feed_from_interpreter(listener, source, seats, needed=bool(brought))
        elif source.id in brought:
            yield from _feed_ducked(listener, source)
        else:
            yield AudioFeed(source.id, FULL_GAIN, AudioRendition.ORIGINAL)


def _understands_directly(listener: SeatVoice, source: SeatVoice) -> bool:
    return get_base_language(source.speaks) in list_understood_languages(listener)


def _feed_from_interpreter(
    listener: SeatVoice, source: SeatVoice, seats: Sequence[SeatVoice], *, needed: bool
) -> Iterator[AudioFeed]:
    """An interpreter is heard by who takes the language that goes out. A partner who needs no relay
    hears softly.
    """
    channel = find_live_channel(source, seats)
    if channel is None or channel not in list_understood_languages(listener):
        return
    if listener.pair and not needed:
        yield from _feed_ducked(listener, source)
    else:
        yield AudioFeed(source.id, FULL_GAIN, AudioRendition.INTERPRETER)


def _feed_ducked(listener: SeatVoice, source: SeatVoice) -> Iterator[AudioFeed]:
    gain = min(max(listener.original_gain, 0.0), FULL_GAIN)
    if gain > 0:
        yield AudioFeed(source.id, gain, AudioRendition.DUCKED)
