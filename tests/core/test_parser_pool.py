"""Foreign bytes are parsed in a child that can be killed, and the caller learns why it was."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from app.core.runtime import parser_pool
from app.core.runtime.parser_pool import (
    BytesInMemory,
    ParserFailed,
    ParserLimits,
    parse_in_child,
)

QUICK_LIMITS = ParserLimits(cpu_seconds=1, wall_seconds=20)


def run(name: str, content: bytes = b"abc", limits: ParserLimits = QUICK_LIMITS, **arguments):
    return parse_in_child(
        f"tests.core.foreign_parsers:{name}", BytesInMemory(content), arguments, limits
    )


def test_a_parser_reads_what_its_parent_holds():
    content = bytes(range(256)) * 20_000  # more than one read
    assert run("count_bytes", content) == {"bytes": len(content)}
    assert run("count_bytes", b"") == {"bytes": 0}
    assert run("read_end", b"at the very end", length=3) == "end"


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("loop_for_ever", "time"),
        ("take_all_memory", "memory"),
        ("end_hard", "crash"),
        ("raise_recursion", "RecursionError"),
        ("return_too_much", "crash"),
    ],
)
def test_a_parser_that_misbehaves_is_ended_with_a_reason(name: str, reason: str):
    with pytest.raises(ParserFailed) as failed:
        run(name)
    assert failed.value.reason == reason
    assert run("count_bytes") == {"bytes": 3}, "the next parser works"


def test_a_child_that_waits_is_ended_too():
    released = threading.Event()

    class SlowSource(BytesInMemory):
        def read(self, start: int, end: int) -> bytes:
            released.wait(1.0)
            return super().read(start, end)

    with pytest.raises(ParserFailed) as failed:
        parse_in_child(
            "tests.core.foreign_parsers:count_bytes",
            SlowSource(b"x" * (3 << 20)),
            limits=ParserLimits(wall_seconds=0.5),
        )
    assert failed.value.reason == "time"


def test_a_child_has_no_secrets_and_cannot_write(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("CONSILIUM_MASTER_KEYS", "k:secret")
    parser_pool.close_parser_pool()  # the next server is started with this environment
    assert not [name for name in run("list_environment") if name.startswith("CONSILIUM")]
    target = tmp_path / "planted"
    with pytest.raises(ParserFailed):
        run("write_file", path=str(target))
    assert not target.exists() or target.stat().st_size == 0


def test_the_server_is_started_again_after_it_died():
    assert run("count_bytes") == {"bytes": 3}
    process = parser_pool._server._process
    assert process is not None
    process.kill()
    process.wait()
    assert run("count_bytes") == {"bytes": 3}


def test_what_the_source_raises_reaches_the_caller():
    class BrokenSource(BytesInMemory):
        def read(self, start: int, end: int) -> bytes:
            raise LookupError("the part is missing")

    with pytest.raises(LookupError, match="the part is missing"):
        parse_in_child("tests.core.foreign_parsers:count_bytes", BrokenSource(b"abc"))


def test_others_go_on_while_a_parser_hangs():
    hanging = threading.Thread(target=lambda: pytest.raises(ParserFailed, run, "loop_for_ever"))
    hanging.start()
    assert run("count_bytes") == {"bytes": 3}
    assert hanging.is_alive(), "the hanging one was still at work"
    hanging.join()
