"""The codes of authenticator apps (RFC 6238) and recovery codes. No database."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pyotp
import segno
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from pyotp.totp import TOTP

TOTP_STEP_SECONDS = 30
TOTP_DRIFT_STEPS = 1  # the clock of a phone may be wrong by one step either way (RFC 6238 § 5.2)
TOTP_DIGITS = 6
RECOVERY_CODE_COUNT = 10
RECOVERY_CODE_CHARACTERS = 10  # of 32 letters and digits: 50 bits
_RECOVERY_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U
_FREE_GUESSES = 5
_MAX_GUESS_WAIT = timedelta(hours=1)
# Random codes of 50 bits need less than passwords: the least that OWASP allows.
_recovery_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)


def new_totp_secret() -> str:
    """160 bits as base32, as RFC 4226 § 4 recommends."""
    return pyotp.random_base32()


def build_totp_uri(secret: str, email: str, hospital: str) -> str:
    """What the QR code says to the app."""
    return TOTP(secret).provisioning_uri(name=email, issuer_name=hospital)


def build_totp_image(uri: str) -> str:
    """The QR code as an SVG data URI, which the content security policy allows."""
    return segno.make(uri, error="m").svg_data_uri(scale=5, border=4, light="#ffffff")


def find_totp_step(secret: str, code: str, moment: datetime, last_step: int) -> int | None:
    """The time step that ``code`` belongs to, if it is near ``moment`` and after ``last_step``."""
    if len(code) != TOTP_DIGITS or not (code.isascii() and code.isdigit()):
        return None
    totp = TOTP(secret)
    present = int(moment.timestamp()) // TOTP_STEP_SECONDS
    for step in range(present - TOTP_DRIFT_STEPS, present + TOTP_DRIFT_STEPS + 1):
        right = totp.generate_otp(step)
        if secrets.compare_digest(right, code) and step > last_step:
            return step
    return None


def clean_code(typed: str) -> str:
    """A code as it was meant: without spaces and dashes, in capitals, with digits of any script as
    ASCII, and the letters that look like digits as digits.
    """
    plain = "".join(
        str(int(letter)) if letter.isdecimal() else letter
        for letter in typed.upper()
        if letter.isalnum()
    )
    return plain[:64]


def new_recovery_codes() -> list[str]:
    """Ten codes as they are shown: ``ABCDE-12345``."""
    half = RECOVERY_CODE_CHARACTERS // 2
    drawn = [
        "".join(secrets.choice(_RECOVERY_ALPHABET) for _ in range(RECOVERY_CODE_CHARACTERS))
        for _ in range(RECOVERY_CODE_COUNT)
    ]
    return [f"{code[:half]}-{code[half:]}" for code in drawn]


def hash_recovery_code(code: str) -> str:
    return _recovery_hasher.hash(_read_recovery_code(code))


def is_recovery_code_right(code: str, code_hash: str) -> bool:
    try:
        return _recovery_hasher.verify(code_hash, _read_recovery_code(code))
    except (VerificationError, InvalidHashError):
        return False


def could_be_recovery_code(code: str) -> bool:
    """Whether it is worth comparing, which takes long."""
    return len(clean_code(code)) == RECOVERY_CODE_CHARACTERS


def compute_guess_wait(failures: int) -> timedelta:
    """How long to wait after this many wrong answers in a row: nothing after the first four, then
    one minute, doubled with each, up to one hour.
    """
    if failures < _FREE_GUESSES:
        return timedelta(0)
    doubled = timedelta(minutes=1) * 2 ** min(failures - _FREE_GUESSES, 10)
    return min(doubled, _MAX_GUESS_WAIT)


def _read_recovery_code(code: str) -> str:
    return clean_code(code).translate(str.maketrans("ILO", "110"))
