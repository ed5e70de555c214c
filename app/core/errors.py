"""The few ways in which Consilium says no. Each carries one whole sentence for the person who
asked.
"""

from __future__ import annotations

from app.core.text import N_, strip_context


class Refusal(Exception):
    """A request that is answered with a sentence. ``sentence`` is a gettext msgid, ``facts``
    fill its placeholders.
    """

    status = 400
    default = N_("This could not be done. Nothing was changed.")

    def __init__(
        self, sentence: str | None = None, *, field: str | None = None, **facts: object
    ) -> None:
        self.sentence = sentence or self.default
        self.field = field
        self.facts = facts
        english = strip_context(self.sentence)
        super().__init__(english % facts if facts else english)


class Invalid(Refusal):
    """The input cannot be accepted as it is; ``field`` names the input that it is about, where
    there is one.
    """

    status = 422
    default = N_("Something you entered needs to be changed. Nothing was saved yet.")


class Forbidden(Refusal):
    """The person may not do this. At the edge it answers as ``NotFound``, so that it gives nothing
    away.
    """

    status = 404
    default = N_(
        "We could not find this page. It may have moved, or it may belong to someone else."
    )


class NotFound(Refusal):
    """There is nothing here that this person may know about."""

    status = 404
    default = Forbidden.default


class Conflict(Refusal):
    """The thing changed meanwhile, or is in a state that does not allow this."""

    status = 409
    default = N_("This has changed in the meantime. Check it and try again.")


class TooMany(Refusal):
    """A rate limit was reached."""

    status = 429
    default = N_("You tried too often in a short time. Wait a little and try again.")


class TooLarge(Refusal):
    """What was sent has more bytes than is allowed."""

    status = 413
    default = N_("This is larger than we can accept.")
