"""Who may do what, written down by hand. The tests compare the code with these tables and never
read the code's own tables to know what to expect.

Permissions and events are named by their string values (``audit:entry:read``, ``consult.end``),
so that renaming a constant changes nothing here. Whatever is not listed fails: add a permission,
a route or an event, and say here who may use it.
"""

from __future__ import annotations

import pytest
from flask import Flask
from lxml import html

from app.core.permissions import Permission, Role
from app.core.slices import get_roles_by_permission
from app.identity.models import Person
from app.web.access import PUBLIC_ACCESS, get_route_permission
from app.web.sockets import SOCKET_EVENTS
from tests.people import Visitor

ROLES = "patient specialist interpreter coordinator referrer administrator auditor guest"

EVERYBODY = ROLES
SIGNED_UP = "patient specialist interpreter coordinator referrer administrator auditor"
ON_THE_CASE = "patient specialist coordinator"
IN_CONSULT = "patient specialist interpreter coordinator"
IN_CONSULT_OR_GUEST = "patient specialist interpreter coordinator guest"

# permission: the roles that hold it
HOLDERS = {
    "person:home:read": EVERYBODY,
    "person:session:write": EVERYBODY,
    "person:profile:read": SIGNED_UP,
    "person:profile:write": SIGNED_UP,
    "person:role:switch": SIGNED_UP,
    "person:notice:read": SIGNED_UP,
    "person:notice:write": SIGNED_UP,
    "person:availability:read": "specialist interpreter coordinator",
    "person:availability:write": "specialist interpreter coordinator",
    "demo:outbox:read": SIGNED_UP,
    "patient:case:create": "patient",
    "case:case:read": IN_CONSULT,
    "case:case:write": ON_THE_CASE,
    "case:case:withdraw": "patient coordinator",
    "case:record:read": ON_THE_CASE,
    "case:record:write": "patient coordinator",
    "case:slot:read": ON_THE_CASE,
    "case:booking:write": "patient coordinator",
    "case:opinion:read": ON_THE_CASE,
    "specialist:opinion:write": "specialist",
    "specialist:opinion:sign": "specialist",
    "specialist:teachback:write": "specialist",
    "interpreter:engagement:read": "interpreter coordinator",
    "interpreter:engagement:write": "interpreter",
    "consult:seat:join": IN_CONSULT_OR_GUEST,
    "consult:seat:admit": "specialist coordinator",
    "consult:chat:write": IN_CONSULT_OR_GUEST,
    "consult:media:signal": IN_CONSULT_OR_GUEST,
    "consult:consult:end": "specialist coordinator",
    "consult:channel:write": "interpreter",
    "consult:invitation:write": ON_THE_CASE,
    "consult:timeline:read": ON_THE_CASE,
    "office:case:triage": "coordinator",
    "office:case:assign": "coordinator",
    "office:case:close": "coordinator",
    "office:worklist:read": "coordinator",
    "office:record:decide": "coordinator",
    "office:booking:override": "coordinator",
    "office:board:read": "coordinator",
    "office:opinion:release": "coordinator",
    "office:people:read": "coordinator administrator",
    "admin:people:write": "administrator",
    "admin:settings:write": "administrator",
    "audit:entry:read": "administrator auditor",
}

