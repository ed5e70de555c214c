"""One language of a recording, the others made void, as Chromium and Firefox play it: from the
start, and from a place that was sought.
"""

from __future__ import annotations

import http.server
import threading

import pytest

from app.core import webm
from tests import browsers
from tests.media.firefox import Firefox, why_not
from tests.media.studio import EN, Studio

pytestmark = pytest.mark.journey
PLAYED = """(async () => {
  const film = document.querySelector("video");
  const wait = () => new Promise((done) => setTimeout(done, 100));
  const until = async (holds) => {
    for (let tries = 0; tries < 150 && !holds(); tries++) await wait();
  };
  film.muted = true;
  await film.play();
  await until(() => film.currentTime > 1);
  const first = film.currentTime;
  film.currentTime = 8;
  await until(() => film.currentTime > 8.5);
  const { currentTime: then, videoWidth: width, duration, error } = film;
  return { first, then, width, duration, error: error?.message };
})()"""


def film() -> bytes:
    """Twelve seconds in two languages, of which only English is left to be heard."""
    studio = Studio()
    studio.tape.set_voices({2: ("patient",), 3: ("doctor",)})
    studio.tape.want("camera", 50.0)
    studio.plays(12, {"patient": (440, 20), "doctor": (880, 20)}, camera="camera")
    studio.ends(12.0)
    whole, head = studio.film(), len(studio.film()) - sum(map(len, studio.clusters))
    kept = {webm.PICTURE_TRACK, EN}
    return bytes(webm.keep_tracks(whole[:head], kept)) + b"".join(
        bytes(webm.keep_tracks(one, kept)) for one in studio.clusters
    )


@pytest.fixture(scope="module")
def address():
    """Where a page with the film is; ranges are answered as the house does."""
    content, page = film(), b"<!doctype html><title>film</title><video src='/film.webm'></video>"

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body, wanted = (
                (content, self.headers.get("Range")) if self.path == "/film.webm" else (page, None)
            )
            first, _, last = (wanted or "bytes=0-").removeprefix("bytes=").partition("-")
            start, end = int(first), min(int(last or len(body)), len(body) - 1) + 1
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Type", "video/webm" if body is content else "text/html")
            self.send_header("Content-Length", str(end - start))
            self.send_header("Accept-Ranges", "bytes")
            if wanted:
                self.send_header("Content-Range", f"bytes {start}-{end - 1}/{len(body)}")
            self.end_headers()
            self.wfile.write(body[start:end])

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def plays(page, address: str) -> None:
    page.goto(address)
    seen = page.evaluate(PLAYED)
    assert seen["error"] is None
    assert seen["first"] > 1
    assert seen["then"] > 8.5
    assert seen["width"] == 160
    assert seen["duration"] == pytest.approx(12, abs=0.2)


def test_chromium_plays_it(playwright, address):
    with browsers.chromium(playwright) as browser:
        plays(browser.new_page(), address)


@pytest.mark.skipif(why_not() is not None, reason=why_not() or "")
def test_firefox_plays_it(tmp_path, address):
    with Firefox(tmp_path / "profile") as firefox:
        plays(firefox.new_page(), address)
