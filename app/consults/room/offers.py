"""What an offer must look like before it is passed on to a media node (RFC 8866, RFC 8839, RFC
8842).
"""

from __future__ import annotations

import re

from pydantic import BaseModel, Field

from app.core.errors import Invalid
from app.core.text import N_
from app.media.messages import MAX_SDP_CHARACTERS, MediaSections

MALFORMED_OFFER = N_(
    "We could not read the connection offer from your browser. Reload the page. If this"
    " happens again, use a current version of Chrome, Firefox, Edge or Safari."
)
_MID_PATTERN = re.compile(r"^a=mid:(\S{1,16})\s*$", re.MULTILINE)
_REQUIRED_SDP_ATTRIBUTES = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")


class BrowserOffer(BaseModel):
    """A browser's one offer: the description, what each line of it is, and the browser's name for
    the connection.
    """

    sdp: str = Field(min_length=1, max_length=MAX_SDP_CHARACTERS)
    lines: MediaSections
    connection: str = Field(min_length=8, max_length=80, pattern=r"^[0-9A-Za-z_-]+$")


def check_browser_offer(offer: BrowserOffer) -> None:
    """Raises ``Invalid`` unless the offer reads as a session description with the lines it
    names.
    """
    if (
        not offer.sdp.startswith("v=0")
        or "\nm=" not in offer.sdp
        or any(part not in offer.sdp for part in _REQUIRED_SDP_ATTRIBUTES)
    ):
        raise Invalid(MALFORMED_OFFER, field="sdp")
    lines = offer.lines
    named = [lines.mic, lines.camera, lines.screen, lines.stage]
    named += [mid for slot in lines.slots for mid in (slot.audio, slot.video)]
    wanted = [mid for mid in named if mid is not None]
    if len(wanted) != len(set(wanted)) or not set(wanted) <= set(_MID_PATTERN.findall(offer.sdp)):
        raise Invalid(MALFORMED_OFFER, field="lines")
