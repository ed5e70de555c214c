"""A slice describes itself: one that this test writes into a folder of its own appears everywhere,
and no other file knows of it.

The slice lends tablets to patients. It has a page, a socket event, a permission, an audit verb, a
message, a job, something periodic, a link, a panel, a next step, demo data and a command.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from app import create_app
from app.audit.models import AuditEntry
from app.core.notices import NoticeKind
from app.core.outbox import Job
from app.core.permissions import Permission, Role
from app.core.slices import (
    NavigationLink,
    SliceConflict,
    SliceManifest,
    SliceRegistry,
    get_slices,
    load_slices,
    use_slices,
)
from app.identity.demo import DEMO_PASSWORD, load_demo_people
from app.jobs.periodic import PeriodicScheduler
from app.notifications.models import Mail
from app.portal.demo import seed_demo_data
from app.web.access import UnguardedEndpoint
from app.web.sockets import SOCKET_EVENTS
from tests.people import Visitor, a_case
from tests.web.test_access import address, doors
from tests.work import run_jobs

ROOT = Path(__file__).parent.parent
IMPORT_ORDER = (
    "audit identity cases records scheduling consults opinions notifications portal jobs"
).split()

SLICE = """
from datetime import timedelta

from app.audit.service import record_audit_entry
from app.audit.verbs import AuditVerb
from app.cases.models import Case, CaseEvent
from app.cases.page.next_steps import NextStep, NextStepRule, StepButton
from app.cases.page.panels import CasePanel
from app.cases.states import CaseStage
from app.core.clock import now
from app.core.demo import DemoData
from app.core.notices import NoticeKind
from app.core.outbox import enqueue_job
from app.core.permissions import OFFICE_ROLES, Permission, Role
from app.core.slices import NavigationLink, SliceManifest


class LendingPermission(Permission):
    TABLET_READ = "office:tablet:read"


class LendingAuditVerb(AuditVerb):
    TABLET_LENT = "tablet.lent"


def lend_tablet(session, payload, context):
    case = session.get_one(Case, payload["case_id"])
    session.add(CaseEvent(case_id=case.id, kind="tablet_lent", at=now()))
    record_audit_entry(session, None, LendingAuditVerb.TABLET_LENT, "tablet", "7", case.id)
    facts = {"kind": "tablet_lent", "person_id": case.patient_id, "case_id": case.id}
    enqueue_job(session, "notify", facts)


def count_tablets(session, payload, context):
    pass


def seed(diary):
    diary.on(0.1, lambda: record_audit_entry(
        diary.session, None, LendingAuditVerb.TABLET_LENT, "tablet", "demo"))


MANIFEST = SliceManifest(
    name="lending",
    after=("cases",),
    permissions={LendingPermission.TABLET_READ: OFFICE_ROLES},
    audit_verbs={LendingAuditVerb.TABLET_LENT: "Lent a tablet"},
    jobs={"tablet.lend": lend_tablet, "tablet.count": count_tablets},
    periodic=(("tablet.count", timedelta(hours=1)),),
    notices={
        "tablet_lent": NoticeKind(
            "A tablet is on its way", ("For case %(number)s.",), "lending.show_tablet"
        )
    },
    addresses={"lending.show_tablet": "/cases/<case_id>/tablet"},
    blueprint="lending.routes:blueprint",
    sockets=("lending.sockets",),
    commands=("lending.routes:count_command",),
    readiness={"tablets": lambda session: True},
    navigation=(NavigationLink(Role.COORDINATOR, "Tablets", "lending.show_tablets", 15),),
    demo=DemoData(seed=seed),
    case_events={"tablet_lent": "A tablet was lent."},
    extensions=(
        CasePanel(
            "lending/_panel.html", 15, lambda reading: reading.case.number, roles=OFFICE_ROLES
        ),
        NextStepRule(
            Role.COORDINATOR,
            frozenset({CaseStage.SUBMITTED}),
            NextStep("you", "Lend a tablet", "The patient has none.",
                     StepButton("lend", "Show the tablet", "lending.show_tablet")),
            position=5,
        ),
    ),
)
"""
ROUTES = """
import click
from flask import Blueprint

from app.web.access import require_permission
from lending.slice import LendingPermission

blueprint = Blueprint("lending", __name__, template_folder="templates")


@blueprint.get("/tablets")
@require_permission(LendingPermission.TABLET_READ)
def show_tablets():
    return "Seven tablets"


@blueprint.get("/cases/<case_id>/tablet")
@require_permission(LendingPermission.TABLET_READ)
def show_tablet(case_id):
    return "One tablet"


@click.command("count-tablets")
def count_command():
    click.echo("seven")
"""
SOCKETS = """
from app.web.sockets import on_socket_event
from lending.slice import LendingPermission


@on_socket_event("/consult", "tablet.ring", LendingPermission.TABLET_READ)
def ring(session, person, sid, message):
    return {}
