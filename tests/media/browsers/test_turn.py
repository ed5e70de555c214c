"""Where nothing but a relay gets through: Debian's coturn, real logins, and what the doctor says of
it.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket

import pytest

from app.consults.room.tickets import build_ice_servers
from app.media import doctor
from app.media.settings import MediaSettings
from tests import browsers
from tests.media.people import Person, until
from tests.media.relay import SECRET
from tests.media.signalling import everyone_to_everyone

TRANSPORTS = ["udp", "tcp", "tls"]


@pytest.fixture(scope="module")
def chromium(playwright, coturn):
    """A browser that believes the certificate of this one relay."""
    flags = [*browsers.PRETENDED, f"--ignore-certificate-errors-spki-list={coturn.key_digest}"]
    with browsers.chromium(playwright, flags) as browser:
        yield browser


@pytest.mark.late
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_call_is_held_through_the_relay_alone(chromium, signalling, coturn, transport):
    names = ["ana", "ben"]
    signalling.set_routes("r", everyone_to_everyone(names))
    servers = build_ice_servers(coturn.url(transport), SECRET, "seat")
    ana, ben = people = [
        Person(chromium, signalling, name, iceServers=json.dumps(servers)) for name in names
    ]
    for person in people:
        person.join()
    for person in people:
        until(lambda p=person: p.frames(0) > 20 and p.energy(0) > 0)
    for person in people:
        assert person.page.evaluate("wayOut()") == "relay"
        person.page.close()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_doctor_tries_the_relay(coturn, transport, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.authority))
    url = coturn.url(transport)
    finding = asyncio.run(doctor.check_turn_server(url, SECRET))
    assert finding.verdict == "good", finding
    lent = re.search(r"It relays from 127\.0\.0\.1:(\d+)\.", finding.sentence)
    assert lent and int(lent.group(1)) in coturn.relayed
    finding = asyncio.run(doctor.check_turn_server(url, "another secret"))
    assert finding.verdict == "bad"
    assert "CONSILIUM_TURN_SECRET" in finding.sentence


def test_the_doctor_says_when_browsers_would_not_believe_the_relay(coturn):
    finding = asyncio.run(doctor.check_turn_server(coturn.url("tls"), SECRET))
    assert finding.verdict == "bad"
    assert "certificate that browsers do not trust" in finding.sentence


def test_the_certificate_of_a_relay_is_held_against_its_name(coturn, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.authority))
    assert asyncio.run(doctor.check_turn_server(coturn.url("tls"), SECRET)).verdict == "good"
    other_name = coturn.url("tls").replace("localhost", socket.gethostname())
    assert asyncio.run(doctor.check_turn_server(other_name, SECRET)).verdict == "bad"


def test_the_doctor_warns_of_a_secure_relay_by_address_alone(coturn, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(coturn.authority))
    finding = asyncio.run(
        doctor.check_turn_server(coturn.url("tls").replace("localhost", "127.0.0.1"), SECRET)
    )
    assert finding.verdict == "doubt"
    assert "Firefox" in finding.sentence


def test_the_doctor_names_a_relay_that_is_not_there():
    finding = asyncio.run(doctor.check_turn_server("turn:127.0.0.1:9?transport=tcp", SECRET))
    assert finding.verdict == "bad"
    assert "does not answer" in finding.sentence
    assert asyncio.run(doctor.check_turn_server("https://example.org", SECRET)).verdict == "bad"


def verdicts(**settings) -> list[str]:
    found = doctor.check_addresses_and_ports(MediaSettings(secret_key="x", **settings))
    return [finding.verdict for finding in found]


def test_the_doctor_says_whether_the_node_is_reachable_as_configured():
    assert verdicts() == ["doubt", "good", "good"]
    assert verdicts(public_addresses=("198.51.100.7",))[:2] == ["doubt", "doubt"]
    assert verdicts(first_port=48000, last_port=48010)[-1] == "bad"


def test_the_doctor_says_so_when_every_port_is_taken():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        assert verdicts(first_port=port, last_port=port)[1] == "bad"


def test_a_login_is_what_the_web_gives_to_browsers():
    (server,) = build_ice_servers(
        "turn:a.example:3478?transport=udp, turns:a.example:5349", SECRET, "seat"
    )
    assert server["urls"] == ["turn:a.example:3478?transport=udp", "turns:a.example:5349"]
    until_when, _, who = server["username"].partition(":")
    _, password = doctor.make_turn_credentials(
        SECRET, who, int(until_when) - doctor.TURN_CREDENTIALS_LIFETIME_SECONDS
    )
    assert (who, password) == ("seat", server["credential"])
