"""Who may do what with hours, bookings and engagements."""

from __future__ import annotations

from collections.abc import Mapping

from app.core.permissions import CASE_ROLES, OFFICE_ROLES, Permission, Role


class SchedulingPermission(Permission):
    AVAILABILITY_READ = "person:availability:read"
    AVAILABILITY_WRITE = "person:availability:write"
    SLOT_READ = "case:slot:read"
    BOOKING_WRITE = "case:booking:write"
    BOOKING_OVERRIDE = "office:booking:override"
    BOARD_READ = "office:board:read"
    ENGAGEMENT_READ = "interpreter:engagement:read"
    ENGAGEMENT_WRITE = "interpreter:engagement:write"


SCHEDULING_PERMISSION_ROLES: Mapping[Permission, frozenset[Role]] = {
    SchedulingPermission.AVAILABILITY_READ: frozenset(
        {Role.SPECIALIST, Role.INTERPRETER, Role.COORDINATOR}
    ),
    SchedulingPermission.AVAILABILITY_WRITE: frozenset(
        {Role.SPECIALIST, Role.INTERPRETER, Role.COORDINATOR}
    ),
    SchedulingPermission.SLOT_READ: CASE_ROLES,
    SchedulingPermission.BOOKING_WRITE: frozenset({Role.PATIENT, Role.COORDINATOR}),
    SchedulingPermission.BOOKING_OVERRIDE: OFFICE_ROLES,
    SchedulingPermission.BOARD_READ: OFFICE_ROLES,
    SchedulingPermission.ENGAGEMENT_READ: frozenset({Role.INTERPRETER, Role.COORDINATOR}),
    SchedulingPermission.ENGAGEMENT_WRITE: frozenset({Role.INTERPRETER}),
}
