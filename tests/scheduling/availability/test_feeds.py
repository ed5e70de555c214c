"""Calendars from elsewhere, over a real socket: what is read, what is refused, and what nobody may
reach through us.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.db import Database
from app.core.errors import Invalid
from app.scheduling import jobs
from app.scheduling.availability import calendar_links, feeds
from app.scheduling.availability.feeds import (
    FeedRefused,
    fetch_feed,
    is_public_address,
    resolve_public_addresses,
)
from app.scheduling.matching.queries import find_slots_for_case
from app.scheduling.models import BusyFeed, BusySpan
from tests.scheduling.clinic import a_clinic, next_noon


class Elsewhere:
    """A web server that answers as a test tells it to."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.answers[self.path](self)

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def url(self, path: str = "/a.ics") -> str:
        return f"http://calendar.example:{self.server.server_port}{path}"

    def says(self, body: bytes, path: str = "/a.ics", status: int = 200, **headers: str) -> str:
        def answer(request: BaseHTTPRequestHandler) -> None:
            if headers.get("ETag") and request.headers.get("If-None-Match") == headers["ETag"]:
                request.send_response(304)
                request.end_headers()
                return
            request.send_response(status)
            for name, value in headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", str(len(body)))
            request.end_headers()
            request.wfile.write(body)

        self.answers[path] = answer
        return self.url(path)


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.server.shutdown()
    server.server.server_close()


def here(host: str, port: int) -> list[str]:
    """The outside world is this machine; only for the tests."""
    return ["127.0.0.1"]


