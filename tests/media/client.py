"""A browser of aiortc's making, for tests in one process: real ICE, real DTLS, real SRTP, real
decoding.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from concurrent.futures import ThreadPoolExecutor

from aiortc import (
    MediaStreamTrack,
    RTCBundlePolicy,
    RTCConfiguration,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.mediastreams import AudioStreamTrack, MediaStreamError, VideoStreamTrack

from app.media.messages import CommandRefused, MediaSections, SeatOffer, SlotSections
from app.media.rooms import MediaRooms

_numbers = itertools.count(1)


class Voice(AudioStreamTrack):
    """A loud buzz."""

    async def recv(self):
        frame = await super().recv()
        for plane in frame.planes:
            plane.update(b"\x00\x20\x00\xe0" * (plane.buffer_size // 4))
        return frame


class Client:
    """Sends silence and a test picture; counts the frames that each slot decodes."""

    def __init__(self, room: str, seat: str, slots: int = 2, speaks: bool = False) -> None:
        self.room, self.seat = room, seat
        self.connection = f"{seat}-{next(_numbers)}"
        self.frames: dict[str, int] = {}
        self.pc = RTCPeerConnection(
            RTCConfiguration(iceServers=[], bundlePolicy=RTCBundlePolicy.MAX_BUNDLE)
        )
        self.mic = self.pc.addTransceiver(
            Voice() if speaks else AudioStreamTrack(), direction="sendonly"
        )
        self.camera = self.pc.addTransceiver(VideoStreamTrack(), direction="sendonly")
        self._slots = [
            (
                self.pc.addTransceiver("audio", direction="recvonly"),
                self.pc.addTransceiver("video", direction="recvonly"),
            )
            for _ in range(slots)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def join(self, rooms: MediaRooms) -> None:
        """Connected when it returns. Raises AssertionError if refused."""
        await self.pc.setLocalDescription(await self.pc.createOffer())
        lines = MediaSections(
            mic=self.mic.mid,
            camera=self.camera.mid,
            slots=tuple(
                SlotSections(audio=audio.mid, video=video.mid) for audio, video in self._slots
            ),
        )
        command = SeatOffer(
            command_id=f"offer-{self.connection}",
            room=self.room,
            seat=self.seat,
            connection=self.connection,
            sdp=self.pc.localDescription.sdp,
            lines=lines,
        )
        answer = await rooms.offer(command)
        assert not isinstance(answer, CommandRefused), answer
        await self.pc.setRemoteDescription(RTCSessionDescription(answer.sdp, "answer"))
        for number, (audio, video) in enumerate(self._slots):
            self._tasks.append(
                asyncio.create_task(self._count(f"audio{number}", audio.receiver.track))
            )
            self._tasks.append(
                asyncio.create_task(self._count(f"video{number}", video.receiver.track))
            )
        await until(lambda: self.pc.connectionState == "connected")

    async def _count(self, name: str, track: MediaStreamTrack) -> None:
        self.frames[name] = 0
        with contextlib.suppress(MediaStreamError):
            while True:
                await track.recv()
                self.frames[name] += 1

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await self.pc.close()


async def until(holds, seconds: float = 10.0) -> None:
    """Waits for what must come true; generous, for it is no measurement."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.02)


def run(story):
    """Plays an asynchronous story on a loop and a thread of its own: Playwright keeps one on this
    thread.
    """
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, story).result()
