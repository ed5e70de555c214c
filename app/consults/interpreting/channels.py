"""Who hears whom: pure functions from seats and mode to routes.

Each seat speaks one language and listens in one. In **consecutive** mode everyone hears everyone.
In **simultaneous** mode an interpreter's microphone is on the channel of one language at a time,
and a listener hears

* the original at full gain when it is in the listener's language;
* else the interpreter of that language at full gain, and the original ducked to the listener's own
  liking;
* where nobody interprets into the listener's language, the original at full gain: the closest there
  is.

Ducking hangs on who *could* interpret, not on who is talking: it never lets go by itself in a
pause. Where no interpreter has the direct pair, an interpreter listens to another one's channel (a
relay through a pivot).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

FULL = 1.0


class Mode(StrEnum):
    CONSECUTIVE = "consecutive"
    SIMULTANEOUS = "simultaneous"


@dataclass(frozen=True, slots=True)
class Voice:
    """A seat as the channels see it. `pair` makes it an interpreter's; `live_on` is the language
    that goes out now.

    Who is `away` has lost the line: they interpret for nobody until they are back, and find
    everything as it was.
    """

    id: str
    number: int
    speaks: str
    listens: str
    pair: tuple[str, str] | None = None
    live_on: str | None = None
    original_gain: float = 0.15
    away: bool = False


class Sound(StrEnum):
    """As what a listener hears a source."""

    ORIGINAL = "original"
    INTERPRETER = "interpreter"
    DUCKED = "ducked"


@dataclass(frozen=True, slots=True)
class Feed:
    """One source that a listener hears, and how loud. A source that is not heard has no feed: it is
    not sent.
    """

    source: str
    gain: float
    sound: Sound


class Need(StrEnum):
    """What a voice is to a listener whose line is too narrow for all of them."""

    ESSENTIAL = "essential"
    ORDINARY = "ordinary"
    BACKGROUND = "background"


Routes = Mapping[str, tuple[Feed, ...]]


def routes(voices: Iterable[Voice], mode: Mode) -> dict[str, tuple[Feed, ...]]:
    """For each listener, the sources it hears, by seat number. Nobody hears themselves."""
    seats = sorted(voices, key=lambda voice: voice.number)
    if mode == Mode.CONSECUTIVE:
        return {
            listener.id: tuple(
                Feed(other.id, FULL, Sound.ORIGINAL) for other in seats if other.id != listener.id
            )
            for listener in seats
        }
    return {listener.id: tuple(_heard(listener, seats)) for listener in seats}


def slot_of(listener: int, source: int) -> int:
    """The slot in which the seat with number `listener` receives the seat with number `source`.

    It depends on the two numbers alone, so it stays the same whoever else comes, goes or returns.
    """
    if listener == source:
        raise ValueError("nobody receives themselves")
    return source if source < listener else source - 1


def need_of(listener: Voice, feed: Feed, voices: Iterable[Voice]) -> Need:
    """How much the listener needs what they hear of a source, in either mode.

    An interpreter's voice is essential to whoever depends on it, and so is, to an interpreter,
    everybody whom they interpret. What is heard softly, or is not understood and will be
    interpreted, is the background.
    """
    seats = list(voices)
    source = next(seat for seat in seats if seat.id == feed.source)
    takes = understood_by(listener)
    if feed.sound == Sound.DUCKED:
        return Need.BACKGROUND
    if feed.sound == Sound.INTERPRETER:
        return Need.ESSENTIAL
    if (
        source.pair
    ):  # in turn: an interpreter brings what others say into a language of this listener's
        return Need.ESSENTIAL if understood_by(source) & takes else Need.BACKGROUND
    if _follows(listener, source):
        return Need.ESSENTIAL if listener.pair else Need.ORDINARY
    others = [seat for seat in seats if seat.id != listener.id]
    return Need.BACKGROUND if reach(source.speaks, others) & takes else Need.ORDINARY


def base(tag: str) -> str:
    """The language of a BCP 47 tag without its region: who speaks ar-EG understands ar."""
    return tag.split("-")[0].lower()


def same_language(one: str, other: str) -> bool:
    return base(one) == base(other)


def channel_of(interpreter: Voice, seats: Iterable[Voice]) -> str | None:
    """The language on whose channel the interpreter is, if theirs is the microphone of that
    channel.

    At most one interpreter is live on a channel: of several, the one with the lowest number.
    """
    language = _wished(interpreter)
    if language is None:
        return None
    first = min(seat.number for seat in seats if _wished(seat) == language)
    return language if first == interpreter.number else None


def reach(language: str, interpreters: Iterable[Voice]) -> frozenset[str]:
    """Every language into which an utterance can be brought by these interpreters, one after
    another.
    """
    pairs = [
        frozenset(map(base, voice.pair)) for voice in interpreters if voice.pair and not voice.away
    ]
    reached, grown = frozenset({base(language)}), frozenset[str]()
    while reached != grown:
        grown = reached
        for pair in pairs:
            if pair & reached:
                reached |= pair
    return reached


def understood_by(listener: Voice) -> frozenset[str]:
    """The languages that a listener takes: their own, or both of an interpreter's pair."""
    return (
        frozenset(map(base, listener.pair))
        if listener.pair
        else frozenset({base(listener.listens)})
    )


def is_interrupted(voices: Iterable[Voice]) -> bool:
    """Whether somebody is cut off from somebody else only because an interpreter is away."""
    seats = list(voices)
    back = [replace(seat, away=False) for seat in seats]
    people = [seat for seat in seats if not seat.pair and not seat.away]
    return any(
        not reach(speaker.speaks, seats) & understood_by(listener)
        and reach(speaker.speaks, back) & understood_by(listener)
        for speaker in people
        for listener in people
        if speaker is not listener
    )


def _wished(voice: Voice) -> str | None:
    if voice.pair is None or voice.live_on is None or voice.away:
        return None
    language = base(voice.live_on)
    return language if language in map(base, voice.pair) else None


def _heard(listener: Voice, seats: Sequence[Voice]) -> Iterator[Feed]:
    others = [seat for seat in seats if seat.id != listener.id]
    takes = understood_by(listener)
    foreign = [seat for seat in others if not seat.pair and not _follows(listener, seat)]
    brought = {seat.id for seat in foreign if reach(seat.speaks, others) & takes}
    for source in others:
        if source.pair:
            yield from _from_interpreter(listener, source, seats, needed=bool(brought))
        elif source.id in brought:
            yield from _quietly(listener, source)
        else:
            yield Feed(source.id, FULL, Sound.ORIGINAL)


def _follows(listener: Voice, source: Voice) -> bool:
    return base(source.speaks) in understood_by(listener)


def _from_interpreter(
    listener: Voice, source: Voice, seats: Sequence[Voice], *, needed: bool
) -> Iterator[Feed]:
    """An interpreter is heard by who takes the language that goes out. A partner who needs no relay
    hears softly.
    """
    channel = channel_of(source, seats)
    if channel is None or channel not in understood_by(listener):
        return
    if listener.pair and not needed:
        yield from _quietly(listener, source)
    else:
        yield Feed(source.id, FULL, Sound.INTERPRETER)


def _quietly(listener: Voice, source: Voice) -> Iterator[Feed]:
    gain = min(max(listener.original_gain, 0.0), FULL)
    if gain > 0:
        yield Feed(source.id, gain, Sound.DUCKED)
