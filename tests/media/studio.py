"""Voices and cameras that are encoded once, a tape that they play to, and what of it can be
heard.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Sequence
from fractions import Fraction
from functools import cache

import av
import numpy

from app.core import webm
from app.media.recording.clusters import ClusterWriter

AR, EN = 2, 3


def packets_of(
    frames: Sequence[bytes], first: int = 0, pieces: int = 3
) -> list[tuple[int, int, int, bytes]]:
    """(sequence, timestamp, marker, payload) of each frame at 25 a second, cut into pieces, with a
    picture id.
    """
    made, sequence = [], first
    for number, frame in enumerate(frames):
        step = max(1, -(-len(frame) // pieces))
        for start in range(0, len(frame), step):
            is_last = start + step >= len(frame)
            descriptor = bytes([0x90 if start == 0 else 0x80, 0x80]) + struct.pack(
                ">H", 0x8000 | number
            )
            made.append(
                (
                    sequence & 0xFFFF,
                    number * 3600 & 0xFFFFFFFF,
                    0x80 if is_last else 0,
                    descriptor + frame[start : start + step],
                )
            )
            sequence += 1
    return made


@cache
def opus(hertz: int, seconds: float) -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = (
        48_000,
        "mono",
        "s16",
        32_000,
    )
    made = []
    for number in range(int(seconds * 50)):
        moments = (numpy.arange(960) + number * 960) / 48_000
        wave = (8000 * numpy.sin(2 * numpy.pi * hertz * moments)).astype(numpy.int16)[None, :]
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(made)


@cache
def vp8(count: int, width: int = 160, height: int = 120) -> tuple[bytes, ...]:
    encoder = av.CodecContext.create("libvpx", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = (
        width,
        height,
        "yuv420p",
        Fraction(1, 25),
    )
    encoder.options = {"deadline": "realtime", "lag-in-frames": "0"}
    made = []
    for number in range(count):
        picture = numpy.full((height * 3 // 2, width), 16 + number * 2 % 200, numpy.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        made += [bytes(packet) for packet in encoder.encode(frame)]
    return tuple(made)


class Studio:
    """Voices and cameras at a tape, in a time of their own."""

    def __init__(self, begin_ms: int = 0) -> None:
        self.tape = ClusterWriter(50.0, begin_ms)
        self.clusters: list[bytes] = []

    def plays(
        self,
        seconds: float,
        voices: dict[str, tuple[int, int]],
        camera: object = None,
        start: float = 0.0,
    ) -> None:
        """``voices``: seat -> (hertz, level in -dBov), from ``start`` on, all at once."""
        sounds = {seat: opus(hertz, 12) for seat, (hertz, _) in voices.items()}
        frames = packets_of(vp8(300)) if camera is not None else []
        for step in range(int(seconds * 50)):
            now = 50.0 + start + step * 0.02
            number = round(start * 50) + step
            for seat, (_, level) in voices.items():
                self.tape.sound(seat, seat, number * 960, sounds[seat][number % 600], level, now)
            for packet in (
                each for each in frames if each[1] == step // 2 * 3600 and step % 2 == 0
            ):
                self.tape.picture(camera, *packet, now)
            if step % 12 == 0:
                self.clusters += self.tape.advance(now)

    def ends(self, at: float) -> None:
        self.clusters += self.tape.advance(50.0 + at, is_last=True)

    def film(self, languages: dict[int, str] | None = None) -> bytes:
        described = [one for cluster in self.clusters for one in webm.read_clusters(cluster)]
        size = next((cluster.size for cluster, _ in described if cluster.size), None)
        return webm.write_header(described, languages or {AR: "ar", EN: "en"}, size) + b"".join(
            self.clusters
        )


def tone(film: bytes, track: int, start: float = 0.0, end: float = 99.0) -> float:
    """The loudest frequency of an audio track in that time; 0 for silence."""
    with av.open(io.BytesIO(film)) as file:
        stream = file.streams.audio[track]
        samples = numpy.concatenate([frame.to_ndarray()[0] for frame in file.decode(stream)])
    part = samples[int(start * 48_000) : int(end * 48_000)]
    if numpy.abs(part).max() < 0.01:
        return 0.0
    spectrum = numpy.abs(numpy.fft.rfft(part * numpy.hanning(len(part))))
    return float(numpy.argmax(spectrum) * 48_000 / len(part))
