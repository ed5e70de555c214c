"""WebM as we record it: whole clusters written one after another, and a header with cues made when
all are there.

A recording is ``header | cluster | cluster | …``. Each cluster stands by itself (its time is
absolute, its size known), so that clusters can be stored apart while the header is not yet known,
and what was stored plays whatever happens afterwards. Track 1 is the picture, every further one a
language.

EBML is RFC 8794, Matroska RFC 9559; codec mappings for VP8 and Opus as in
https://www.matroska.org/technical/codec_specs.
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

PICTURE_TRACK = 1
FIRST_VOICE_TRACK = 2
OPUS_SILENCE = b"\xf8\xff\xfe"
"""20 ms of nothing, mono (RFC 6716, 3.1: CELT only, full band, one frame)."""
OPUS_SILENCE_MS = 20
BLACK_KEY_FRAME = bytes.fromhex(
    "f00e009d012a4001b400004708858588858488020200061604f70681649f6bdb9b27387b27387b27387b27387b27387b27387b27387b"
    "27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b27387b"
    "27387b27387b27387b27387b27387b27387b27387b272e00feffab5080"
)
"""A black key frame of VP8, as libvpx encodes one."""
BLACK_KEY_FRAME_SIZE = (320, 180)
MAX_CLUSTER_MS = 30_000  # a block's time within its cluster is 16 bits, signed

_EBML, _SEGMENT, _CLUSTER = 0x1A45DFA3, 0x18538067, 0x1F43B675
_INFO, _TRACKS, _CUES = 0x1549A966, 0x1654AE6B, 0x1C53BB6B
_TIMESTAMP, _BLOCK, _VOID, _TRACK_ENTRY, _TRACK_NUMBER = 0xE7, 0xA3, 0xEC, 0xAE, 0xD7
_KEY_FRAME_FLAG = 0x80


class MalformedWebm(ValueError):
    """These bytes are not what this module writes."""


@dataclass(frozen=True, slots=True)
class WebmBlock:
    """One frame. ``at`` is in milliseconds from the beginning of the recording."""

    at: int
    track: int
    payload: bytes
    is_key: bool = True


@dataclass(frozen=True, slots=True)
class WebmCluster:
    """What a reader needs to know of a cluster. ``ends`` is the time of its last block;
    ``key_at`` that of its first whole picture, if it has one; ``size`` the size of the picture
    in pixels.
    """

    at: int
    ends: int
    key_at: int | None
    tracks: frozenset[int]
    size: tuple[int, int] | None


# --- writing ---


def write_cluster(blocks: Sequence[WebmBlock]) -> bytes:
    """The blocks, in the order of their times, as one cluster. At least one, spanning at most
    ``MAX_CLUSTER_MS``.
    """
    base = blocks[0].at
    if blocks[-1].at - base > MAX_CLUSTER_MS:
        raise ValueError("these blocks span more than a cluster can hold")
    pieces = [_write_element(_TIMESTAMP, _encode_number(base))]
    for block in blocks:
        head = struct.pack(
            ">BhB", 0x80 | block.track, block.at - base, _KEY_FRAME_FLAG if block.is_key else 0
        )
        pieces.append(b"\xa3" + _encode_size(len(head) + len(block.payload)) + head + block.payload)
    return _write_element(_CLUSTER, b"".join(pieces))


def make_silence(start: int, end: int, tracks: Collection[int]) -> list[WebmBlock]:
    """Nothing to be heard on ``tracks`` from ``start`` up to ``end``."""
    return [
        WebmBlock(at, track, OPUS_SILENCE)
        for at in range(start, end - OPUS_SILENCE_MS + 1, OPUS_SILENCE_MS)
        for track in sorted(tracks)
    ]


def write_header(
    clusters: Sequence[tuple[WebmCluster, int]],
    languages: Mapping[int, str],
    size: tuple[int, int] | None,
) -> bytes:
    """All that stands before the first cluster, with cues into them. ``clusters`` come with the
    bytes that each takes; ``languages`` names the language of each voice's track; ``size`` is of
    the picture, None where there is none.
    """
    head = _write_element(
        _EBML,
        _write_element(0x4286, b"\1")
        + _write_element(0x42F7, b"\1")
        + _write_element(0x42F2, b"\4")
        + _write_element(0x42F3, b"\x08")
        + _write_element(0x4282, b"webm")
        + _write_element(0x4287, b"\4")
        + _write_element(0x4285, b"\2"),
    )
    ends = max((one.ends for one, _ in clusters), default=0)
    info = _write_element(
        _INFO,
        _write_element(0x2AD7B1, _encode_number(1_000_000))
        + _write_element(0x4489, struct.pack(">d", float(ends)))
        + _write_element(0x4D80, b"Consilium")
        + _write_element(0x5741, b"Consilium"),
    )
    tracks = _write_element(
        _TRACKS,
        (_picture_track(size) if size else b"")
        + b"".join(_voice_track(number, tag) for number, tag in sorted(languages.items())),
    )
    cues = b""
    for _ in range(2):  # the cues' own size moves what they point at; positions have a fixed width
        before = len(info) + len(tracks) + len(cues)
        cues = _write_cues(clusters, before, size is not None)
    body = len(info) + len(tracks) + len(cues) + sum(taken for _, taken in clusters)
    return (
        head
        + struct.pack(">I", _SEGMENT)
        + struct.pack(">Q", 1 << 56 | body)
        + info
        + tracks
        + cues
    )


def _write_cues(
    clusters: Sequence[tuple[WebmCluster, int]], position: int, has_picture: bool
) -> bytes:
    points: list[bytes] = []
    for one, taken in clusters:
        at = one.key_at if has_picture else one.at
        if at is not None:
            track = PICTURE_TRACK if has_picture else min(one.tracks, default=FIRST_VOICE_TRACK)
            place = _write_element(
                0xB7,
                _write_element(0xF7, _encode_number(track))
                + _write_element(0xF1, struct.pack(">Q", position)),
            )
            points.append(_write_element(0xBB, _write_element(0xB3, _encode_number(at)) + place))
        position += taken
    return _write_element(_CUES, b"".join(points)) if points else b""


def _picture_track(size: tuple[int, int]) -> bytes:
    video = _write_element(0xB0, _encode_number(size[0])) + _write_element(
        0xBA, _encode_number(size[1])
    )
    return _write_element(
        _TRACK_ENTRY,
        _write_element(_TRACK_NUMBER, _encode_number(PICTURE_TRACK))
        + _write_element(0x73C5, _encode_number(PICTURE_TRACK))
        + _write_element(0x83, b"\1")
        + _write_element(0x9C, b"\0")
        + _write_element(0x86, b"V_VP8")
        + _write_element(0xE0, video),
    )


def _voice_track(number: int, tag: str) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 2, 0, 48000, 0, 0)
    audio = _write_element(0xB5, struct.pack(">d", 48000.0)) + _write_element(0x9F, b"\2")
    return _write_element(
        _TRACK_ENTRY,
        _write_element(_TRACK_NUMBER, _encode_number(number))
        + _write_element(0x73C5, _encode_number(number))
        + _write_element(0x83, b"\2")
        + _write_element(0x9C, b"\0")
        + _write_element(0x22B59C, b"und")
        + _write_element(0x22B59D, tag.encode())
        + _write_element(0x536E, tag.encode())
        + _write_element(0x86, b"A_OPUS")
        + _write_element(0x56BB, _encode_number(80_000_000))
        + _write_element(0x63A2, head)
        + _write_element(0xE1, audio),
    )


def _write_element(identifier: int, body: bytes) -> bytes:
    return _encode_number(identifier) + _encode_size(len(body)) + body


def _encode_number(value: int) -> bytes:
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


def _encode_size(length: int) -> bytes:
    """An EBML size in as few bytes as hold it."""
    for width in range(1, 9):
        if length < (1 << 7 * width) - 1:
            return (length | 1 << 7 * width).to_bytes(width, "big")
    raise ValueError("too long")


# --- reading ---


def read_clusters(piece: bytes | bytearray) -> list[tuple[WebmCluster, int]]:
    """Every whole cluster at the beginning of ``piece``, with its length; a torn tail is left out.
    Raises ``MalformedWebm`` for what is no cluster.
    """
    found: list[tuple[WebmCluster, int]] = []
    position = 0
    while position < len(piece):
        try:
            identifier, start, end = _read_element(piece, position)
        except MalformedWebm:
            break
        if identifier != _CLUSTER:
            raise MalformedWebm("this is no cluster")
        if end > len(piece):
            break
        found.append((_describe_cluster(piece, start, end), end - position))
        position = end
    return found


def keep_tracks(piece: bytes | bytearray, tracks: Collection[int]) -> bytearray:
    """A header or whole clusters in which all other tracks are void: of the same length, so that
    every position holds.

    An element becomes void by its identifier alone, which for blocks and track entries is one byte
    long like ``Void``.
    """
    kept = bytearray(piece)
    for identifier, position, start, end in _walk_elements(piece, 0, len(piece)):
        if identifier == _BLOCK and piece[start] & 0x7F not in tracks:
            kept[position] = _VOID
        elif identifier == _TRACK_ENTRY and _number_of_track(piece, start, end) not in tracks:
            kept[position] = _VOID
    return kept


def read_blocks(piece: bytes | bytearray) -> Iterator[WebmBlock]:
    """The blocks of whole clusters."""
    base = 0
    for identifier, _, start, end in _walk_elements(piece, 0, len(piece)):
        if identifier == _TIMESTAMP:
            base = int.from_bytes(piece[start:end], "big")
        elif identifier == _BLOCK:
            number, offset, flags = struct.unpack_from(">BhB", piece, start)
            yield WebmBlock(
                base + offset,
                number & 0x7F,
                bytes(piece[start + 4 : end]),
                bool(flags & _KEY_FRAME_FLAG),
            )


def _describe_cluster(piece: bytes | bytearray, start: int, end: int) -> WebmCluster:
    at = ends = 0
    key_at: int | None = None
    size: tuple[int, int] | None = None
    tracks: set[int] = set()
    for identifier, _, begin, stop in _walk_elements(piece, start, end):
        if identifier == _TIMESTAMP:
            at = ends = int.from_bytes(piece[begin:stop], "big")
        elif identifier == _BLOCK:
            number, offset, flags = struct.unpack_from(">BhB", piece, begin)
            tracks.add(number & 0x7F)
            ends = max(ends, at + offset)
            if number & 0x7F == PICTURE_TRACK and flags & _KEY_FRAME_FLAG and key_at is None:
                key_at, size = at + offset, read_picture_size(piece[begin + 4 : begin + 14])
    return WebmCluster(at, ends, key_at, frozenset(tracks), size)


def read_picture_size(frame: bytes | bytearray) -> tuple[int, int] | None:
    """Width and height of a VP8 key frame (RFC 6386, 9.1)."""
    if len(frame) < 10 or frame[0] & 1 or bytes(frame[3:6]) != b"\x9d\x01\x2a":
        return None
    width, height = struct.unpack_from("<HH", frame, 6)
    return width & 0x3FFF, height & 0x3FFF


_PARENT_ELEMENTS = (_SEGMENT, _TRACKS, _CLUSTER)


def _walk_elements(
    piece: bytes | bytearray, position: int, stop: int
) -> Iterator[tuple[int, int, int, int]]:
    """(identifier, position, start of the content, end) of each element, going into those that hold
    others.
    """
    while position < stop:
        identifier, start, end = _read_element(piece, position)
        yield identifier, position, start, end
        position = start if identifier in _PARENT_ELEMENTS else end


def _number_of_track(piece: bytes | bytearray, start: int, end: int) -> int | None:
    for identifier, _, begin, stop in _walk_elements(piece, start, end):
        if identifier == _TRACK_NUMBER:
            return int.from_bytes(piece[begin:stop], "big")
    return None


def _read_element(piece: bytes | bytearray, position: int) -> tuple[int, int, int]:
    """(identifier, start of the content, its end). Raises ``MalformedWebm``."""
    try:
        width = _element_width(piece[position])
        identifier = int.from_bytes(piece[position : position + width], "big")
        position += width
        width = _element_width(piece[position])
        length = int.from_bytes(piece[position : position + width], "big") & (1 << 7 * width) - 1
    except IndexError:
        raise MalformedWebm("the end is missing") from None
    if position + width > len(piece):
        raise MalformedWebm("the end is missing")
    return identifier, position + width, position + width + length


def _element_width(first: int) -> int:
    if not first:
        raise MalformedWebm("no element begins like this")
    return 9 - first.bit_length()
