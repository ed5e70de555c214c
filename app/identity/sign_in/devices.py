"""A device in two words, «Safari on iPhone», from what its browser says of itself (RFC 9110 §
10.1.5).
"""

from __future__ import annotations

import re

import ua_parser

# What ua-parser says beside the name that people know: on which kind of device the browser runs, or
# inside what.
_FAMILY_QUALIFIERS = re.compile(r"^Headless|\b(Mobile|iOS|WebView|UI/WKWebView|Tablet)\b")
_HANDHELD_FAMILIES = ("iPhone", "iPad", "iPod")
_SYSTEM_NAMES = {"Mac OS X": "macOS"}


def parse_device_names(agent: str) -> tuple[str | None, str | None]:
    """The names of the browser and of what it runs on, as their makers write them; None for one
    that is not known.
    """
    said = ua_parser.parse(agent)
    browser = (
        " ".join(_FAMILY_QUALIFIERS.sub("", said.user_agent.family).split())
        if said.user_agent
        else None
    )
    if said.device and said.device.family in _HANDHELD_FAMILIES:
        return browser, said.device.family
    return browser, _SYSTEM_NAMES.get(said.os.family, said.os.family) if said.os else None