def answers_of_dns(addresses: list[str]) -> Callable[..., list[tuple[object, ...]]]:
    """``socket.getaddrinfo`` for a name with these addresses."""

    def answer(host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [
            (socket.AF_INET6 if ":" in one else socket.AF_INET, 1, 6, "", (one, port))
            for one in addresses
        ]

    return answer


class TestFetching:
    def test_reads_and_remembers_the_etag(self, elsewhere: Elsewhere):
        url = elsewhere.says(b"BEGIN:VCALENDAR", ETag='"1"')
        first = fetch_feed(url, resolve=here)
        assert (first.body, first.etag) == (b"BEGIN:VCALENDAR", '"1"')
        assert fetch_feed(url, '"1"', resolve=here).body is None

    def test_follows_a_redirect_and_not_for_ever(self, elsewhere: Elsewhere):
        elsewhere.says(b"there", "/b.ics")
        assert (
            fetch_feed(elsewhere.says(b"", status=302, Location="/b.ics"), resolve=here).body
            == b"there"
        )
        with pytest.raises(FeedRefused, match="redirects too many times"):
            fetch_feed(elsewhere.says(b"", "/c.ics", 302, Location="/c.ics"), resolve=here)

    def test_a_redirect_into_the_house_is_refused(self, elsewhere: Elsewhere):
        def resolve(host: str, port: int) -> list[str]:
            return (
                ["127.0.0.1"]
                if host == "calendar.example"
                else resolve_public_addresses(host, port)
            )

        for inside in (
            "http://127.0.0.1/",
            "http://169.254.169.254/latest/",
            "http://[::1]/",
            "file:///etc/passwd",
        ):
            with pytest.raises(FeedRefused):
                fetch_feed(elsewhere.says(b"", status=302, Location=inside), resolve=resolve)

    def test_three_redirects_are_followed_and_a_fourth_is_not(self, elsewhere: Elsewhere):
        elsewhere.says(b"there", "/0.ics")
        for number in range(1, 5):
            elsewhere.says(b"", f"/{number}.ics", 302, Location=f"/{number - 1}.ics")
        assert fetch_feed(elsewhere.url("/3.ics"), resolve=here).body == b"there"
        with pytest.raises(FeedRefused, match="redirects too many times"):
            fetch_feed(elsewhere.url("/4.ics"), resolve=here)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_every_host_on_the_way_is_resolved_once_and_connected_to_where_it_was_checked(
        self, elsewhere: Elsewhere, status: int
    ):
        asked: list[tuple[str, int]] = []
        hosts: list[str | None] = []
        port = elsewhere.server.server_port

        def resolve(host: str, port: int) -> list[str]:
            asked.append((host, port))
            return ["127.0.0.1"]

        def answer(request: BaseHTTPRequestHandler) -> None:
            hosts.append(request.headers["Host"])
            answers[request.path](request)

        elsewhere.says(b"there", "/b.ics")
        elsewhere.says(b"", "/a.ics", status, Location=f"http://other.example:{port}/b.ics")
        answers, elsewhere.answers = elsewhere.answers, {"/a.ics": answer, "/b.ics": answer}
        assert fetch_feed(elsewhere.url(), resolve=resolve).body == b"there"
        assert asked == [("calendar.example", port), ("other.example", port)]
        assert hosts == [f"calendar.example:{port}", f"other.example:{port}"]

    @pytest.mark.parametrize(
        "url, port",
        [
            ("http://a.example/x.ics", 80),
            ("https://a.example/x.ics", 443),
            ("webcal://a.example/x.ics", 443),
            ("http://a.example:8080/x.ics", 8080),
            ("https://a.example:444/x.ics", 444),
        ],
    )
    def test_the_port_is_that_of_the_address(self, url: str, port: int):
        asked = []

        def resolve(host: str, port: int) -> list[str]:
            asked.append((host, port))
            raise FeedRefused("far enough")

        with pytest.raises(FeedRefused, match="far enough"):
            fetch_feed(url, resolve=resolve)
        assert asked == [("a.example", port)]

    def test_five_megabytes_are_read_and_not_a_byte_more(self, elsewhere: Elsewhere):
        five = 5 * 1024 * 1024
        assert len(fetch_feed(elsewhere.says(b"x" * five), resolve=here).body or b"") == five
        with pytest.raises(FeedRefused, match="larger"):
            fetch_feed(elsewhere.says(b"x" * (five + 1)), resolve=here)

    def test_a_body_without_an_end_is_cut_at_five_megabytes(self, elsewhere: Elsewhere):
        sent = []

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    request.wfile.write(b"x" * 65_536)
                    sent.append(65_536)

        elsewhere.answers["/a.ics"] = answer
        with pytest.raises(FeedRefused, match="larger"):
            fetch_feed(elsewhere.url(), resolve=here)
        assert sum(sent) < 50_000_000, "the rest was never asked for"

    def test_silence_for_five_seconds_is_no_answer(
        self, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
    ):
        assert feeds.CONNECT_SECONDS == 5.0
        monkeypatch.setattr(feeds, "CONNECT_SECONDS", 0.3)
        stop = threading.Event()
        elsewhere.answers["/slow"] = lambda request: (stop.wait(5), None)[1]
        with pytest.raises(FeedRefused, match="does not answer"):
            fetch_feed(elsewhere.url("/slow"), resolve=here)
        stop.set()

    @pytest.mark.parametrize("late", ["status", "headers", "body", "redirect"])
    def test_everything_together_takes_at_most_twenty_seconds(
        self, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch, late: str
    ):
        """The other side sends a little every few seconds, so that it is never silent for long."""
        clock = [1000.0]
        monkeypatch.setattr(feeds, "monotonic", lambda: clock[0])
        head = b"HTTP/1.1 200 OK\r\n"
        start = {
            "status": b"",
            "headers": head + b"X-Long: ",
            "body": head + b"\r\n",
            "redirect": b"",
        }[late]

        def answer(request: BaseHTTPRequestHandler) -> None:
            if late == "redirect":
                clock[0] += 7.0
                elsewhere.says(b"", "/next", 302, Location="/a.ics")
                elsewhere.answers["/next"](request)
                return
            request.wfile.write(start)
            with contextlib.suppress(OSError):
                for _ in range(1000):
                    clock[0] += 4.0
                    request.wfile.write(b"H")
                    sent.append(clock[0])
                    if gone.wait(0.02):
                        return

        gone, sent = threading.Event(), []
        elsewhere.answers["/a.ics"] = answer
        with pytest.raises(FeedRefused, match="too slow"):
            fetch_feed(elsewhere.url(), resolve=here)
        gone.set()
        assert clock[0] - 1000 >= 20
        assert len(sent) < 900, "it was given up, and did not come to its end by itself"

    def test_what_arrives_within_twenty_seconds_is_read(
        self, elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
    ):
        clock = [1000.0]
        monkeypatch.setattr(feeds, "monotonic", lambda: clock[0])

        def answer(request: BaseHTTPRequestHandler) -> None:
            request.send_response(200)
            request.end_headers()
            request.wfile.write(b"BEGIN:")
            clock[0] += 19.9
            request.wfile.write(b"VCALENDAR")

        elsewhere.answers["/a.ics"] = answer
        assert fetch_feed(elsewhere.url(), resolve=here).body == b"BEGIN:VCALENDAR"

    @pytest.mark.parametrize("status", [404, 500, 204])
    def test_no_calendar_there(self, elsewhere: Elsewhere, status: int):
        with pytest.raises(FeedRefused):
            fetch_feed(elsewhere.says(b"", status=status), resolve=here)

    @pytest.mark.parametrize(
        "url",
        [
            "",
            "calendar",
            "ftp://a.example/x",
            "http://",
            "https://a.example:99999/",
            "file:///etc/passwd",
            "http://a.example/\r\nHost: b",
            "http://a.example/" + "x" * 2000,
            "javascript:alert(1)",
        ],
    )
    def test_what_is_no_address(self, url: str):
        with pytest.raises(FeedRefused):
            feeds.normalize_feed_url(url)

    def test_webcal_is_https(self):
        assert feeds.normalize_feed_url("webcal://a.example/x.ics") == "https://a.example/x.ics"

    @pytest.mark.parametrize(
        "address",
        [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "0.0.0.0",
            "100.64.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "fe80::1",
            "fe80::1%eth0",
            "fc00::1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "::",
            "::10.0.0.1",
            "::ffff:0:10.0.0.1",
            "64:ff9b:1::a00:1",
            "2001:0:4136:e378:8000:63bf:f5ff:fffe",
            "2001:db8::1",
            "3fff::1",
            "fec0::1",
            "ff0e::1",
            "4000::1",
            "192.0.0.8",
            "192.0.2.1",
            "198.18.0.1",
            "240.0.0.1",
        ],
    )
    def test_addresses_inside_the_house(self, address: str):
        assert not is_public_address(address)

    @pytest.mark.parametrize(
        "address",
        ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::"],
    )
    def test_addresses_outside(self, address: str):
        assert is_public_address(address)

    @pytest.mark.parametrize(
        "found",
        [
            ["8.8.8.8", "10.0.0.1"],
            ["10.0.0.1", "8.8.8.8"],
            ["2606:4700::1111", "::ffff:127.0.0.1"],
            [],
        ],
    )
    def test_a_name_with_one_address_inside_is_refused_whole(
        self, monkeypatch: pytest.MonkeyPatch, found: list[str]
    ):
        monkeypatch.setattr(feeds.socket, "getaddrinfo", answers_of_dns(found))
        with pytest.raises(FeedRefused, match="public internet"):
            resolve_public_addresses("calendar.example", 443)

    def test_all_public_addresses_of_a_name_are_tried(self, monkeypatch: pytest.MonkeyPatch):
        found = ["8.8.8.8", "2606:4700::1111"]
        monkeypatch.setattr(feeds.socket, "getaddrinfo", answers_of_dns(found))
        assert resolve_public_addresses("calendar.example", 443) == found

    def test_the_first_address_that_answers_is_used(self, elsewhere: Elsewhere):
        url = elsewhere.says(b"there")
        assert fetch_feed(url, resolve=lambda *_: ["127.0.0.2", "127.0.0.1"]).body == b"there"

    def test_a_name_that_is_not_there(self, monkeypatch: pytest.MonkeyPatch):
        def fails(*_: object, **__: object) -> None:
            raise socket.gaierror("no such name")

        monkeypatch.setattr(feeds.socket, "getaddrinfo", fails)
        with pytest.raises(FeedRefused, match="could not find"):
            resolve_public_addresses("calendar.example", 443)

    def test_localhost_by_name(self):
        with pytest.raises(FeedRefused, match="public internet"):
            fetch_feed("http://localhost:1/")


class TestKeeping:
    @pytest.fixture
    def read(
        self, any_database: Database, session: Session, monkeypatch
    ) -> Callable[[BusyFeed], None]:
        monkeypatch.setattr(feeds, "resolve_public_addresses", here)

        def run(feed: BusyFeed) -> None:
            session.commit()
            with any_database.unit_of_work() as working:
                jobs.fetch_busy_feed(
                    working, {"feed_id": feed.id}, SimpleNamespace(database=any_database)
                )
            session.expire_all()

        return run

    def test_busy_times_are_no_longer_offered_and_a_failure_keeps_them(
        self, session: Session, elsewhere: Elsewhere, read
    ):
        clinic = a_clinic(session)
        noon = next_noon()
        text = (
            "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:private words\r\n"
            f"DTSTART:{noon:%Y%m%dT%H%M%SZ}\r\nDURATION:PT2H\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
        )
        feed = calendar_links.add_busy_feed(
            session, clinic.specialist, clinic.specialist, elsewhere.says(text.encode())
        )
        assert any(
            slot.starts_at == noon for slot in find_slots_for_case(session, clinic.case).slots
        )
        read(feed)
        assert feed.fetched_at is not None and feed.failure is None

        def offered() -> bool:
            return any(
                abs(slot.starts_at - noon) < timedelta(minutes=45)
                for slot in find_slots_for_case(session, clinic.case).slots
            )

        assert not offered()
        elsewhere.says(b"", status=500)
        read(feed)
        assert feed.failure is not None and not offered()
        calendar_links.remove_busy_feed(session, clinic.specialist, clinic.specialist, feed)
        assert offered() and session.scalars(select(BusySpan)).all() == []

    def test_nonsense_is_said_to_be_so(self, session: Session, elsewhere: Elsewhere, read):
        clinic = a_clinic(session)
        feed = calendar_links.add_busy_feed(
            session, clinic.specialist, clinic.specialist, elsewhere.says(b"<html>")
        )
        read(feed)
        assert "could not read a calendar" in (feed.failure or "")

    def test_an_address_that_is_none_is_refused_at_once(self, session: Session):
        clinic = a_clinic(session)
        with pytest.raises(Invalid, match="not a calendar link"):
            calendar_links.add_busy_feed(
                session, clinic.specialist, clinic.specialist, "my calendar"
            )
