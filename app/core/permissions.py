"""Every permission there is, and the roles that hold it. What is not listed here nobody may do.

A permission opens a door for a role; whether this person may touch this very thing is decided by
the slice's policy.
"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    PATIENT = "patient"
    SPECIALIST = "specialist"
    INTERPRETER = "interpreter"
    COORDINATOR = "coordinator"
    REFERRER = "referrer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    GUEST = "guest"


class Permission(StrEnum):
    HOME_READ = "person:home:read"
    PROFILE_READ = "person:profile:read"
    PROFILE_WRITE = "person:profile:write"
    SESSION_WRITE = "person:session:write"
    NOTICE_READ = "person:notice:read"
    NOTICE_WRITE = "person:notice:write"
    CASE_CREATE = "patient:case:create"
    CASE_READ = "case:case:read"
    CASE_WRITE = "case:case:write"
    CASE_WITHDRAW = "case:case:withdraw"
    CASE_TRIAGE = "office:case:triage"
    CASE_ASSIGN = "office:case:assign"
    CASE_CLOSE = "office:case:close"
    WORKLIST_READ = "office:worklist:read"
    RECORD_READ = "case:record:read"
    RECORD_WRITE = "case:record:write"
    RECORD_DECIDE = "office:record:decide"
    AVAILABILITY_READ = "person:availability:read"
    AVAILABILITY_WRITE = "person:availability:write"
    SLOT_READ = "case:slot:read"
    BOOKING_WRITE = "case:booking:write"
    BOOKING_OVERRIDE = "office:booking:override"
    BOARD_READ = "office:board:read"
    ENGAGEMENT_READ = "interpreter:engagement:read"
    ENGAGEMENT_WRITE = "interpreter:engagement:write"
    CONSULT_JOIN = "consult:seat:join"
    CONSULT_ADMIT = "consult:seat:admit"
    CONSULT_CHAT = "consult:chat:write"
    CONSULT_SIGNAL = "consult:media:signal"
    CONSULT_END = "consult:consult:end"
    CONSULT_INTERPRET = "consult:channel:write"
    CONSULT_INVITE = "consult:invitation:write"
    CONSULT_TEACH = "specialist:teachback:write"
    CONSULT_TIMELINE = "consult:timeline:read"
    OPINION_READ = "case:opinion:read"
    OPINION_WRITE = "specialist:opinion:write"
    OPINION_SIGN = "specialist:opinion:sign"
    OPINION_RELEASE = "office:opinion:release"
    PEOPLE_READ = "office:people:read"
    PEOPLE_WRITE = "admin:people:write"
    SETTINGS_WRITE = "admin:settings:write"
    AUDIT_READ = "audit:entry:read"
    OUTBOX_READ = "demo:outbox:read"


P, R = Permission, Role
_EVERYBODY = frozenset(Role) - {R.GUEST}
_OFFICE = frozenset({R.COORDINATOR})
_ON_CASE = frozenset({R.PATIENT, R.SPECIALIST, R.COORDINATOR})
_IN_CONSULT = frozenset({R.PATIENT, R.SPECIALIST, R.INTERPRETER, R.COORDINATOR})
_IN_CONSULT_OR_GUEST = _IN_CONSULT | {R.GUEST}

ROLES_BY_PERMISSION: dict[Permission, frozenset[Role]] = {
    P.HOME_READ: frozenset(Role),
    P.PROFILE_READ: _EVERYBODY,
    P.PROFILE_WRITE: _EVERYBODY,
    P.SESSION_WRITE: frozenset(Role),
    P.NOTICE_READ: _EVERYBODY,
    P.NOTICE_WRITE: _EVERYBODY,
    P.OUTBOX_READ: _EVERYBODY,
    P.CASE_CREATE: frozenset({R.PATIENT}),
    P.CASE_READ: _IN_CONSULT,
    P.CASE_WRITE: _ON_CASE,
    P.CASE_WITHDRAW: frozenset({R.PATIENT, R.COORDINATOR}),
    P.CASE_TRIAGE: _OFFICE,
    P.CASE_ASSIGN: _OFFICE,
    P.CASE_CLOSE: _OFFICE,
    P.WORKLIST_READ: _OFFICE,
    P.RECORD_READ: _ON_CASE,
    P.RECORD_WRITE: frozenset({R.PATIENT, R.COORDINATOR}),
    P.RECORD_DECIDE: _OFFICE,
    P.AVAILABILITY_READ: frozenset({R.SPECIALIST, R.INTERPRETER, R.COORDINATOR}),
    P.AVAILABILITY_WRITE: frozenset({R.SPECIALIST, R.INTERPRETER, R.COORDINATOR}),
    P.SLOT_READ: _ON_CASE,
    P.BOOKING_WRITE: frozenset({R.PATIENT, R.COORDINATOR}),
    P.BOOKING_OVERRIDE: _OFFICE,
    P.BOARD_READ: _OFFICE,
    P.ENGAGEMENT_READ: frozenset({R.INTERPRETER, R.COORDINATOR}),
    P.ENGAGEMENT_WRITE: frozenset({R.INTERPRETER}),
    P.CONSULT_JOIN: _IN_CONSULT_OR_GUEST,
    P.CONSULT_ADMIT: frozenset({R.SPECIALIST, R.COORDINATOR}),
    P.CONSULT_CHAT: _IN_CONSULT_OR_GUEST,
    P.CONSULT_SIGNAL: _IN_CONSULT_OR_GUEST,
    P.CONSULT_END: frozenset({R.SPECIALIST, R.COORDINATOR}),
    P.CONSULT_INTERPRET: frozenset({R.INTERPRETER}),
    P.CONSULT_INVITE: _ON_CASE,
    P.CONSULT_TEACH: frozenset({R.SPECIALIST}),
    P.CONSULT_TIMELINE: _ON_CASE,
    P.OPINION_READ: _ON_CASE,
    P.OPINION_WRITE: frozenset({R.SPECIALIST}),
    P.OPINION_SIGN: frozenset({R.SPECIALIST}),
    P.OPINION_RELEASE: _OFFICE,
    P.PEOPLE_READ: frozenset({R.COORDINATOR, R.ADMINISTRATOR}),
    P.PEOPLE_WRITE: frozenset({R.ADMINISTRATOR}),
    P.SETTINGS_WRITE: frozenset({R.ADMINISTRATOR}),
    P.AUDIT_READ: frozenset({R.ADMINISTRATOR, R.AUDITOR}),
}


def has_permission(role: str, permission: Permission) -> bool:
    """Whether people of this role hold the permission."""
    return role in ROLES_BY_PERMISSION.get(permission, frozenset())
