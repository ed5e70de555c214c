"""Passkeys, as far as they need no database: what a browser is asked, and whether its answer is
right (WebAuthn Level 3 § 7).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

MAX_ANSWER_CHARACTERS = 20_000
CHALLENGE_MILLISECONDS = 300_000
# Browsers and their extensions send what the library does not expect in many ways.
_UNREADABLE = (WebAuthnException, ValueError, KeyError, TypeError, AttributeError)


@dataclass(frozen=True)
class PasskeySite:
    """For whom passkeys are made. ``rp_id`` is the host's name, ``origin`` what browsers report."""

    rp_id: str
    origin: str
    hospital: str


@dataclass(frozen=True)
class NewPasskey:
    credential_id: str
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


def find_passkey_site(web_url: str, hospital: str) -> PasskeySite | None:
    """None where browsers do not allow passkeys: at an IP address, and without TLS at any name but
    localhost.
    """
    address = urlsplit(web_url)
    host = address.hostname or ""
    try:
        ipaddress.ip_address(host)
        return None
    except ValueError:
        pass
    is_local = host == "localhost" or host.endswith(".localhost")
    if not host or not (address.scheme == "https" or is_local):
        return None
    return PasskeySite(host, f"{address.scheme}://{address.netloc}", hospital)


def build_registration_options(
    site: PasskeySite, person_id: str, email: str, challenge: bytes, known: Sequence[str]
) -> str:
    """What a browser is asked to make, as JSON. ``known`` are the ids of the person's passkeys."""
    options = webauthn.generate_registration_options(
        rp_id=site.rp_id,
        rp_name=site.hospital,
        user_name=email,
        user_id=person_id.encode(),
        challenge=challenge,
        timeout=CHALLENGE_MILLISECONDS,
        exclude_credentials=[_describe(credential_id) for credential_id in known],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.PREFERRED,
            user_verification=UserVerificationRequirement.PREFERRED,
        ),
    )
    return webauthn.options_to_json(options)


def build_authentication_options(
    site: PasskeySite, challenge: bytes, known: Sequence[tuple[str, Sequence[str]]]
) -> str:
    """What a browser is asked to sign, as JSON. ``known`` are ids with their transports."""
    options = webauthn.generate_authentication_options(
        rp_id=site.rp_id,
        challenge=challenge,
        timeout=CHALLENGE_MILLISECONDS,
        allow_credentials=[_describe(key, transports) for key, transports in known],
        user_verification=UserVerificationRequirement.PREFERRED,
    )
    return webauthn.options_to_json(options)


def read_registration(site: PasskeySite, challenge: bytes, answer: str) -> NewPasskey | None:
    """The passkey that a browser made, or None where its answer is not one."""
    try:
        sent = json.loads(answer[:MAX_ANSWER_CHARACTERS])
        made = webauthn.verify_registration_response(
            credential=sent,
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
        )
        transports = sent["response"].get("transports") or []
        known = [one for one in transports if one in {str(t.value) for t in AuthenticatorTransport}]
    except _UNREADABLE:
        return None
    return NewPasskey(
        bytes_to_base64url(made.credential_id),
        made.credential_public_key,
        made.sign_count,
        tuple(known),
    )


def read_credential_id(answer: str) -> str | None:
    """The id of the passkey that an answer claims to come from."""
    try:
        claimed = json.loads(answer[:MAX_ANSWER_CHARACTERS])["id"]
        return bytes_to_base64url(base64url_to_bytes(claimed))
    except _UNREADABLE:
        return None


def check_authentication(
    site: PasskeySite, challenge: bytes, answer: str, public_key: bytes, sign_count: int
) -> int | None:
    """The passkey's new count where its answer is right, else None. A count that did not grow is
    refused, because then there are two copies of the passkey (§ 6.1.1).
    """
    try:
        proved = webauthn.verify_authentication_response(
            credential=answer[:MAX_ANSWER_CHARACTERS],
            expected_challenge=challenge,
            expected_rp_id=site.rp_id,
            expected_origin=site.origin,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
        )
    except _UNREADABLE:
        return None
    return proved.new_sign_count


def _describe(credential_id: str, transports: Sequence[str] = ()) -> PublicKeyCredentialDescriptor:
    return PublicKeyCredentialDescriptor(
        id=base64url_to_bytes(credential_id),
        transports=[AuthenticatorTransport(one) for one in transports] or None,
    )
