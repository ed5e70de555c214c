"""How one line of the log looks, in every process. Standard library only.

    2026-12-01T09:30:00Z jobs      warning  The job failed and will be tried again. kind=notify

Time (UTC), process, level, a sentence, then facts as ``key=value``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import IO

PROCESS_NAME_WIDTH = 9  # characters, as many as in "consilium"
LEVEL_NAME_WIDTH = 8  # characters, as many as in "critical"
LOG_LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \S+ +(debug|info|warning|error|critical) ")
_PLAIN_FACT = re.compile(r"[^\s\"'=]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# SGR codes of ECMA-48, section 8.3.117.
PROCESS_COLOURS = {"web": "36", "media": "35", "jobs": "33", "consilium": "1"}
LEVEL_COLOURS = {"warning": "33", "error": "31", "critical": "31"}


def format_log_line(
    process: str,
    level: str,
    sentence: str,
    facts: Mapping[str, object] | None = None,
    *,
    at: datetime | None = None,
    coloured: bool = False,
) -> str:
    """One line without a line break, whatever the sentence and the facts contain."""
    head = f"{format_log_time(at)} {process.ljust(PROCESS_NAME_WIDTH)} {level}"
    padding = " " * (LEVEL_NAME_WIDTH - len(level))
    pairs = "".join(f" {key}={_format_fact(value)}" for key, value in (facts or {}).items())
    line = f"{head}{padding} {_escape_controls(sentence)}{pairs}"
    return colour_log_line(line) if coloured else line


def format_raw_line(process: str, line: str, *, coloured: bool = False) -> str:
    """A line that a process printed by other means than the log, for example of a traceback."""
    prefix = f"{process.ljust(PROCESS_NAME_WIDTH)} │"
    if coloured:
        prefix = _paint(prefix, PROCESS_COLOURS.get(process))
    return f"{format_log_time()} {prefix} {line}"


def colour_log_line(line: str) -> str:
    """A line that ``format_log_line`` made, with colours."""
    at, process, level = line.split(maxsplit=3)[:3]
    level_start = len(at) + PROCESS_NAME_WIDTH + 2
    name, rest = line[len(at) + 1 : level_start - 1], line[level_start + len(level) :]
    name = _paint(name, PROCESS_COLOURS.get(process))
    return f"{at} {name} {_paint(level, LEVEL_COLOURS.get(level))}{rest}"


def format_log_time(at: datetime | None = None) -> str:
    """The time of a line: UTC, in seconds (RFC 3339)."""
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def wants_colours(stream: IO[str]) -> bool:
    """On a terminal only, and not where ``NO_COLOR`` is set (https://no-color.org)."""
    return stream.isatty() and "NO_COLOR" not in os.environ


def _paint(text: str, colour: str | None) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m" if colour else text


def _format_fact(value: object) -> str:
    text = str(value)
    if not _PLAIN_FACT.fullmatch(text):
        text = json.dumps(text, ensure_ascii=False)
    return _escape_controls(text)


def _escape_controls(text: str) -> str:
    """Line breaks and terminal codes in what is logged must not forge a line."""
    return _CONTROLS.sub(lambda found: repr(found.group())[1:-1], text)