# permission: the routes that ask for it
ROUTES = {
    "public": """
        static probes.serve_liveness probes.serve_readiness probes.serve_web_metrics
        portal.show_landing_page portal.show_how_it_works portal.show_emergency_page
        portal.show_start_page organizations.show_privacy_notice
        identity.show_sign_in identity.post_sign_in identity.show_sign_up identity.post_sign_up
        identity.show_forgotten_password identity.post_forgotten_password
        identity.show_password_setting identity.post_password_setting
        identity.show_factor_proof identity.post_factor_proof
        identity.show_email_confirmation identity.post_email_confirmation
        consults.show_guest_invitation consults.post_guest_acceptance
        scheduling.serve_calendar_subscription
        records.show_tus_capabilities notifications.show_outbox
        """,
    "person:home:read": """
        portal.show_home scheduling.show_calendar_subscription scheduling.post_calendar_address
        scheduling.post_calendar_stop scheduling.show_answer_link scheduling.post_answer_link
        """,
    "person:role:switch": "organizations.post_acting_role",
    "person:session:write": """
        identity.post_sign_out identity.post_device_sign_out
        identity.show_confirmation identity.post_confirmation identity.post_sign_out_elsewhere
        """,
    "person:profile:read": "identity.show_account identity.show_security",
    "person:profile:write": """
        identity.post_account identity.show_totp_setup identity.post_totp_setup
        identity.show_passkey_setup identity.post_passkey_setup identity.post_recovery_codes
        identity.post_factor_name identity.post_factor_removal
        identity.show_password_change identity.post_password_change
        identity.show_email identity.post_email_change identity.post_confirmation_again
        """,
    "person:notice:read": "notifications.show_messages",
    "person:notice:write": """
        notifications.post_message_open notifications.post_all_messages_read
        """,
    "person:availability:read": """
        scheduling.show_hours scheduling.show_hours_zone scheduling.list_hours_calendar
        """,
    "person:availability:write": """
        scheduling.post_hours scheduling.post_hours_zone scheduling.post_habits
        scheduling.post_opening scheduling.post_opening_change scheduling.post_opening_removal
        scheduling.post_exception_days scheduling.post_exception_days_change
        scheduling.post_exception_days_removal
        scheduling.post_busy_feed scheduling.post_busy_feed_removal
        scheduling.post_qualification scheduling.post_qualification_removal
        scheduling.post_interpreter_profile
        """,
    "patient:case:create": "cases.show_new_request cases.post_new_request",
    "case:case:read": """
        portal.show_case scheduling.show_booking scheduling.download_meeting_calendar
        """,
    "case:case:write": """
        cases.show_request_step cases.post_request_step cases.show_consents_step
        cases.post_consents_step cases.show_review_step cases.post_case_submission
        portal.show_records_step portal.post_records_sent
        """,
    "case:case:withdraw": "portal.post_case_withdrawal portal.post_case_closing",
    "case:record:read": """
        records.show_records records.show_record records.serve_record_content
        records.download_record records.post_access_reason
        records.search_imaging_studies records.search_imaging_series
        records.search_imaging_instances records.show_imaging_metadata
        records.retrieve_imaging_instances records.retrieve_imaging_frames
        records.render_imaging_instance records.show_imaging_thumbnail
        records.show_reading_room records.post_pointer records.show_pointer
        records.post_pointer_removal
        consults.serve_recording_video consults.serve_recording_captions
        """,
    "case:record:write": """
        records.post_upload records.show_upload_offset records.patch_upload records.delete_upload
        records.post_method_override records.post_records_form records.post_record_removal
        """,
    "case:slot:read": "scheduling.show_times scheduling.list_slots",
    "case:booking:write": """
        scheduling.post_hold scheduling.show_hold_confirmation scheduling.post_hold_confirmation
        scheduling.post_hold_release scheduling.show_move_times scheduling.post_booking_move
        scheduling.post_booking_cancellation scheduling.post_series_cancellation
        scheduling.show_brief_preference scheduling.post_brief_preference
        """,
    "case:opinion:read": """
        opinions.show_opinion opinions.show_opinion_pdf_state opinions.download_opinion_pdf
        """,
    "specialist:opinion:write": "opinions.show_opinion_editor opinions.post_opinion_draft",
    "specialist:opinion:sign": """
        opinions.show_opinion_confirmation opinions.post_opinion_signature
        opinions.post_opinion_addendum
        """,
    "interpreter:engagement:read": """
        scheduling.show_statement scheduling.download_statement
        scheduling.show_interpreter_profile
        """,
    "interpreter:engagement:write": """
        scheduling.show_engagements scheduling.show_engagement
        scheduling.post_engagement_acceptance scheduling.post_engagement_decline
        scheduling.show_interpreter_brief scheduling.post_renderings
        """,
    "consult:seat:join": """
        consults.open_consult_of_booking consults.show_connection_check consults.show_consult
        consults.show_consult_aftermath
        """,
    "consult:media:signal": "consults.post_recording_decision",
    "consult:invitation:write": """
        consults.show_guests consults.post_guest_invitation consults.post_guest_revocation
        """,
    "consult:timeline:read": "consults.download_consult_timeline",
    "office:case:triage": """
        portal.post_triage_start portal.post_record_request portal.post_case_acceptance
        portal.post_case_decline portal.post_file_opening
        """,
    "office:case:assign": """
        portal.post_case_assignment portal.post_case_share portal.post_case_share_end
        """,
    "admin:settings:write": """
        portal.show_institution portal.post_institution portal.show_new_office
        portal.post_new_office portal.show_office portal.post_office
        """,
    "office:people:read": "portal.show_people portal.show_person",
    "admin:people:write": """
        portal.show_invitation_form portal.post_invitation
        portal.show_import_form portal.post_import portal.post_role
        portal.post_role_end portal.post_sign_ins_end
        portal.post_deactivation portal.post_activation
        portal.post_factor_reset portal.post_person_details
        """,
    "office:worklist:read": "portal.show_worklist",
    "office:booking:override": """
        scheduling.post_ask_another scheduling.post_board_move scheduling.post_booking_delay
        scheduling.post_booking_language scheduling.post_booking_specialist
        scheduling.post_clock_change_seen scheduling.post_no_show
        scheduling.show_series_plan scheduling.post_series
        consults.show_callable_interpreters consults.post_interpreter_call
        """,
    "office:record:decide": "records.show_imaging_identities records.post_identity_decision",
    "office:board:read": "scheduling.show_board scheduling.list_board_meetings",
    "office:opinion:release": "opinions.post_opinion_release",
    "audit:entry:read": "portal.show_audit_trail",
}

