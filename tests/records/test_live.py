"""The real web server on a real socket: an independent tus client, a line that is cut, and a
browser.

Runs gunicorn as in production, without a media node; background jobs are done in the test.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import select
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError
from tusclient.uploader import Uploader

from app.core.db import Database
from app.identity.models import Person
from app.records.models import Record, RecordState, Upload
from config import Settings
from tests.people import PASSWORD, TOKEN, an_accepted_case
from tests.processes import House, running, wait_for
from tests.records.conftest import BYTES, Cast, a_cast, a_dicom, a_pdf, encoded

pytestmark = pytest.mark.late
MIB = 1 << 20


@pytest.fixture(scope="module")
def settings(shared_settings: Settings) -> Settings:
    return shared_settings


@pytest.fixture(scope="module")
def web(settings: Settings) -> Iterator[str]:
    with running(House(settings.data_dir, settings.database_url), media=False, jobs=False) as house:
        yield house.url


@pytest.fixture(scope="module")
def people(settings: Settings) -> Cast:
    database = Database(settings.database_url)
    with database.unit_of_work() as session:
        made = a_cast(session)
    database.close()
    return made


@pytest.fixture
def cast(people: Cast, database: Database) -> Cast:
    """The same people in every test, and a case of its own."""
    with database.unit_of_work() as session:
        case = an_accepted_case(
            session,
            *(
                session.get_one(Person, one.id)
                for one in (
                    people.patient,
                    people.coordinator,
                    people.specialist,
                    people.interpreter,
                )
            ),
        )
    return replace(people, case=case)


@pytest.fixture(scope="module")
def signed_in(web: str, people: Cast) -> requests.Session:
    """The patient's cookies and token, in a client that knows nothing of Flask."""
    browser = requests.Session()
    answer = browser.post(
        f"{web}/sign-in",
        data={
            "csrf_token": token_in(browser, f"{web}/sign-in"),
            "email": people.patient.email,
            "password": PASSWORD,
        },
    )
    assert answer.ok
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in browser.cookies)
    browser.headers.update({"X-CSRFToken": token_in(browser, f"{web}/account"), "Cookie": cookies})
    return browser


def token_in(browser: requests.Session, url: str) -> str:
    found = TOKEN.search(browser.get(url).text)
    assert found is not None
    return found.group(1)


@pytest.fixture
def client(web: str, cast: Cast, signed_in: requests.Session) -> TusClient:
    return TusClient(
        f"{web}/cases/{cast.case.id}/uploads",
        headers={name: str(signed_in.headers[name]) for name in ("X-CSRFToken", "Cookie")},
    )


def record_of(database: Database) -> Record:
    with database.sessions() as session:
        return session.scalars(select(Record).order_by(Record.created_at.desc())).first()  # type: ignore[return-value]


def received(database: Database) -> int:
    with database.sessions() as session:
        return (
            session.scalars(select(Upload.received).order_by(Upload.created_at.desc())).first() or 0
        )


def test_tuspy_sends_a_file_in_chunks_with_checksums(
    client: TusClient,
    tmp_path: Path,
    database: Database,
    inspect: Callable[[], None],
    signed_in: requests.Session,
    web: str,
) -> None:
    content = a_dicom(20 * MIB + 11)
    (tmp_path / "IM0001").write_bytes(content)
    uploader = client.uploader(
        str(tmp_path / "IM0001"),
        chunk_size=6 * MIB,
        upload_checksum=True,
        metadata={"filename": "IM0001"},
    )
    uploader.upload()
    inspect()
    record = record_of(database)
    assert (record.state, record.sha256) == (RecordState.READY, hashlib.sha256(content).hexdigest())
    got = signed_in.get(
        f"{web}/records/{record.id}/download", headers={"Range": "bytes=5000000-15000000"}
    )
    assert (got.status_code, got.content) == (206, content[5_000_000:15_000_001])
    assert signed_in.get(f"{web}/records/{record.id}/download").content == content


def test_tuspy_resumes_where_another_left_off(
    client: TusClient, tmp_path: Path, database: Database
) -> None:
    content = a_pdf(3 * MIB)
    (tmp_path / "a.pdf").write_bytes(content)
    first = client.uploader(str(tmp_path / "a.pdf"), chunk_size=MIB, metadata={"filename": "a.pdf"})
    first.upload_chunk()
    second = client.uploader(str(tmp_path / "a.pdf"), url=first.url, chunk_size=MIB)
    assert second.offset == MIB
    second.upload()
    assert record_of(database).state == RecordState.INSPECTING


