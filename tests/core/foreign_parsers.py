"""Parsers that misbehave, for ``test_parser_pool``."""

from __future__ import annotations

import os
import re
import signal
from typing import BinaryIO


def count_bytes(file: BinaryIO) -> dict[str, int]:
    return {"bytes": len(file.read())}


def read_end(file: BinaryIO, length: int) -> str:
    file.seek(-length, os.SEEK_END)
    return file.read().decode()


def loop_for_ever(file: BinaryIO) -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")  # never returns, and holds the interpreter's lock


def take_all_memory(file: BinaryIO) -> int:
    return len(bytearray(8 << 30))


def end_hard(file: BinaryIO) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def raise_recursion(file: BinaryIO) -> None:
    raise RecursionError("too deep")


def write_file(file: BinaryIO, path: str) -> None:
    with open(path, "wb") as target:
        target.write(b"planted")


def list_environment(file: BinaryIO) -> list[str]:
    return sorted(os.environ)


def return_too_much(file: BinaryIO) -> str:
    return "x" * (17 << 20)
