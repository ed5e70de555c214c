"""Debian's coturn on the loopback: UDP and TCP on one port, TLS with a certificate of the test's
own on another.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import hashlib
import ipaddress
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from app.core.clock import now
from tests.ports import take_port, take_ports

SECRET = "a secret that coturn shares"
RELAYED_CONNECTIONS = 60  # at most, at the same time


@dataclass(frozen=True)
class Coturn:
    port: int
    tls_port: int
    relayed: range
    """The ports that it lends."""
    authority: Path
    """The certificate of who vouches for the relay's own."""
    key_digest: str
    """Of the relay's public key, as Chromium wants it in order to believe its certificate."""

    def url(self, transport: str) -> str:
        if transport == "tls":
            # By name: Firefox believes no certificate of a bare address.
            return f"turns:localhost:{self.tls_port}?transport=tcp"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"


@contextlib.contextmanager
def running_coturn(folder: Path) -> Iterator[Coturn]:
    assert shutil.which("turnserver"), "These tests need coturn: apt-get install coturn."
    port, tls_port, relayed = take_port(), take_port(), take_ports(RELAYED_CONNECTIONS)
    relay = Coturn(port, tls_port, relayed, folder / "authority.pem", _make_certificate(folder))
    process = subprocess.Popen(
        [
            "turnserver",
            "-n",
            "--listening-ip",
            "127.0.0.1",
            "--relay-ip",
            "127.0.0.1",
            "--listening-port",
            str(port),
            "--tls-listening-port",
            str(tls_port),
            "--cert",
            str(folder / "certificate.pem"),
            "--pkey",
            str(folder / "key.pem"),
            "--use-auth-secret",
            "--static-auth-secret",
            SECRET,
            "--realm",
            "tests.example",
            "--no-cli",
            "--no-dtls",
            "--allow-loopback-peers",
            "--min-port",
            str(relayed[0]),
            "--max-port",
            str(relayed[-1]),
            "--pidfile",
            str(folder / "pid"),
            "--userdb",
            str(folder / "turndb"),
            "--log-file",
            "stdout",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for listening in (port, tls_port):
            _wait_for(listening)
        yield relay
    finally:
        process.terminate()
        process.wait(10)


def _make_certificate(folder: Path) -> str:
    """Writes an authority.pem, and a certificate.pem and key.pem by it; the digest of the relay's
    public key.
    """
    authority_key, key = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    authority_name, name = _name("Authority of the tests"), _name("relay.tests.example")
    authority = (
        _certificate(authority_name, authority_key)
        .issuer_name(authority_name)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    alternatives = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _certificate(name, key)
        .issuer_name(authority_name)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(hashlib.sha256(public).digest()).decode()


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])


def _certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now() - dt.timedelta(days=1))
        .not_valid_after(now() + dt.timedelta(days=7))
    )


def _wait_for(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
            return
        time.sleep(0.1)
    raise AssertionError("coturn does not listen")