def test_tuspy_is_told_of_a_refusal(client: TusClient, tmp_path: Path) -> None:
    (tmp_path / "film.exe").write_bytes(b"MZ" + bytes(300_000))
    uploader = client.uploader(
        str(tmp_path / "film.exe"), chunk_size=MIB, metadata={"filename": "film.exe"}
    )
    with pytest.raises(TusCommunicationError) as refused:
        uploader.upload()
    assert refused.value.status_code == 415
    (tmp_path / "empty.pdf").write_bytes(b"")
    with pytest.raises(TusCommunicationError) as empty:
        client.uploader(str(tmp_path / "empty.pdf"), metadata={"filename": "empty.pdf"}).upload()
    assert empty.value.status_code == 422


@contextmanager
def begun(web: str, uploader: Uploader, content: bytes, sent: int) -> Iterator[None]:
    """A line on which a PATCH of the whole content has begun, of which so many bytes have been
    sent.
    """
    host, port = web.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = "\r\n".join(
            [
                f"PATCH {uploader.url.removeprefix(web)} HTTP/1.1",
                f"Host: {host}:{port}",
                "Tus-Resumable: 1.0.0",
                "Upload-Offset: 0",
                f"Content-Type: {BYTES}",
                f"Content-Length: {len(content)}",
                *(f"{name}: {uploader.client.headers[name]}" for name in ("Cookie", "X-CSRFToken")),
                "",
                "",
            ]
        )
        line.sendall(head.encode() + content[:sent])
        yield


def test_a_line_that_is_cut_loses_nothing_that_had_arrived(
    web: str,
    client: TusClient,
    tmp_path: Path,
    database: Database,
    inspect: Callable[[], None],
) -> None:
    content = a_dicom(30 * MIB)
    (tmp_path / "IM0001").write_bytes(content)
    uploader = client.uploader(str(tmp_path / "IM0001"), metadata={"filename": "IM0001"})
    uploader.set_url(uploader.create_url())
    with begun(web, uploader, content, 21 * MIB):
        pass
    # The line is gone in the middle of the second object; all but a last few kilobytes were
    # received.
    wait_for(lambda: received(database) >= 21 * MIB - 65_536, 15)
    again = client.uploader(str(tmp_path / "IM0001"), url=uploader.url)
    assert 21 * MIB - 65_536 <= again.offset <= 21 * MIB
    again.upload()
    inspect()
    assert record_of(database).sha256 == hashlib.sha256(content).hexdigest()


def test_a_line_that_hangs_keeps_nobody_out(
    web: str, client: TusClient, tmp_path: Path, database: Database
) -> None:
    content = a_dicom(3 * MIB)
    (tmp_path / "IM0001").write_bytes(content)
    uploader = client.uploader(str(tmp_path / "IM0001"), metadata={"filename": "IM0001"})
    uploader.set_url(uploader.create_url())
    with begun(web, uploader, content, MIB):
        time.sleep(0.5)  # and now the tunnel: nothing more comes, nobody hangs up
        client.uploader(str(tmp_path / "IM0001"), url=uploader.url).upload()
        assert record_of(database).state == RecordState.INSPECTING


def test_what_came_before_a_silence_is_committed_within_seconds(
    web: str, client: TusClient, tmp_path: Path, database: Database
) -> None:
    content = a_dicom(3 * MIB)
    (tmp_path / "IM0001").write_bytes(content)
    uploader = client.uploader(str(tmp_path / "IM0001"), metadata={"filename": "IM0001"})
    uploader.set_url(uploader.create_url())
    with begun(web, uploader, content, 2 * MIB):  # nothing more comes, and nobody hangs up
        wait_for(lambda: received(database) >= 2 * MIB - 65_536, 5)


def test_a_slow_body_does_not_hold_the_database(
    web: str,
    client: TusClient,
    tmp_path: Path,
    signed_in: requests.Session,
) -> None:
    (tmp_path / "IM0001").write_bytes(a_dicom(MIB))
    uploader = client.uploader(str(tmp_path / "IM0001"), metadata={"filename": "IM0001"})
    uploader.set_url(uploader.create_url())
    with begun(web, uploader, a_dicom(MIB), 1000):
        began = time.monotonic()
        for _ in range(3):
            assert signed_in.get(f"{web}/sign-in").ok
        assert time.monotonic() - began < 5


# A browser


