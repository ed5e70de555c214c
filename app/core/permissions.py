"""Roles, and the base of all permissions.

Each slice declares its permissions as a subclass of ``Permission`` in its ``permissions.py`` and
lists there which roles hold them; its ``slice.py`` hands both to the registry (``core.slices``).
A permission that no slice lists is held by nobody.

A permission says what a role may do in general. Whether this person may touch this case, record or
booking is decided by the slice's policy.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody is to Consilium. Stored: a value never changes."""

    PATIENT = "patient"
    SPECIALIST = "specialist"
    INTERPRETER = "interpreter"
    COORDINATOR = "coordinator"
    REFERRER = "referrer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    GUEST = "guest"


class Permission(StrEnum):
    """The base of every slice's permissions. A value names who, what and how:
    ``office:case:close``.

    Two slices cannot use the same value: ``SliceConflict`` stops the start.
    """


STAFF_ROLES = (
    Role.COORDINATOR,
    Role.SPECIALIST,
    Role.INTERPRETER,
    Role.REFERRER,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)
"""The roles of people who work here, in the order in which lists show them."""
SIGNED_IN_ROLES = frozenset(Role) - {Role.GUEST}
OFFICE_ROLES = frozenset({Role.COORDINATOR})
CASE_ROLES = frozenset({Role.PATIENT, Role.SPECIALIST, Role.COORDINATOR})
CASE_AND_INTERPRETER_ROLES = CASE_ROLES | {Role.INTERPRETER}
CONSULT_ROLES = CASE_AND_INTERPRETER_ROLES | {Role.GUEST}
