"""The contract with the pinned libraries: every private name that the seam leans on is there and
behaves.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import inspect
import socket
import subprocess
import sys
from pathlib import Path

import aioice
import aiortc
import pylibsrtp
import pytest

from app.media.wire import aiortc_seam
from app.media.wire import udp_sockets as sockets
from tests.media.client import run

ROOT = Path(__file__).parents[3]
INSTANCES = {
    "aioice.Connection()": lambda: aioice.Connection(ice_controlling=False),
    "aiortc.RTCIceGatherer()": lambda: aiortc.RTCIceGatherer(iceServers=[]),
    "aiortc.RTCDtlsTransport()": lambda: aiortc.RTCDtlsTransport(
        aiortc.RTCIceTransport(aiortc.RTCIceGatherer(iceServers=[])),
        [aiortc.RTCCertificate.generateCertificate()],
    ),
    "pylibsrtp.Session()": pylibsrtp.Session,
}


@pytest.mark.parametrize(("package", "version"), aiortc_seam.PINNED_VERSIONS.items())
def test_the_libraries_are_those_that_were_read(package, version):
    assert importlib.metadata.version(package) == version


@pytest.mark.parametrize("name", aiortc_seam.PRIVATE_NAMES)
def test_each_private_name_is_there(name):
    async def look() -> object:
        owner, _, attribute = name.rpartition(".")
        if owner in INSTANCES:
            return hasattr(INSTANCES[owner](), attribute)
        module, *rest = owner.split(".")
        thing = importlib.import_module(module)
        for part in rest:
            thing = (
                getattr(thing, part)
                if hasattr(thing, part)
                else importlib.import_module(f"{module}.{part}")
            )
        return hasattr(thing, attribute)

    assert run(look())


def test_no_other_file_touches_private_names_of_the_libraries():
    package = aiortc_seam.__file__.rpartition("/")[0]
    found = subprocess.run(
        [
            "grep",
            "-rlE",
            "import (aiortc|aioice|pylibsrtp)|from (aiortc|aioice|pylibsrtp)[ .]",
            package,
            "--include=*.py",
        ],
        capture_output=True,
        text=True,
    ).stdout.split()
    assert found == [aiortc_seam.__file__]


def test_the_shapes_are_as_they_were_read():
    assert list(inspect.signature(aioice.Connection.get_component_candidates).parameters) == [
        "self",
        "component",
        "addresses",
        "timeout",
    ]
    assert list(inspect.signature(aioice.ice.StunProtocol.datagram_received).parameters) == [
        "self",
        "data",
        "addr",
    ]
    assert list(inspect.signature(aioice.Connection.check_complete).parameters) == ["self", "pair"]
    assert (
        str(pylibsrtp.ffi.typeof(pylibsrtp.lib.srtp_protect))
        == "<ctype 'srtp_err_status_t(*)(struct srtp_ctx_t_ *, void *, int *)'>"
    )


def test_sockets_are_bound_within_the_range_and_two_nodes_share_it():
    ports = (45000, 45003)
    bound = [sockets.bind_socket_in_range("127.0.0.1", ports) for _ in range(4)]
    try:
        assert sorted(sock.getsockname()[1] for sock in bound) == [45000, 45001, 45002, 45003]
        with pytest.raises(sockets.NoFreePort):
            sockets.bind_socket_in_range("127.0.0.1", ports)
    finally:
        for sock in bound:
            sock.close()


def test_an_address_behind_nat_listens_everywhere():
    sock = sockets.bind_socket_in_range("198.51.100.7", (46000, 46999))
    try:
        assert sock.family == socket.AF_INET
        assert sock.getsockname()[0] == "0.0.0.0"
    finally:
        sock.close()


def test_the_node_itself_imports_no_web_framework_and_no_database():
    code = (
        "import sys, types; app = types.ModuleType('app'); app.__path__ = ['app'];"
        " sys.modules['app'] = app\nimport app.media.__main__; print([name for name in ('flask',"
        " 'sqlalchemy') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert run.stdout.strip() == "[]", run.stderr


def test_a_browser_that_was_found_gets_a_socket_of_its_own_on_the_same_port():
    bound = sockets.bind_socket_in_range("127.0.0.1", (45100, 45199))
    browser, stranger = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
    for each in (browser, stranger):
        each.bind(("127.0.0.1", 0))
    with (
        bound,
        browser,
        stranger,
        sockets.open_connected_socket(bound, browser.getsockname()) as twin,
    ):
        assert twin.getsockname() == bound.getsockname()
        browser.sendto(b"packet", twin.getsockname())
        stranger.sendto(b"check", twin.getsockname())
        assert twin.recv(10) == b"packet"
        assert bound.recvfrom(10) == (b"check", stranger.getsockname())
        twin.send(b"answer")
        assert browser.recvfrom(10) == (b"answer", bound.getsockname())
        with pytest.raises(sockets.NoFreePort):
            sockets.bind_socket_in_range("127.0.0.1", (bound.getsockname()[1],) * 2)
