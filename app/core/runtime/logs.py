"""The log of a process: one readable line for each thing worth knowing, on standard error.

``structlog`` and the standard ``logging`` write alike, so a library's warning looks like ours. See
``log_lines`` for how a line looks.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from collections.abc import Mapping

import structlog
from structlog.typing import EventDict, WrappedLogger

from app.core.runtime.log_lines import format_log_line, wants_colours

# Loggers of our own, by their first name. Others are heard from "warning" on.
OUR_LOGGERS = ("app", "audit", "jobs", "media", "notifications", "scheduling")
VERBOSE_VARIABLE = "CONSILIUM_VERBOSE"


def is_verbose(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether ``./consilium run --verbose`` was asked for: the log then has the routine too."""
    return environment.get(VERBOSE_VARIABLE, "") not in ("", "0", "false")


def configure_logging(process: str, *, verbose: bool) -> None:
    """Holds afterwards: everything that is logged in this process is written as lines of
    ``process``. With ``verbose`` that includes one line for each job.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_LineFormatter(process, coloured=wants_colours(sys.stderr)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for name in OUR_LOGGERS:
        logging.getLogger(name).setLevel(logging.DEBUG if verbose else logging.INFO)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, _hand_to_logging],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


class _LineFormatter(logging.Formatter):
    """Standard log records as our lines; a traceback follows on lines of its own."""

    def __init__(self, process: str, *, coloured: bool) -> None:
        super().__init__()
        self._process, self._coloured = process, coloured

    def format(self, record: logging.LogRecord) -> str:
        line = format_log_line(
            self._process,
            record.levelname.lower(),
            record.getMessage(),
            getattr(record, "facts", None),
            coloured=self._coloured,
        )
        if not record.exc_info or not record.exc_info[0]:
            return line
        return f"{line}\n{''.join(traceback.format_exception(*record.exc_info)).rstrip()}"


def _hand_to_logging(
    _logger: WrappedLogger, _method: str, event: EventDict
) -> tuple[tuple[str, str], dict[str, object]]:
    sentence = event.pop("event")
    exc_info = event.pop("exc_info", None)
    return ("%s", str(sentence)), {"extra": {"facts": dict(event)}, "exc_info": exc_info}
