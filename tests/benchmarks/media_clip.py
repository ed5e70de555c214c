"""Real encoded media, made once: two seconds of 640x360 VP8 and of Opus, as RTP payloads."""

from __future__ import annotations

import fractions
from dataclasses import dataclass

import av
import numpy
from aiortc.codecs.opus import OpusEncoder
from aiortc.codecs.vpx import Vp8Encoder

WIDTH, HEIGHT, FRAMES_A_SECOND = 640, 360, 30
SECONDS = 2
VIDEO_BITRATE = 500_000
OPUS_SECONDS = 0.020


@dataclass(frozen=True)
class Clip:
    """``frames``: for each picture its payloads; ``voices``: one payload each 20 ms. Both begin
    anew without a seam.
    """

    frames: tuple[tuple[bytes, ...], ...]
    voices: tuple[bytes, ...]


def make_clip() -> Clip:
    return Clip(tuple(_pictures()), tuple(_voices()))


def _pictures() -> list[tuple[bytes, ...]]:
    encoder = Vp8Encoder()
    encoder.target_bitrate = VIDEO_BITRATE
    dice = numpy.random.default_rng(1)
    backdrop = (
        dice.integers(0, 255, (HEIGHT // 8, WIDTH // 8, 3), dtype=numpy.uint8)
        .repeat(8, 0)
        .repeat(8, 1)
    )
    pictures = []
    for number in range(SECONDS * FRAMES_A_SECOND):
        image = numpy.roll(backdrop, number * 3, axis=1)
        frame = av.VideoFrame.from_ndarray(numpy.ascontiguousarray(image), format="rgb24").reformat(
            format="yuv420p"
        )
        frame.pts, frame.time_base = number * 3000, fractions.Fraction(1, 90_000)
        payloads, _ = encoder.encode(frame, force_keyframe=number == 0)
        pictures.append(tuple(payloads))
    return pictures


def _voices() -> list[bytes]:
    encoder = OpusEncoder()
    encoder.codec.bit_rate = 32_000
    voices: list[bytes] = []
    number = 0
    while len(voices) < SECONDS / OPUS_SECONDS:
        moments = numpy.arange(960) + number * 960
        wave = (numpy.sin(moments * 2 * numpy.pi * 440 / 48_000) * 8000).astype(numpy.int16)
        frame = av.AudioFrame.from_ndarray(
            wave.repeat(2).reshape(1, -1), format="s16", layout="stereo"
        )
        frame.sample_rate, frame.pts, frame.time_base = (
            48_000,
            number * 960,
            fractions.Fraction(1, 48_000),
        )
        payloads, _ = encoder.encode(frame)
        voices += payloads
        number += 1
    return voices
