"""Who hears whom: the table for the meetings that happen, and what must hold for every meeting."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.consults.interpreting.channels import (
    FULL_GAIN,
    AudioFeed,
    AudioNeed,
    AudioRendition,
    InterpretingMode,
    SeatVoice,
    classify_audio_need,
    compute_receive_slot,
    find_live_channel,
    find_reachable_languages,
    get_base_language,
    list_understood_languages,
    route_audio,
)


def voice(
    name: str,
    number: int,
    language: str,
    pair: tuple[str, str] | None = None,
    live_on: str | None = None,
    gain: float = 0.15,
) -> SeatVoice:
    return SeatVoice(name, number, language, language, pair, live_on, gain)


PATIENT, DOCTOR = voice("patient", 0, "ar"), voice("doctor", 1, "en-GB")


def interpreter(
    live_on: str | None,
    name: str = "interpreter",
    number: int = 2,
    pair: tuple[str, str] = ("ar", "en"),
) -> SeatVoice:
    return voice(name, number, pair[0], pair, live_on)


def heard(
    listener: str, *voices: SeatVoice, mode: InterpretingMode = InterpretingMode.SIMULTANEOUS
) -> dict[str, tuple[str, float]]:
    return {
        feed.source: (feed.sound.value, feed.gain) for feed in route_audio(voices, mode)[listener]
    }


ORIGINAL, INTERPRETED, DUCKED = ("original", 1.0), ("interpreter", 1.0), ("ducked", 0.15)

TABLE = [
    # who listens, the interpreters, what is heard
    pytest.param(
        "patient",
        [interpreter("ar")],
        {"doctor": DUCKED, "interpreter": INTERPRETED},
        id="into Arabic",
    ),
    pytest.param(
        "patient",
        [interpreter("en")],
        {"doctor": DUCKED},
        id="the switch is on English: no un-ducking",
    ),
    pytest.param(
        "patient", [interpreter(None)], {"doctor": DUCKED}, id="a pause, or a cough: no un-ducking"
    ),
    pytest.param(
        "patient", [], {"doctor": ORIGINAL}, id="nobody interprets: the original is the closest"
    ),
    pytest.param(
        "doctor",
        [interpreter("en")],
        {"patient": DUCKED, "interpreter": INTERPRETED},
        id="into English",
    ),
    pytest.param(
        "doctor", [interpreter("ar")], {"patient": DUCKED}, id="not sent what is not for them"
    ),
    pytest.param(
        "interpreter",
        [interpreter("ar")],
        {"patient": ORIGINAL, "doctor": ORIGINAL},
        id="the interpreter hears both in full",
    ),
    pytest.param(
        "patient",
        [interpreter("fr", pair=("fr", "en"))],
        {"doctor": ORIGINAL},
        id="an interpreter of other languages changes nothing",
    ),
    # a relay through French: English -> French -> Arabic
    pytest.param(
        "patient",
        [interpreter("fr", "one", 2, ("en", "fr")), interpreter("ar", "two", 3, ("fr", "ar"))],
        {"doctor": DUCKED, "two": INTERPRETED},
        id="the relay ends in Arabic",
    ),
    pytest.param(
        "two",
        [interpreter("fr", "one", 2, ("en", "fr")), interpreter("ar", "two", 3, ("fr", "ar"))],
        {"patient": ORIGINAL, "doctor": DUCKED, "one": INTERPRETED},
        id="the second works from the first",
    ),
    pytest.param(
        "one",
        [interpreter("fr", "one", 2, ("en", "fr")), interpreter("fr", "two", 3, ("fr", "ar"))],
        {"doctor": ORIGINAL, "patient": DUCKED},
        id="two on one channel: only the first is live",
    ),
    # two of one pair, handing over
    pytest.param(
        "patient",
        [interpreter("ar", "one", 2), interpreter(None, "two", 3)],
        {"doctor": DUCKED, "one": INTERPRETED},
        id="a team: who rests is not heard",
    ),
    pytest.param(
        "two",
        [interpreter("ar", "one", 2), interpreter(None, "two", 3)],
        {"patient": ORIGINAL, "doctor": ORIGINAL, "one": DUCKED},
        id="who rests follows the partner softly",
    ),
]


@pytest.mark.parametrize(("listener", "interpreters", "expected"), TABLE)
def test_simultaneous(
    listener: str, interpreters: list[SeatVoice], expected: dict[str, tuple[str, float]]
) -> None:
    assert heard(listener, PATIENT, DOCTOR, *interpreters) == expected


def test_in_consecutive_mode_everyone_hears_everyone() -> None:
    voices = [PATIENT, DOCTOR, interpreter(None)]
    for listener in voices:
        assert heard(listener.id, *voices, mode=InterpretingMode.CONSECUTIVE) == {
            other.id: ORIGINAL for other in voices if other is not listener
        }


RELATIVE = voice("relative", 4, "ar")


@pytest.mark.parametrize(
    ("listener", "mode", "expected"),
    [
        (
            "patient",
            InterpretingMode.SIMULTANEOUS,
            {"interpreter": "essential", "doctor": "background", "relative": "ordinary"},
        ),
        (
            "doctor",
            InterpretingMode.SIMULTANEOUS,
            {"patient": "background", "relative": "background"},
        ),
        (
            "interpreter",
            InterpretingMode.SIMULTANEOUS,
            {"patient": "essential", "doctor": "essential", "relative": "essential"},
        ),
        (
            "patient",
            InterpretingMode.CONSECUTIVE,
            {"interpreter": "essential", "doctor": "background", "relative": "ordinary"},
        ),
        (
            "doctor",
            InterpretingMode.CONSECUTIVE,
            {"interpreter": "essential", "patient": "background", "relative": "background"},
        ),
    ],
)
def test_a_narrow_line_keeps_the_voice_that_is_needed(
    listener: str, mode: InterpretingMode, expected: dict[str, str]
) -> None:
    seats = [PATIENT, DOCTOR, interpreter("ar"), RELATIVE]
    who = next(seat for seat in seats if seat.id == listener)
    assert {
        feed.source: classify_audio_need(who, feed, seats).value
        for feed in route_audio(seats, mode)[listener]
    } == expected


def test_without_an_interpreter_no_voice_is_given_up_for_another() -> None:
    for mode in InterpretingMode:
        for feed in route_audio([PATIENT, DOCTOR], mode)["patient"]:
            assert classify_audio_need(PATIENT, feed, [PATIENT, DOCTOR]) == AudioNeed.ORDINARY


def test_the_listeners_own_slider_is_the_gain_and_nothing_at_zero_is_sent() -> None:
    loud, deaf = voice("patient", 0, "ar", gain=0.6), voice("patient", 0, "ar", gain=0.0)
    assert heard("patient", loud, DOCTOR, interpreter("ar"))["doctor"] == ("ducked", 0.6)
    assert "doctor" not in heard("patient", deaf, DOCTOR, interpreter("ar"))


def test_a_slot_depends_on_the_two_numbers_alone() -> None:
    assert [compute_receive_slot(2, source) for source in (0, 1, 3, 7)] == [0, 1, 2, 6]
    with pytest.raises(ValueError):
        compute_receive_slot(3, 3)


# --- what holds for every meeting ---

LANGUAGES = ["en", "en-GB", "ar", "fr", "es", "de"]


@st.composite
def meetings(draw: st.DrawFn) -> list[SeatVoice]:
    """Up to eight seats, in any order, with interpreters of any pairs."""
    seats = []
    for number in draw(st.permutations(range(draw(st.integers(1, 8))))):
        language = draw(st.sampled_from(LANGUAGES))
        pair = draw(
            st.one_of(
                st.none(),
                st.lists(
                    st.sampled_from(LANGUAGES), min_size=2, max_size=2, unique_by=get_base_language
                ),
            )
        )
        live_on = draw(st.one_of(st.none(), st.sampled_from(pair or LANGUAGES)))
        gain = draw(st.sampled_from([0.0, 0.15, 0.5, 1.0]))
        seats.append(
            SeatVoice(
                f"seat{number}",
                number,
                language,
                draw(st.sampled_from(LANGUAGES)),
                tuple(pair) if pair else None,
                live_on,
                gain,
            )
        )  # type: ignore[arg-type]
    return seats


modes = st.sampled_from(list(InterpretingMode))


def feeds(
    seats: list[SeatVoice],
    listener: SeatVoice,
    mode: InterpretingMode = InterpretingMode.SIMULTANEOUS,
) -> dict[str, AudioFeed]:
    return {feed.source: feed for feed in route_audio(seats, mode)[listener.id]}


@given(meetings(), modes)
def test_nobody_hears_themselves_and_nothing_is_heard_twice(
    seats: list[SeatVoice], mode: InterpretingMode
) -> None:
    for listener in seats:
        sources = [feed.source for feed in route_audio(seats, mode)[listener.id]]
        assert listener.id not in sources
        assert len(sources) == len(set(sources))


@given(meetings())
def test_every_utterance_is_heard_in_ones_language_or_as_close_as_anyone_present_brings_it(
    seats: list[SeatVoice],
) -> None:
    """An utterance in a language one takes is heard in full. One that others can bring into it is
    heard from them (and softly itself, as the listener likes). One that nobody can bring is heard
    as it is.
    """
    for listener in seats:
        others = [seat for seat in seats if seat is not listener]
        for source in (seat for seat in others if not seat.pair):
            feed = feeds(seats, listener).get(source.id)
            takes = list_understood_languages(listener)
            if (
                get_base_language(source.speaks) in takes
                or not find_reachable_languages(source.speaks, others) & takes
            ):
                assert feed == AudioFeed(source.id, FULL_GAIN, AudioRendition.ORIGINAL)
            elif listener.original_gain > 0:
                assert feed == AudioFeed(source.id, listener.original_gain, AudioRendition.DUCKED)
            else:
                assert feed is None


@given(meetings())
def test_whoever_needs_an_interpreter_hears_the_one_who_is_live_in_their_language(
    seats: list[SeatVoice],
) -> None:
    for listener in (seat for seat in seats if not seat.pair):
        for source in (seat for seat in seats if seat.pair and seat is not listener):
            is_for_me = find_live_channel(source, seats) == get_base_language(listener.listens)
            assert (
                feeds(seats, listener).get(source.id)
                == AudioFeed(source.id, FULL_GAIN, AudioRendition.INTERPRETER)
            ) is is_for_me


@given(meetings())
def test_at_most_one_interpreter_is_live_on_a_channel(seats: list[SeatVoice]) -> None:
    live = [channel for seat in seats if (channel := find_live_channel(seat, seats)) is not None]
    assert len(live) == len(set(live))


@given(meetings(), modes)
def test_what_comes_from_the_interpreter_is_essential_and_what_is_ducked_never(
    seats: list[SeatVoice], mode: InterpretingMode
) -> None:
    for listener in seats:
        for feed in route_audio(seats, mode)[listener.id]:
            need = classify_audio_need(listener, feed, seats)
            assert (need == AudioNeed.ESSENTIAL) >= (feed.sound == AudioRendition.INTERPRETER)
            assert (need == AudioNeed.BACKGROUND) >= (feed.sound == AudioRendition.DUCKED)


@given(meetings(), modes, st.data())
def test_routes_are_stable_under_rejoin(
    seats: list[SeatVoice], mode: InterpretingMode, data: st.DataObject
) -> None:
    """Whoever leaves and comes back finds everything as it was, in whatever order people came."""
    before = route_audio(seats, mode)
    assert route_audio(data.draw(st.permutations(seats)), mode) == before
    away = data.draw(st.sampled_from(seats))
    rest = [seat for seat in seats if seat is not away]
    assert away.id not in route_audio(rest, mode)
    assert route_audio([*rest, away], mode) == before


@given(meetings())
def test_each_listener_has_a_slot_for_each_other_and_no_two_share_one(
    seats: list[SeatVoice],
) -> None:
    for listener in seats:
        slots = [
            compute_receive_slot(listener.number, seat.number)
            for seat in seats
            if seat is not listener
        ]
        assert len(slots) == len(set(slots))
        assert all(0 <= slot < 7 for slot in slots)


def test_who_is_away_brings_nothing_into_another_language():
    """A relay from Arabic by way of English: without its second half it ends in English."""
    first = SeatVoice("i1", 1, "ar", "ar", pair=("ar", "en"))
    second = SeatVoice("i2", 2, "en", "en", pair=("en", "de"))
    assert find_reachable_languages("ar-EG", [first, second]) == {"ar", "en", "de"}
    assert find_reachable_languages("ar-EG", [first, replace(second, away=True)]) == {"ar", "en"}
    assert find_reachable_languages("ar-EG", [replace(first, away=True), second]) == {"ar"}
