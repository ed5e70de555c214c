"""Who may do what in a consultation."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import CASE_ROLES, CONSULT_ROLES, Permission, Role


class ConsultPermission(Permission):
    CONSULT_JOIN = "consult:seat:join"
    CONSULT_ADMIT = "consult:seat:admit"
    CONSULT_CHAT = "consult:chat:write"
    CONSULT_SIGNAL = "consult:media:signal"
    CONSULT_END = "consult:consult:end"
    CONSULT_INTERPRET = "consult:channel:write"
    CONSULT_INVITE = "consult:invitation:write"
    CONSULT_TEACH = "specialist:teachback:write"
    CONSULT_TIMELINE = "consult:timeline:read"


CONSULT_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    ConsultPermission.CONSULT_JOIN: CONSULT_ROLES,
    ConsultPermission.CONSULT_ADMIT: frozenset({Role.SPECIALIST, Role.COORDINATOR}),
    ConsultPermission.CONSULT_CHAT: CONSULT_ROLES,
    ConsultPermission.CONSULT_SIGNAL: CONSULT_ROLES,
    ConsultPermission.CONSULT_END: frozenset({Role.SPECIALIST, Role.COORDINATOR}),
    ConsultPermission.CONSULT_INTERPRET: frozenset({Role.INTERPRETER}),
    ConsultPermission.CONSULT_INVITE: CASE_ROLES,
    ConsultPermission.CONSULT_TEACH: frozenset({Role.SPECIALIST}),
    ConsultPermission.CONSULT_TIMELINE: CASE_ROLES,
}
