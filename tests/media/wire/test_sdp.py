"""Offers of real browsers are answered as forwarding needs; everything else is refused with a
reason.
"""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from app.media.forwarding.seat import SeatConnection
from app.media.messages import MediaSections, SlotSections
from app.media.wire import rtp, sdp
from app.media.wire.aiortc_seam import make_dtls_certificate
from tests.media.client import run

OFFERS = Path(__file__).parents[1] / "offers"
CERTIFICATE = make_dtls_certificate()
CHROMIUM_LINES = MediaSections(
    mic="0",
    camera="1",
    screen="2",
    stage="7",
    slots=(SlotSections(audio="3", video="4"), SlotSections(audio="5", video="6")),
)
FIREFOX_LINES = MediaSections(mic="0", camera="1", slots=(SlotSections(audio="2", video="3"),))


def offer(name: str) -> str:
    return (OFFERS / f"{name}.sdp").read_text().replace("\n", "\r\n")


def answer(text: str, lines: MediaSections) -> dict[str, list[str]]:
    """The answer's attributes and m-line, by mid."""

    async def negotiate() -> str:
        seat = SeatConnection(
            "room", "ana", "1", CERTIFICATE, ("127.0.0.1",), (40000, 49999), lambda *_: None
        )
        try:
            return await seat.answer(text, lines)
        finally:
            await seat.close()

    sections = ("\r\n" + run(negotiate())).split("\r\nm=")[1:]
    found = {}
    for section in sections:
        rows = section.splitlines()
        found[next(row[6:] for row in rows if row.startswith("a=mid:"))] = rows
    return found


def test_chromium_is_answered_line_by_line():
    lines = answer(offer("chromium"), CHROMIUM_LINES)
    assert list(lines) == [str(number) for number in range(8)]
    for mid in "012":
        assert "a=recvonly" in lines[mid]
    for mid in "34567":
        assert "a=sendonly" in lines[mid]
    assert all("a=setup:active" in rows and "a=rtcp-mux" in rows for rows in lines.values())


def test_candidates_are_all_inside_and_only_where_the_node_is_reached():
    rows = answer(offer("chromium"), CHROMIUM_LINES)["0"]
    candidates = [row for row in rows if row.startswith("a=candidate:")]
    assert len(candidates) == 1
    assert " 127.0.0.1 " in candidates[0]
    assert "a=end-of-candidates" in rows


def test_opus_may_correct_errors_and_stays_mono():
    (row,) = [
        row
        for row in answer(offer("chromium"), CHROMIUM_LINES)["0"]
        if row.startswith("a=fmtp:111")
    ]
    assert "useinbandfec=1" in row
    assert "stereo=0" in row


def test_the_uplink_has_transport_feedback_and_the_downlink_has_remb_beside_it():
    lines = answer(offer("chromium"), CHROMIUM_LINES)
    assert any("transport-cc" in row for row in lines["1"])
    assert any("transport-wide-cc" in row for row in lines["1"])
    assert not any("goog-remb" in row for row in lines["1"])
    assert any("goog-remb" in row for row in lines["4"])
    assert any("transport-wide-cc" in row for row in lines["4"])


def test_each_slot_is_a_stream_of_its_own():
    lines = answer(offer("chromium"), CHROMIUM_LINES)
    streams = [
        next(row.split()[0] for row in lines[mid] if row.startswith("a=msid:")) for mid in "34567"
    ]
    assert streams == [
        "a=msid:slot0",
        "a=msid:slot0",
        "a=msid:slot1",
        "a=msid:slot1",
        "a=msid:stage",
    ]


def test_an_extension_for_one_direction_is_mirrored():
    rows = answer(offer("firefox-like"), FIREFOX_LINES)["1"]
    assert any(row.startswith("a=extmap:6/recvonly ") for row in rows)


def test_both_layers_of_a_real_firefox_are_taken_and_their_names_mirrored():
    rows = answer(offer("firefox"), MediaSections(mic="0", camera="1", screen="2"))["1"]
    assert "a=simulcast:recv s;l" in rows
    assert {"a=rid:s recv", "a=rid:l recv"} <= set(rows)
    for uri in (rtp.RID_EXTENSION_URI, rtp.REPAIRED_RID_EXTENSION_URI):
        assert any(row.endswith(f"/recvonly {uri}") for row in rows), uri
    assert f"a=extmap:3 {rtp.MID_EXTENSION_URI}" in rows


def test_vp8_is_what_is_sent_whatever_else_is_offered():
    assert (
        answer(offer("firefox-like"), FIREFOX_LINES)["1"][0] == "video 9 UDP/TLS/RTP/SAVPF 120 124"
    )


def test_lines_without_a_part_are_refused_and_the_rest_stands():
    lines = answer(offer("chromium"), MediaSections(mic="0"))
    assert lines["1"][0].startswith("video 0 ")
    assert "a=recvonly" in lines["0"]


@pytest.mark.parametrize(
    ("change", "to"),
    [
        ("v=0", "v=1"),
        ("a=group:BUNDLE 0 1 2 3", ""),
        ("a=ice-ufrag:1a2b3c4d", "a=ice-ufrag:\u00e4"),
        ("a=ice-pwd:6b3f0cbd5bd0bc1f7e2bd4cb2a1c1eaf", "a=ice-pwd:short"),
        ("a=setup:actpass", "a=setup:active"),
        ("a=mid:1", "a=mid:0"),
        ("a=fingerprint:sha-256", "a=fingerprint:md5"),
        ("a=rtpmap:120 VP8/90000", "a=rtpmap:many VP8/90000"),
        ("a=ssrc:3001", "a=ssrc:99999999999"),
        ("m=video", "m=hologram"),
    ],
)
def test_a_malformed_offer_is_refused_with_a_reason(change, to):
    text = offer("firefox-like")
    assert change in text
    with pytest.raises(sdp.MalformedSdp):
        sdp.read_sdp_offer(text.replace(change, to))


@pytest.mark.parametrize(
    "text", ["", "v=0", "hello", "v=0\r\nm=\r\n", "v=0\r\n" * 5000, "m=audio 9 X 0\r\n" * 100]
)
def test_nonsense_is_refused(text):
    with pytest.raises(sdp.MalformedSdp):
        sdp.read_sdp_offer(text)


@pytest.mark.parametrize("name", ["chromium", "firefox", "firefox-like"])
def test_mutations_of_real_offers_are_answered_or_refused_never_a_crash(name):
    whole = offer(name)
    dice = random.Random(2)
    for _ in range(250):
        text = list(whole)
        for _ in range(dice.randrange(1, 12)):
            place = dice.randrange(len(text))
            match dice.randrange(4):
                case 0:
                    del text[place : place + dice.randrange(1, 200)]
                case 1:
                    text.insert(place, dice.choice("\r\n =:/0-9\x00\u0661\uffff"))
                case 2:
                    text[place] = chr(dice.randrange(1, 0x2000))
                case _:
                    text[place:place] = text[place : place + 300]
        try:
            sdp.read_sdp_offer("".join(text))
        except sdp.MalformedSdp:
            pass
