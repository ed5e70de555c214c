"""The kinds of messages that slices send: their sentences, and the page that they lead to.

No clinical word stands in any. Placeholders: ``%(number)s`` is the case's number; a fact whose name
ends in ``_at`` is an instant, shown in the reader's zone; one that ends in ``_name`` is the name of
a product, and stands as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.core.text import N_


@dataclass(frozen=True)
class NoticeKind:
    """One kind of message. All texts are msgids.

    ``endpoint`` names a page among the addresses of a slice's manifest; the ids in its address come
    from the message's facts. The message of a meeting carries ``starts_at`` and lists everyone's
    local time below its sentences. With ``names_mode`` it also says when the meeting is interpreted
    simultaneously, because people prepare for that.
    """

    title: str
    sentences: tuple[str, ...]
    endpoint: str = "portal.show_case"
    action: str = N_("Open the case")
    is_meeting: bool = False
    names_mode: bool = False
    make_links: Callable[[str, Mapping[str, object]], Sequence[tuple[str, str]]] | None = None
    """Further ways on in the mail alone, as words and paths, from the secret key and the facts."""


def meeting_notice(
    title: str,
    *sentences: str,
    endpoint: str = "portal.show_case",
    action: str = N_("Open the case"),
    names_mode: bool = False,
) -> NoticeKind:
    """A message about a meeting to come, or one that will not be."""
    return NoticeKind(title, sentences, endpoint, action, is_meeting=True, names_mode=names_mode)
