"""Zone rules come from the pinned ``tzdata`` package in every process, whatever the machine has.

Each process is started with a directory of older rules in place: the ten zones in it are hours off.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zoneinfo
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from app.core.runtime import zone_rules
from tests.processes import MASTER_KEYS, ROOT, SECRET_KEY

ZONES = (
    "Africa/Casablanca",
    "America/Vancouver",
    "America/Edmonton",
    "America/Winnipeg",
    "America/Havana",
    "Africa/Cairo",
    "America/New_York",
    "Asia/Riyadh",
    "Asia/Shanghai",
    "Europe/Berlin",
)
OLD_RULES_FROM = "Pacific/Marquesas"  # 9.5 hours behind UTC, as none of the ten is
MONTHS = [datetime(2026 + month // 12, 1 + month % 12, 15, 12, tzinfo=UTC) for month in range(36)]

# The module that each process imports first.
PROCESSES = {
    "web": "wsgi",
    "media": "app.media.__main__",
    "jobs": "app.jobs.__main__",
    "start": "app.supervisor.prepare",
    "flask commands": "app.cli",
    "tests": "tests.conftest",
    "benchmarks": "tests.benchmarks.slots",
}
PRINT_OFFSETS = f"""
import json
from datetime import datetime
from zoneinfo import ZoneInfo
months = [datetime.fromisoformat(text) for text in {[at.isoformat() for at in MONTHS]}]
print(json.dumps({{
    zone: [at.astimezone(ZoneInfo(zone)).utcoffset().total_seconds() for at in months]
    for zone in {ZONES}
}}))
"""
# Names every zone file opened outside the pinned package. icalendar asks for "UTC" when it is
# imported, to compare with; that one has no rules. pytz only looks which of its own files exist.
WATCH_OPENED_FILES = """
import sys
def note(event, arguments):
    if event == "open" and isinstance(arguments[0], str) and "/zoneinfo/" in arguments[0]:
        allowed = ("/tzdata/zoneinfo/", "/pytz/zoneinfo/", "/usr/share/zoneinfo/UTC", ".py")
        if not any(part in arguments[0] for part in allowed):
            print("opened", arguments[0], file=sys.stderr)
sys.addaudithook(note)
"""


@pytest.fixture
def older_zone_files(tmp_path: Path) -> Path:
    """A directory as a system has it, in which the ten zones have the rules of another."""
    source = resources.files("tzdata").joinpath("zoneinfo", *OLD_RULES_FROM.split("/"))
    for zone in ZONES:
        file = tmp_path / "zoneinfo" / zone
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(source.read_bytes())
    return tmp_path / "zoneinfo"


def run_with_older_files(older: Path, program: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CONSILIUM_")}
    return subprocess.run(
        [sys.executable, "-c", WATCH_OPENED_FILES + program],
        cwd=ROOT,
        env=kept
        | {
            "PYTHONTZPATH": str(older),
            "PYTHONPATH": str(ROOT),
            "CONSILIUM_MODE": "test",
            "CONSILIUM_DATA_DIR": str(older.parent),
            "CONSILIUM_SECRET_KEY": SECRET_KEY,
            "CONSILIUM_MASTER_KEYS": MASTER_KEYS,
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )


def offsets_of_the_package() -> dict[str, list[float]]:
    found = {}
    for zone in ZONES:
        path = resources.files("tzdata").joinpath("zoneinfo", *zone.split("/"))
        with path.open("rb") as file:
            info = ZoneInfo.from_file(file)
        found[zone] = [at.astimezone(info).utcoffset().total_seconds() for at in MONTHS]
    return found


def test_without_our_doing_the_older_files_are_used(older_zone_files):
    """The harm: Python itself prefers the directory that lies in place."""
    answer = run_with_older_files(older_zone_files, PRINT_OFFSETS)
    offsets = json.loads(answer.stdout)
    package = offsets_of_the_package()
    assert [zone for zone in ZONES if offsets[zone] == package[zone]] == []
    assert f"opened {older_zone_files}/Africa/Casablanca" in answer.stderr


@pytest.mark.parametrize("process", PROCESSES)
def test_each_process_has_the_rules_of_the_package(older_zone_files, process):
    answer = run_with_older_files(older_zone_files, f"import {PROCESSES[process]}\n{PRINT_OFFSETS}")
    assert json.loads(answer.stdout.splitlines()[-1]) == offsets_of_the_package()
    assert "opened" not in answer.stderr


def test_a_zone_that_was_loaded_before_is_loaded_anew(older_zone_files):
    program = f"from zoneinfo import ZoneInfo; [ZoneInfo(z) for z in {ZONES}]; import app\n"
    answer = run_with_older_files(older_zone_files, program + PRINT_OFFSETS)
    assert json.loads(answer.stdout) == offsets_of_the_package()


def test_the_rules_are_those_of_2026():
    """What the issue is about, in instants: clocks that no longer change since then."""
    winter = datetime(2026, 12, 15, 12, tzinfo=UTC)
    assert winter.astimezone(ZoneInfo("America/Vancouver")).utcoffset() == timedelta(hours=-7)


READ_A_FOREIGN_CALENDAR = """
import app
from datetime import UTC, datetime
from app.scheduling.time.quarters import Horizon, instant_of
from app.scheduling.time.recurrence import read_busy_spans