@pytest.fixture
def page(chromium: Browser, web: str, cast: Cast, signed_in: requests.Session) -> Iterator[Page]:
    context = chromium.new_context(locale="en-GB", viewport={"width": 390, "height": 844})
    context.add_cookies(
        [{"name": one.name, "value": one.value or "", "url": web} for one in signed_in.cookies]
    )
    page = context.new_page()
    page.goto(f"{web}/cases/{cast.case.id}/records")
    yield page
    context.close()


def of(name: str, content: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "application/octet-stream", "buffer": content}


def test_several_files_at_once_and_each_says_how_it_went(
    page: Page, inspect: Callable[[], None]
) -> None:
    page.locator("#records-files").set_input_files(
        [
            of("report.pdf", a_pdf(2 * MIB)),
            of("IM0001", a_dicom(3 * MIB)),
            of("empty.pdf", b""),
            of("setup.exe", b"MZ" + bytes(200_000)),
        ]
    )  # type: ignore[list-item]
    row = page.locator(".queue-item")
    expect(row.filter(has_text="report.pdf")).to_have_attribute(
        "data-state", "arrived", timeout=20_000
    )
    expect(row.filter(has_text="IM0001")).to_have_attribute("data-state", "arrived", timeout=20_000)
    expect(row.filter(has_text="empty.pdf")).to_contain_text("This file is empty")
    expect(row.filter(has_text="setup.exe")).to_contain_text("We cannot take “setup.exe”")
    expect(page.locator("[data-upload-target=overallWords]")).to_contain_text(
        "2 of 2 files sent, 100% in all"
    )
    expect(page.locator(".record-list")).to_contain_text("report.pdf")
    inspect()
    expect(page.locator(".record", has_text="IM0001")).to_contain_text(
        "Safely received", timeout=15_000
    )


