"""The base of all audit verbs. Each slice declares its own in its ``verbs.py``."""

from __future__ import annotations

from enum import StrEnum


class AuditVerb(StrEnum):
    """What somebody did or read, as the audit trail stores it.

    A slice lists its verbs with their words in its manifest. A stored value never changes, and two
    slices cannot use the same one.
    """
