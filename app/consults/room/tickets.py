"""Signed tickets: with one, a browser may take its seat. A ticket names a seat and a person and
nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

from itsdangerous import BadSignature, URLSafeTimedSerializer

from app.core.clock import now
from app.core.errors import Forbidden, Invalid
from app.core.text import N_

SEAT_TICKET_LIFETIME_SECONDS = 12 * 3600
SEAT_TICKET_STALE = N_(
    "Your access to this consultation has expired. Reload the page to get a new one."
)


def issue_seat_ticket(secret_key: str, seat_id: str, person_id: str) -> str:
    return _ticket_signer(secret_key).dumps([seat_id, person_id])


def redeem_seat_ticket(secret_key: str, ticket: str, person_id: str) -> str:
    """The id of the seat. Raises ``Invalid`` for a stale or forged ticket, ``Forbidden`` for
    somebody else's.
    """
    try:
        seat_id, owner = _ticket_signer(secret_key).loads(
            ticket, max_age=SEAT_TICKET_LIFETIME_SECONDS
        )
    except (BadSignature, ValueError, TypeError):
        raise Invalid(SEAT_TICKET_STALE) from None
    if owner != person_id:
        raise Forbidden()
    return str(seat_id)


def build_ice_servers(
    turn_url: str | None, turn_secret: str | None, seat_id: str
) -> list[dict[str, object]]:
    """The relay for networks that let nothing else through, with a login for a day (coturn's REST
    scheme).
    """
    if not turn_url or not turn_secret:
        return []
    username = f"{int(now().timestamp()) + 24 * 3600}:{seat_id}"
    digest = hmac.new(turn_secret.encode(), username.encode(), hashlib.sha1).digest()
    credential = base64.b64encode(digest).decode()
    return [
        {
            "urls": [url.strip() for url in turn_url.split(",")],
            "username": username,
            "credential": credential,
        }
    ]


def _ticket_signer(secret_key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(secret_key, salt="consult-seat")
