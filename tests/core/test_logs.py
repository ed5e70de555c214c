"""The log can be read at a glance: time, process, level, a sentence, facts."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from app.core.runtime.log_lines import (
    LOG_LINE,
    colour_log_line,
    format_log_line,
    format_raw_line,
)
from tests.processes import ROOT

AT = datetime(2026, 12, 1, 9, 30, tzinfo=UTC)
COLOURS = re.compile(r"\x1b\[\d*m")


def run_logging(program: str, *, verbose: bool = False) -> list[str]:
    answer = subprocess.run(
        [
            sys.executable,
            "-c",
            "import logging, structlog\n"
            "from app.core.runtime.logs import configure_logging\n"
            f"configure_logging('jobs', verbose={verbose})\n{program}",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert answer.stdout == ""
    return answer.stderr.splitlines()


def test_a_line_has_time_process_level_sentence_and_facts():
    assert (
        format_log_line("jobs", "warning", "The job failed.", {"kind": "notify", "ms": 12}, at=AT)
        == "2026-12-01T09:30:00Z jobs      warning  The job failed. kind=notify ms=12"
    )


@pytest.mark.parametrize(
    ("fact", "written"),
    [
        ("two words", '"two words"'),
        ("a=b", '"a=b"'),
        ('say "no"', '"say \\"no\\""'),
        ("line\nbreak", '"line\\nbreak"'),
        ("", '""'),
        (None, "None"),
        ("الحربي", "الحربي"),
    ],
)
def test_a_fact_can_be_told_from_its_neighbours(fact, written):
    assert format_log_line("web", "info", "Done.", {"key": fact}).endswith(f" key={written}")


@pytest.mark.parametrize("control", ["\n", "\r", "\x1b[2K", "\x85", "\u2028", "\x0b"])
def test_nobody_can_forge_a_line_with_a_line_break_or_a_terminal_code(control):
    forged = f"x{control}2026-12-01T09:30:00Z web       error    forged"
    line = format_log_line("web", "info", forged, {"name": forged, "bare": control})
    assert len(line.splitlines()) == 1 and "\x1b" not in line


def test_structlog_and_logging_write_the_same_lines():
    lines = run_logging(
        "structlog.get_logger('jobs').warning('A job failed.', kind='notify')\n"
        "logging.getLogger('media.room').warning('Seat %s was lost.', 'a%b')\n"
        "logging.getLogger('sqlalchemy').warning('A library warns.')\n"
    )
    assert all(LOG_LINE.match(line) for line in lines)
    assert [line.split(maxsplit=1)[1] for line in lines] == [
        "jobs      warning  A job failed. kind=notify",
        "jobs      warning  Seat a%b was lost.",
        "jobs      warning  A library warns.",
    ]


def test_a_percent_sign_in_a_sentence_is_no_placeholder():
    (line,) = run_logging("structlog.get_logger('jobs').info('100 % done', kind='%s')")
    assert line.endswith("100 % done kind=%s")


ROUTINE = "structlog.get_logger('jobs').debug('Job done.', kind='notify')\n"


def test_what_is_routine_is_written_only_where_it_is_asked_for():
    assert run_logging(ROUTINE) == []
    assert len(run_logging(ROUTINE, verbose=True)) == 1
    assert run_logging("logging.getLogger('urllib3').debug('x')", verbose=True) == []


def test_a_traceback_follows_its_line():
    lines = run_logging(
        "try:\n    1 / 0\n"
        "except ZeroDivisionError:\n"
        "    structlog.get_logger('jobs').exception('It broke.', kind='x')\n"
    )
    assert LOG_LINE.match(lines[0]) and lines[0].endswith("error    It broke. kind=x")
    assert lines[1].startswith("Traceback") and lines[-1].startswith("ZeroDivisionError")


@pytest.mark.parametrize(("settings", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals_and_for_those_who_want_them(settings, coloured):
    master, slave = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    subprocess.run(
        [
            sys.executable,
            "-c",
            "import structlog\n"
            "from app.core.runtime.logs import configure_logging\n"
            "configure_logging('jobs', verbose=False)\n"
            "structlog.get_logger('jobs').error('It broke.')",
        ],
        cwd=ROOT,
        stderr=slave,
        env=environment | settings,
        check=True,
        timeout=60,
    )
    os.close(slave)
    written = os.read(master, 1000).decode()
    os.close(master)
    assert bool(COLOURS.search(written)) == coloured
    assert COLOURS.sub("", written).strip().endswith("jobs      error    It broke.")


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_the_supervisor_colours_a_line_without_changing_its_words(level):
    plain = format_log_line("web", level, f"{level} web, said twice", {"web": level}, at=AT)
    coloured = colour_log_line(plain)
    assert coloured == format_log_line(
        "web", level, f"{level} web, said twice", {"web": level}, at=AT, coloured=True
    )
    assert coloured != plain and COLOURS.sub("", coloured) == plain


def test_what_a_process_prints_by_itself_is_told_from_the_log():
    line = format_raw_line("media", "Traceback (most recent call last):")
    assert "media     │ Traceback" in line and not LOG_LINE.match(line)