"""
PANEL = '<section id="tablet">Tablet for {{ panel }}</section>'


@pytest.fixture(scope="module")
def with_lending(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SliceRegistry]:
    """The slices of the application and the one above."""
    folder = tmp_path_factory.mktemp("packages")
    files = {
        "__init__.py": "",
        "slice.py": SLICE,
        "routes.py": ROUTES,
        "sockets.py": SOCKETS,
        "templates/lending/_panel.html": PANEL,
    }
    for name, text in files.items():
        path = folder / "lending" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    events = list(SOCKET_EVENTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        with use_slices(load_slices(["lending"])) as registry:
            yield registry
    SOCKET_EVENTS[:] = [event for event in SOCKET_EVENTS if event in events]
    for name in [name for name in sys.modules if name.split(".")[0] == "lending"]:
        del sys.modules[name]


@pytest.fixture
def app(with_lending: SliceRegistry, settings) -> Iterator[Flask]:
    application = create_app(settings)
    yield application
    application.extensions["database"].close()


@pytest.fixture
def office(visit, person) -> Visitor:
    return visit(person(Role.COORDINATOR))


@pytest.fixture
def case(look, person):
    patient = person(Role.PATIENT)
    return look(lambda session: a_case(session, session.merge(patient)))


def test_its_pages_are_served_to_those_who_hold_its_permission(app, visit, person, office):
    assert office.get("/tablets").text == "Seven tablets"
    assert {endpoint for _, _, endpoint in doors(app)} >= {
        "lending.show_tablets",
        "lending.show_tablet",
    }
    stranger = visit()
    others = [visit(person(role)) for role in Role if role is not Role.COORDINATOR]
    for method, rule, endpoint in doors(app):
        if endpoint.startswith("lending."):
            path = address(app, rule, {"case_id": "0" * 32})
            answer = stranger.client.open(path, method=method)
            assert answer.status_code == 302 and "/sign-in" in answer.location
            for other in others:
                assert other.client.open(path, method=method).status_code == 404


def test_its_socket_event_is_there(app):
    assert "tablet.ring" in {event.name for event in SOCKET_EVENTS}


def test_its_link_stands_in_its_place_for_its_role_only(office, visit, person):
    page = office.get("/worklist?lang=en").text
    assert page.index(">Worklist<") < page.index(">Tablets<") < page.index(">Week<")
    assert "Tablets" not in visit(person(Role.SPECIALIST)).get("/home?lang=en").text


def test_its_job_runs_and_its_message_reaches_the_patient(app, visit, look, case, person):
    look(lambda session: session.add(_job("tablet.lend", case_id=case.id)))
    run_jobs(app)
    mail = look(lambda session: session.scalars(select(Mail)).all()[-1])
    assert mail.subject == "A tablet is on its way"
    assert f"/cases/{case.id}/tablet" in mail.body
    patient = visit(case.patient)
    assert "A tablet is on its way" in patient.get("/messages?lang=en").text
    assert "A tablet was lent." in patient.get(f"/cases/{case.id}").text
    trail = visit(person(Role.AUDITOR)).get("/audit?lang=en&verb=tablet.lent").text
    assert trail.count("Lent a tablet") >= 2  # the entry, and the choice of what to look for


def test_its_periodic_job_is_queued(app, database, look):
    PeriodicScheduler(get_slices().periodic_jobs).tick(database)
    kinds = look(lambda session: set(session.scalars(select(Job.kind))))
    assert "tablet.count" in kinds


def test_the_page_of_a_case_has_its_panel_and_next_step(office, visit, case):
    page = office.get(f"/cases/{case.id}?lang=en").text
    assert f"Tablet for {case.number}" in page
    assert "Lend a tablet" in page and f'href="/cases/{case.id}/tablet"' in page
    assert page.index('id="tablet"') > page.index('id="people"')
    assert "Show the tablet" in office.get("/worklist").text
    patients = visit(case.patient).get(f"/cases/{case.id}?lang=en").text
    assert "Tablet for" not in patients and "We have your request" in patients


def test_the_demo_has_its_data(app, look, settings):
    with app.app_context():
        look(lambda session: seed_demo_data(session, settings))
    lent = look(
        lambda session: session.scalars(
            select(AuditEntry.object_id).where(AuditEntry.verb == "tablet.lent")
        ).all()
    )
    assert lent == ["demo"]
    auditor = look(lambda session: load_demo_people(session)["auditor"])
    trail = Visitor(app, auditor, DEMO_PASSWORD).get("/audit?lang=en&verb=tablet.lent")
    assert trail.text.count('data-label="Action"') == 1


def test_it_is_asked_whether_it_is_ready_and_has_its_command(app, visit):
    assert visit().client.get("/readyz").json["parts"]["tablets"] is True
    assert "seven" in app.test_cli_runner().invoke(args=["count-tablets"]).output


def test_without_it_nothing_of_it_is_there(with_lending):
    names = [manifest.name for manifest in load_slices().manifests]
    assert "lending" not in names and "lending" in [one.name for one in with_lending.manifests]


def _job(kind: str, **payload: str) -> Job:
    from app.core.clock import now

    return Job(kind=kind, payload=payload, run_at=now())


# What does not fit together stops the start


class TakenPermission(StrEnum):
    CASE_READ = "case:case:read"


class TakenVerb(StrEnum):
    CASE_READ = "case.read"


NOTICE = NoticeKind("Title", ("Sentence",))
CONFLICTS: dict[str, tuple[SliceManifest, str]] = {
    "a permission": (
        SliceManifest("new", permissions={TakenPermission.CASE_READ: frozenset()}),
        "both claim the permission 'case:case:read'",
    ),
    "an audit verb": (
        SliceManifest("new", audit_verbs={TakenVerb.CASE_READ: "Read"}),
        "both claim the audit verb 'case.read'",
    ),
    "a job": (
        SliceManifest("new", jobs={"notify": lambda *_: None}),
        "both claim the kind of job 'notify'",
    ),
    "a message": (
        SliceManifest("new", notices={"case_accepted": NOTICE}),
        "both claim the kind of message 'case_accepted'",
    ),
    "a readiness check": (
        SliceManifest("new", readiness={"media": lambda session: True}),
        "both claim the readiness check 'media'",
    ),
    "a case event": (
        SliceManifest("new", case_events={"created": "Made"}),
        "both claim the case event 'created'",
    ),
    "an address": (
        SliceManifest("new", addresses={"portal.show_case": "/elsewhere"}),
        "both claim the address of 'portal.show_case'",
    ),
    "what another repeats": (
        SliceManifest("new", periodic=(("jobs.sweep", timedelta(days=1)),)),
        "'jobs.sweep' is repeated by two slices",
    ),
    "a job that nobody does": (
        SliceManifest("new", periodic=(("sing", timedelta(days=1)),)),
        "repeats the job 'sing', but no slice handles it",
    ),
    "a message to nowhere": (
        SliceManifest("new", notices={"lost": replace(NOTICE, endpoint="nowhere.show")}),
        "leads to nowhere.show",
    ),
    "a name": (SliceManifest("cases"), "Two slices have the name 'cases'"),
    "a slice that is not there": (
        SliceManifest("new", after=("dentistry",)),
        "builds on 'dentistry', which is not there",
    ),
}


@pytest.mark.parametrize("what", CONFLICTS)
def test_two_slices_that_do_not_fit_together_stop_the_start(what):
    manifest, sentence = CONFLICTS[what]
    with pytest.raises(SliceConflict, match=sentence):
        SliceRegistry([*load_slices().manifests, manifest]).check_conflicts()


def test_two_slices_that_build_on_each_other_stop_the_start():
    with pytest.raises(SliceConflict, match="build on each other"):
        SliceRegistry([SliceManifest("one", after=("two",)), SliceManifest("two", after=("one",))])


@pytest.mark.parametrize(
    "manifest, sentence",
    [
        (SliceManifest("new", blueprint="app.cases.routes:blueprint"), "the blueprint 'cases'"),
        (
            SliceManifest("new", addresses={"cases.show_new_request": "/cases/other"}),
            "is at /cases/other, but its route is at /cases/new",
        ),
        (
            SliceManifest("new", navigation=(NavigationLink(Role.PATIENT, "X", "new.show", 1),)),
            "leads to new.show, which no slice serves",
        ),
    ],
)
def test_the_web_application_checks_what_only_it_can_see(settings, manifest, sentence):
    # last, so that an earlier slice has the name
    manifest = replace(manifest, after=("jobs",))
    with (
        use_slices(SliceRegistry([*load_slices().manifests, manifest])),
        pytest.raises(SliceConflict, match=sentence),
    ):
        create_app(settings)


def test_a_route_whose_permission_no_slice_lists_stops_the_start(settings):
    manifests = [
        replace(one, permissions={}) if one.name == "opinions" else one
        for one in load_slices().manifests
    ]
    with use_slices(SliceRegistry(manifests)), pytest.raises(UnguardedEndpoint, match="opinions"):
        create_app(settings)


def test_slices_are_loaded_in_import_order_without_flask():
    code = (
        "import sys; from app.core.slices import load_slices;"
        " print(*(one.name for one in load_slices().manifests));"
        " sys.exit('flask' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr or "Flask was loaded"
    assert [name for name in done.stdout.split() if name in IMPORT_ORDER] == IMPORT_ORDER


def test_every_permission_and_verb_of_the_application_is_listed():
    listed = set(load_slices().roles_by_permission)
    for permissions in Permission.__subclasses__():
        if permissions.__module__.startswith("app."):
            assert set(permissions) <= listed, permissions.__name__