def test_a_lost_line_is_said_in_words_and_the_file_goes_on_by_itself(
    page: Page,
    database: Database,
    inspect: Callable[[], None],
) -> None:
    content, cut = a_dicom(8 * MIB), []

    def break_the_first(route: Route) -> None:
        if route.request.method == "PATCH" and len(cut) < 2:
            cut.append(route.request.url)
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/*", break_the_first)
    page.locator("#records-files").set_input_files([of("IM0001", content)])  # type: ignore[list-item]
    row = page.locator(".queue-item")
    expect(row).to_contain_text(
        "The connection was lost. What has arrived is kept. We try again in", timeout=10_000
    )
    expect(row).to_have_attribute("data-state", "arrived", timeout=20_000)
    assert len(cut) == 2
    inspect()
    assert record_of(database).sha256 == hashlib.sha256(content).hexdigest()


def test_a_closed_tab_is_gone_on_with_and_nothing_names_the_file(
    page: Page,
    database: Database,
    cast: Cast,
    web: str,
    inspect: Callable[[], None],
    tmp_path: Path,
) -> None:
    content = a_dicom(4 * MIB)
    path = tmp_path / "Haddad-thorax.dcm"
    path.write_bytes(content)
    sent: list[int] = []

    def stop_short(route: Route) -> None:
        if route.request.method == "PATCH" and not sent:
            sent.append(1)
            half = route.fetch(
                post_data=content[:MIB]
            )  # a third of it passes, then the tab is closed
            assert half.status == 204
            route.abort()
        elif sent:
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*", stop_short)
    page.locator("#records-files").set_input_files(path)
    wait_for(lambda: received(database) == MIB or page.wait_for_timeout(50), 15)
    remembered = json.dumps(page.evaluate("() => Object.entries(localStorage)"))
    assert "/uploads/" in remembered
    assert "thorax" not in remembered and encoded("Haddad") not in remembered
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")
    page.unroute("**/uploads/*")
    page.goto(f"{web}/cases/{cast.case.id}/records")
    expect(page.locator(".record")).to_contain_text(
        "has arrived. To continue, choose the same file again."
    )
    asked: list[str] = []
    page.on(
        "request",
        lambda request: (
            asked.append(request.headers.get("upload-offset", ""))
            if request.method == "PATCH"
            else None
        ),
    )
    page.locator("#records-files").set_input_files(path)
    expect(page.locator(".queue-item")).to_have_attribute("data-state", "arrived", timeout=20_000)
    assert asked == [str(MIB)]
    inspect()
    assert record_of(database).sha256 == hashlib.sha256(content).hexdigest()
    assert page.evaluate("() => localStorage.length") == 0


def test_another_file_of_the_same_name_size_and_time_begins_anew(
    page: Page,
    database: Database,
    cast: Cast,
    web: str,
    inspect: Callable[[], None],
    tmp_path: Path,
) -> None:
    first, second = a_dicom(MIB), a_dicom(MIB)[:-1] + b"!"
    path = tmp_path / "IM000001"
    path.write_bytes(first)
    os.utime(path, (1_700_000_000, 1_700_000_000))

    def half(route: Route) -> None:
        if route.request.method == "PATCH":
            assert route.fetch(post_data=first[: MIB // 2]).status == 204
            route.abort()
        elif route.request.method == "HEAD":
            route.abort()
        else:
            route.continue_()

    page.route("**/uploads/*", half)
    page.locator("#records-files").set_input_files(path)
    wait_for(lambda: received(database) == MIB // 2 or page.wait_for_timeout(50), 15)
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("about:blank")
    page.unroute("**/uploads/*")
    path.write_bytes(second)
    os.utime(path, (1_700_000_000, 1_700_000_000))
    page.goto(f"{web}/cases/{cast.case.id}/records")
    page.locator("#records-files").set_input_files(path)
    expect(page.locator(".queue-item")).to_have_attribute("data-state", "arrived", timeout=20_000)
    inspect()
    assert record_of(database).state == RecordState.READY
    assert record_of(database).sha256 == hashlib.sha256(second).hexdigest()


def test_a_folder_keeps_its_paths_and_files_of_one_name_stay_apart(
    page: Page, database: Database, cast: Cast, inspect: Callable[[], None], tmp_path: Path
) -> None:
    contents = {f"CD/ST{number}": a_dicom(9000)[:-1] + bytes([number]) for number in range(3)}
    for folder, content in contents.items():
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "IM000001").write_bytes(content)
        os.utime(tmp_path / folder / "IM000001", (1_700_000_000, 1_700_000_000))
    page.locator("[data-upload-target=folder]").set_input_files(tmp_path / "CD")
    expect(page.locator(".queue-item[data-state=arrived]")).to_have_count(3, timeout=20_000)
    inspect()
    with database.sessions() as session:
        found = session.scalars(select(Record).where(Record.case_id == cast.case.id)).all()
    assert {record.folder: record.sha256 for record in found} == {
        folder: hashlib.sha256(content).hexdigest() for folder, content in contents.items()
    }
    for folder in contents:
        expect(page.locator(".record", has_text=folder)).to_contain_text(
            "Safely received", timeout=15_000
        )


def test_a_last_answer_that_is_swallowed_heals(page: Page, database: Database) -> None:
    swallowed: list[str] = []

    def swallow(route: Route) -> None:
        if route.request.method == "PATCH" and not swallowed:
            swallowed.append(route.request.url)
            assert route.fetch().status == 204
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/uploads/*", swallow)
    page.locator("#records-files").set_input_files([of("report.pdf", a_pdf(MIB))])  # type: ignore[list-item]
    expect(page.locator(".queue-item")).to_have_attribute("data-state", "arrived", timeout=20_000)
    assert swallowed and record_of(database).state == RecordState.INSPECTING


def test_a_proxy_that_takes_only_small_parts_gets_small_ones(
    page: Page, database: Database, inspect: Callable[[], None]
) -> None:
    content, sizes = a_dicom(9 * MIB), []

    def nginx(route: Route) -> None:
        body = route.request.post_data_buffer or b""
        sizes.append(len(body))
        if len(body) > MIB:
            route.fulfill(status=413, content_type="text/html", body="<h1>413 nginx</h1>")
        else:
            route.continue_()

    page.route("**/uploads/*", nginx)
    page.locator("#records-files").set_input_files([of("IM0001", content)])  # type: ignore[list-item]
    row = page.locator(".queue-item")
    expect(row).to_have_attribute("data-state", "arrived", timeout=40_000)
    assert max(sizes) <= 8 * MIB
    assert "nginx" not in page.locator("body").inner_text()
    inspect()
    assert record_of(database).sha256 == hashlib.sha256(content).hexdigest()


def test_who_is_signed_out_while_sending_signs_in_again_and_it_continues(
    page: Page, database: Database
) -> None:
    kept, ended = page.context.cookies(), []

    def sign_out(route: Route) -> None:
        if route.request.method == "PATCH" and not ended:
            ended.append(1)
            page.context.clear_cookies()
            route.fulfill(status=401)  # as the web answers whoever is not signed in
        else:
            route.continue_()

    page.route("**/uploads/*", sign_out)
    page.locator("#records-files").set_input_files([of("report.pdf", a_pdf(MIB))])  # type: ignore[list-item]
    expect(page.locator(".queue-item")).to_have_attribute("data-state", "signed_out")
    expect(page.get_by_role("alert")).to_contain_text("You have been signed out")
    assert page.get_by_role("link", name="Sign in again in a new tab").is_visible()
    page.context.add_cookies(kept)  # type: ignore[arg-type]
    page.evaluate("() => dispatchEvent(new Event('focus'))")
    expect(page.locator(".queue-item")).to_have_attribute("data-state", "arrived", timeout=20_000)
    expect(page.get_by_role("alert")).to_be_hidden()
    assert record_of(database).state == RecordState.INSPECTING


def test_pause_go_on_and_stop_by_keyboard(page: Page, database: Database) -> None:
    held: list[Route] = []
    page.route(
        "**/uploads/*",
        lambda route: held.append(route) if route.request.method == "PATCH" else route.continue_(),
    )
    page.locator("#records-files").set_input_files([of("report.pdf", a_pdf(MIB))])  # type: ignore[list-item]
    row = page.locator(".queue-item")
    page.get_by_role("button", name="Pause “report.pdf”").press("Enter")
    expect(row).to_have_attribute("data-state", "paused")
    expect(row).to_contain_text("What has arrived is kept")
    expect(page.get_by_role("button", name="Continue “report.pdf”")).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_have_attribute("data-state", "sending")
    page.get_by_role("button", name="Stop sending “report.pdf”").press("Enter")
    expect(row).to_contain_text("The part that has arrived will be deleted")
    expect(page.get_by_role("button", name="Keep sending")).to_be_focused()
    page.get_by_role("button", name="Stop and delete").press("Enter")
    expect(row).to_have_attribute("data-state", "cancelled")

    def is_gone() -> bool:
        with database.sessions() as session:
            newest = session.scalars(select(Upload).order_by(Upload.created_at.desc())).first()
            return newest is not None and newest.ended_at is not None

    wait_for(lambda: is_gone() or page.wait_for_timeout(50), 10)


def test_going_offline_waits_and_coming_back_goes_on(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if route.request.method == "PATCH" and not held:
            held.append(route)
        else:
            route.continue_()

    page.route("**/uploads/*", hold)
    page.locator("#records-files").set_input_files([of("report.pdf", a_pdf(MIB))])  # type: ignore[list-item]
    row = page.locator(".queue-item")
    wait_for(lambda: held or page.wait_for_timeout(50), 10)
    page.context.set_offline(True)
    expect(row).to_contain_text("You are offline. What has arrived is kept")
    page.context.set_offline(False)
    expect(row).to_have_attribute("data-state", "arrived", timeout=20_000)


def test_a_pdf_and_a_picture_are_read_in_the_page(
    page: Page,
    web: str,
    cast: Cast,
    database: Database,
    inspect: Callable[[], None],
    real_pdf: bytes,
    real_png: bytes,
) -> None:
    page.locator("#records-files").set_input_files(
        [of("report.pdf", real_pdf), of("scan.png", real_png)]
    )  # type: ignore[list-item]
    expect(page.locator(".queue-item[data-state=arrived]")).to_have_count(2, timeout=20_000)
    inspect()
    with database.sessions() as session:
        found = session.scalars(select(Record).where(Record.case_id == cast.case.id))
        ids = {record.name: record.id for record in found}
    faults: list[str] = []
    page.on(
        "console", lambda message: faults.append(message.text) if message.type == "error" else None
    )
    page.goto(f"{web}/records/{ids['report.pdf']}")
    expect(page.locator(".viewer-page canvas")).to_be_visible(timeout=20_000)
    expect(page.locator(".viewer-page")).to_contain_text("Moderately differentiated")
    page.goto(f"{web}/records/{ids['scan.png']}")
    expect(page.locator(".viewer-image")).to_be_visible()
    assert page.locator(".viewer-image").evaluate("image => image.naturalWidth") == 8
    assert faults == []


@pytest.fixture
def real_pdf() -> bytes:
    import typst

    return typst.compile(b"Histology: Moderately differentiated.", format="pdf")  # type: ignore[return-value]


@pytest.fixture
def real_png() -> bytes:
    import struct
    import zlib

    def chunk(name: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content))
            + name
            + content
            + struct.pack(">I", zlib.crc32(name + content))
        )

    rows = b"".join(b"\0" + bytes([40 * y % 256, 90, 120] * 8) for y in range(8))
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">2I5B", 8, 8, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )
