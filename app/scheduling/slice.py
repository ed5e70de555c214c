"""Hours, bookings and engagements of interpreters."""

from __future__ import annotations

from app.core.demo import DemoData
from app.core.permissions import Role
from app.core.slices import NavigationLink, SliceManifest
from app.core.text import N_
from app.scheduling import jobs
from app.scheduling.case_page import SCHEDULING_EVENT_LABELS, SCHEDULING_STEP_RULES
from app.scheduling.demo import seed_demo_bookings
from app.scheduling.departure import BOOKINGS_PART, ENGAGEMENTS_PART
from app.scheduling.notices import SCHEDULING_NOTICES
from app.scheduling.permissions import SCHEDULING_PERMISSION_ROLES
from app.scheduling.verbs import SCHEDULING_AUDIT_VERB_LABELS

MANIFEST = SliceManifest(
    name="scheduling",
    office_sources=(
        "verbs.py",
        "templates/scheduling/*board*.html",
        "templates/scheduling/_rescue.html",
        "templates/scheduling/series.html",
        "departure.py",
        "bookings/rescue*.py",
        "bookings/board*.py",
        "bookings/series*.py",
    ),
    after=("records",),
    permissions=SCHEDULING_PERMISSION_ROLES,
    audit_verbs=SCHEDULING_AUDIT_VERB_LABELS,
    jobs=jobs.HANDLERS,
    periodic=jobs.PERIODIC,
    notices=SCHEDULING_NOTICES,
    case_events=SCHEDULING_EVENT_LABELS,
    extensions=(*SCHEDULING_STEP_RULES, ENGAGEMENTS_PART, BOOKINGS_PART),
    addresses={
        "scheduling.show_answer_link": "/answers/<token>",
        "scheduling.show_engagements": "/engagements",
        "scheduling.show_hours": "/hours",
    },
    blueprint="app.scheduling.blueprint:blueprint",
    routes=(
        "app.scheduling.bookings.routes",
        "app.scheduling.bookings.board_routes",
        "app.scheduling.bookings.calendar_routes",
        "app.scheduling.bookings.rescue_routes",
        "app.scheduling.bookings.series_routes",
        "app.scheduling.availability.hours_routes",
        "app.scheduling.availability.hours_calendar_routes",
        "app.scheduling.interpreters.answer_routes",
        "app.scheduling.interpreters.brief_routes",
        "app.scheduling.interpreters.profile_routes",
        "app.scheduling.interpreters.statement_routes",
    ),
    navigation=(
        NavigationLink(Role.INTERPRETER, N_("Engagements"), "scheduling.show_engagements", 20),
        NavigationLink(Role.SPECIALIST, N_("Your availability"), "scheduling.show_hours", 30),
        NavigationLink(Role.INTERPRETER, N_("Your availability"), "scheduling.show_hours", 30),
        NavigationLink(Role.COORDINATOR, N_("Week"), "scheduling.show_board", 20),
    ),
    demo=DemoData(seed=seed_demo_bookings),
)