# permission: the events of a consult that ask for it
EVENTS = {
    "consult:seat:join": """
        connect disconnect seat.take seat.enter seat.here seat.leave check.offer check.done
        """,
    "consult:seat:admit": "seat.admit seat.send_back seat.remove",
    "consult:consult:end": "consult.end",
    "consult:media:signal": """
        media.offer media.devices media.prefer mode.set listen.set signal.raise
        recording.ask recording.answer recording.stop recording.decide
        """,
    "consult:channel:write": """
        channel.take handover.offer handover.accept caption.say
        """,
    "consult:chat:write": "chat.say chat.since teach.said teach.list",
    "specialist:teachback:write": "teach.ask teach.judge",
}

NOT_ASKED_FOR_YET = {
    "demo:outbox:read",  # the outbox of the demo is public and does not exist outside of it
    "office:case:close",
}

# role: the links in the header of every page
NAVIGATION = {
    "patient": ["/home", "/start"],
    "specialist": ["/home", "/hours"],
    "interpreter": ["/home", "/engagements", "/hours"],
    "coordinator": ["/worklist", "/board", "/people"],
    "referrer": ["/home"],
    "administrator": ["/home", "/people", "/institution", "/audit"],
    "auditor": ["/audit"],
    "guest": [],
}


def by_name(table: dict[str, str]) -> dict[str, str]:
    """{route or event: permission}; each is listed once."""
    named: dict[str, str] = {}
    for permission, names in table.items():
        for name in names.split():
            assert name not in named, f"{name} is listed twice"
            named[name] = permission
    return named


def test_every_role_is_listed_here():
    assert {str(role) for role in Role} == set(ROLES.split())


def test_each_permission_is_held_by_these_roles_and_by_no_other(app: Flask):
    held = {
        str(permission): {
            str(role) for role in Role if Person(role=role, active=True).may(permission)
        }
        for permission in get_roles_by_permission()
    }
    assert held == {permission: set(roles.split()) for permission, roles in HOLDERS.items()}
    declared = {
        str(one)
        for permissions in Permission.__subclasses__()
        if permissions.__module__.startswith("app.")
        for one in permissions
    }
    assert declared == set(HOLDERS)


@pytest.mark.parametrize("role", ROLES.split())
def test_a_deactivated_person_holds_nothing(app: Flask, role: str):
    assert get_roles_by_permission()
    someone = Person(role=role, active=False)
    assert not [permission for permission in get_roles_by_permission() if someone.may(permission)]


def test_each_route_asks_for_this_permission(app: Flask):
    asked = {
        rule.endpoint: str(get_route_permission(app, rule.endpoint))
        for rule in app.url_map.iter_rules()
    }
    assert asked == by_name(ROUTES)
    assert PUBLIC_ACCESS == "public"


def test_each_event_asks_for_this_permission(app: Flask):
    asked = {event.name: str(event.permission) for event in SOCKET_EVENTS}
    assert {event.namespace for event in SOCKET_EVENTS} == {"/consult"}
    assert asked == by_name(EVENTS)


def test_every_permission_guards_something():
    assert set(HOLDERS) == (set(ROUTES) | set(EVENTS) | NOT_ASKED_FOR_YET) - {"public"}
    assert not NOT_ASKED_FOR_YET & (set(ROUTES) | set(EVENTS))


@pytest.mark.parametrize("role", ROLES.split())
def test_each_role_sees_these_links_and_may_open_them(app: Flask, person, role: str):
    visitor = Visitor(app, person(Role(role)))
    page = html.fromstring(visitor.get("/how-it-works").text)
    links = page.xpath("//header//nav//a/@href")
    assert links == NAVIGATION[role]
    for address in links:
        assert visitor.get(address).status_code == 200, address