LINES = [
    "BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//x//y//EN", *{observance},
    "BEGIN:VEVENT", "UID:1", "DTSTAMP:20261201T000000Z",
    "DTSTART;TZID=America/Vancouver:20261201T090000",
    "DTEND;TZID=America/Vancouver:20261201T100000",
    "RRULE:FREQ=WEEKLY;UNTIL=20261223T000000Z",
    "EXDATE;TZID=America/Vancouver:20261208T090000", "END:VEVENT", "END:VCALENDAR", ""]
horizon = Horizon.between(datetime(2026, 11, 1, tzinfo=UTC), datetime(2027, 2, 1, tzinfo=UTC))
for begin, _ in read_busy_spans("\\r\\n".join(LINES).encode(), "America/Vancouver", horizon):
    print(instant_of(begin).isoformat())
"""
OLD_OBSERVANCE = [
    "BEGIN:VTIMEZONE",
    "TZID:America/Vancouver",
    "BEGIN:STANDARD",
    "DTSTART:20071104T020000",
    "TZOFFSETFROM:-0700",
    "TZOFFSETTO:-0800",
    "TZNAME:PST",
    "END:STANDARD",
    "END:VTIMEZONE",
]


@pytest.mark.parametrize("observance", [[], OLD_OBSERVANCE], ids=["bare name", "own old rules"])
def test_a_calendar_from_elsewhere_is_read_by_the_packages_rules(older_zone_files, observance):
    program = READ_A_FOREIGN_CALENDAR.replace("{observance}", repr(observance))
    answer = run_with_older_files(older_zone_files, program)
    assert answer.stdout.split() == [f"2026-12-{day:02d}T16:00:00+00:00" for day in (1, 15, 22)]
    assert "opened" not in answer.stderr


WRITE_TIMES = """
import app
from datetime import UTC, datetime
import flask
from app.i18n import formats, zones

at = datetime(2026, 12, 15, 18, tzinfo=UTC)
print(formats.convert_to_zone(at, "America/Vancouver").isoformat())
"""


def test_what_we_write_has_the_packages_rules(older_zone_files):
    answer = run_with_older_files(older_zone_files, WRITE_TIMES)
    assert answer.stdout.split() == ["2026-12-15T11:00:00-07:00"]
    assert "opened" not in answer.stderr


def test_other_rules_are_noticed(older_zone_files):
    """What ``./consilium check`` asks."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert zone_rules.find_zones_with_other_rules(start) == []
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath([str(older_zone_files)])
        ZoneInfo.clear_cache()
        assert "America/Vancouver" in zone_rules.find_zones_with_other_rules(start)
    finally:
        zoneinfo.reset_tzpath(before)
        ZoneInfo.clear_cache()
    assert zoneinfo.TZPATH == ()
