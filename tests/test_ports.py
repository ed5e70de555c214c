"""Two test processes never get the same port."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ports import LOCKS, PORTS_PER_BLOCK, lock_block, take_port

ROOT = Path(__file__).parent.parent


@pytest.fixture
def block():
    with contextlib.closing(lock_block(LOCKS)) as locked:
        yield locked


def test_two_blocks_share_no_port(block):
    with contextlib.closing(lock_block(LOCKS)) as other:
        ports = [one.take() for one in (block, other) for _ in range(PORTS_PER_BLOCK // 2)]
    assert len(set(ports)) == len(ports)


def test_another_process_takes_another_block():
    mine = take_port()
    code = "from tests.ports import take_port; print(take_port())"
    answer = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert mine // PORTS_PER_BLOCK != int(answer.stdout) // PORTS_PER_BLOCK


def test_a_block_is_free_again_when_its_process_has_ended(tmp_path):
    code = (
        "import sys; from pathlib import Path; "
        "from tests.ports import PORTS_PER_BLOCK, lock_block; "
        "print(lock_block(Path(sys.argv[1])).take() // PORTS_PER_BLOCK)"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", code, str(tmp_path)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for _ in range(2)
    }
    assert len(answers) == 1


def test_a_port_in_use_is_passed_over(block):
    first = block.take()
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagram:
        stream.bind(("127.0.0.1", first + 1))
        stream.listen()
        datagram.bind(("127.0.0.1", first + 2))
        assert block.take() == first + 3


def test_a_range_is_in_one_piece_and_taken_as_a_whole(block):
    ports = block.take_range(20)
    assert len(ports) == 20
    assert block.take() not in ports
