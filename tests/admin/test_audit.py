"""Every sensitive act of staff leaves an entry, and no entry holds an address (S17)."""

import pytest
from django.urls import reverse
from django.utils import timezone
from wagtail.log_actions import registry
from wagtail.models import ModelLogEntry

from tests.site import DAY
from wagtail_engagement.invitations import queries
from wagtail_engagement.models import ConsultationResponse, Delivery, Invitation

from .conftest import ADDRESS

pytestmark = pytest.mark.django_db
PEOPLE = "wagtail_engagement_participants"
ANSWERS = "wagtail_engagement_responses"
STOP_LIST = "wagtail_engagement_do_not_contact"
WORDINGS = "wagtail_engagement_wordings"
TOPICS = "wagtail_engagement_interests"
INVITATIONS = "engagement_invitations"
TYPED_WORDING = {
    "purpose": "invite",
    "language": "en",
    "basis": "consent",
    "label": "Write to me",
    "hint": "",
}
TYPED_TOPIC = {"name": "Trees", "description": ""}

# What somebody does, what they send with it, and what is true before.
ACTS = [
    ("participant_viewed", "get", f"{PEOPLE}:inspect", {}, {}),
    ("participant_viewed", "get", f"{INVITATIONS}:why", {}, {}),
    ("participants_searched", "get", f"{PEOPLE}:index", {"q": ADDRESS}, {}),
    ("participants_searched", "post", f"{INVITATIONS}:ask_why", {"address": ADDRESS}, {}),
    ("participants_searched", "get", f"{PEOPLE}:index_results", {"q": "Ann"}, {}),
    ("participants_exported", "post", f"{PEOPLE}:export", {"purpose": "Post", "kind": "csv"}, {}),
    ("invitation_people_viewed", "get", f"{INVITATIONS}:people", {}, {}),
    ("invitation_people_viewed", "get", f"{INVITATIONS}:audience", {"why": "recent"}, {}),
    ("response_viewed", "get", f"{ANSWERS}:read", {}, {}),
    ("responses_exported", "get", f"{ANSWERS}:export", {}, {}),
    ("response_released", "post", f"{ANSWERS}:release", {}, {}),
    ("response_rejected", "post", f"{ANSWERS}:reject", {}, {}),
    ("suppression_added", "post", f"{STOP_LIST}:add", {"address": ADDRESS, "source": "letter"}, {}),
    ("suppression_lifted", "post", f"{STOP_LIST}:lift", {}, {}),
    ("wagtail.create", "post", f"{WORDINGS}:add", TYPED_WORDING, {}),
    ("wagtail.create", "post", f"{TOPICS}:add", TYPED_TOPIC, {}),
    ("wagtail.edit", "post", f"{TOPICS}:edit", TYPED_TOPIC, {}),
    ("invitation_started", "post", f"{INVITATIONS}:send", {"shown_count": 1}, {}),
    ("invitation_paused", "post", f"{INVITATIONS}:pause", {}, {"status": "sending"}),
    ("invitation_resumed", "post", f"{INVITATIONS}:resume", {}, {"status": "paused"}),
    ("invitation_stopped", "post", f"{INVITATIONS}:stop", {}, {"status": "sending"}),
    (
        "invitation_reminder_planned",
        "post",
        f"{INVITATIONS}:plan_reminder",
        {"remind_days": 3},
        {"status": "sending"},
    ),
    (
        "invitation_reminder_called_off",
        "post",
        f"{INVITATIONS}:plan_reminder",
        {},
        {"status": "sending"},
    ),
    (
        "invitation_doubt_left",
        "post",
        f"{INVITATIONS}:decide",
        {"what": "leave", "all": "on"},
        {"status": "sending"},
    ),
    (
        "invitation_doubt_sent_again",
        "post",
        f"{INVITATIONS}:decide",
        {"what": "again", "all": "on"},
        {"status": "sending"},
    ),
    ("invitation_tested", "post", f"{INVITATIONS}:test", {}, {}),
    ("wagtail.create", "post", f"{INVITATIONS}:follow_up", {}, {"status": "stopped"}),
    ("invitation_ask_taken_back", "post", f"{INVITATIONS}:take_back", {}, {}),
]
# On people, topics and areas: tests/participants/test_{merging,notes,interest_life,areas}.py.
ON_PEOPLE = {
    "areas_loaded",
    "interest_retired",
    "interests_merged",
    "merge_undone",
    "name_chosen",
    "note_added",
    "note_deleted",
    "participants_kept_apart",
    "participants_merged",
}
# On requests: tests/rights/test_requests.py.
ON_REQUESTS = {f"request_{done}" for done in ("opened", "viewed", "closed")}
ON_REQUESTS |= {"participant_copied", "participant_erased"}
# On people who were ticked: tests/admin/test_bulk.py.
IN_BULK = {f"participants_{done}" for done in ("tagged", "untagged", "stopped")}
# On sheets: tests/imports/test_wizard.py.
ON_SHEETS = {f"import_{done}" for done in ("received", "parked", "started", "undone", "discarded")}
ON_SHEETS |= {"import_row_decided", "import_rows_viewed", "import_report_downloaded"}
ON_SHEETS |= {"lists_compared"}
# On drafts for which a second person is asked: tests/invitations/test_approval.py.
ON_DRAFTS = {"invitation_asked"}
# On links that are passed on: tests/admin/test_routes_screen.py.
ON_LINKS = {"link_named", "link_removed"}
# On answers that staff type in: tests/admin/test_entering.py.
ON_PAPER = {"response_entered"}
# On teams and leavers: tests/invitations/test_teams.py, tests/insight/test_belongings.py.
ON_COLLEAGUES = {"team_joined", "team_left", "work_given"}
# By somebody about themselves: tests/participants/test_moving.py.
BY_THE_PERSON = {"address_changed"}
# On organisations that must be notified: tests/insight/test_notified.py.
ON_NOTICES = {"notified_viewed", "notified_exported"}
# By the worker: tests/invitations/test_planning.py.
BY_WORKER = {"invitation_reminder_failed"}
# By commands: tests/seal.
BY_COMMAND = {"database_adopted", "database_reconciled"}


def full_name(action):
    return action if "." in action else f"wagtail_engagement.{action}"


def numbers_for(screen, council):
    """The numbers in a screen's address."""
    part, name = screen.split(":")
    if name in ("add", "index", "index_results") or screen == f"{PEOPLE}:export":
        return []
    rows = {
        PEOPLE: council.person,
        ANSWERS: council.own.consultation if name == "export" else council.response,
        STOP_LIST: council.suppression,
        TOPICS: council.interest,
        INVITATIONS: council.invitation,
    }
    more = {"people": ["sent"], "why": [council.person.pk]}
    return [rows[part].pk, *more.get(name, [])]


@pytest.fixture
def busy_council(full_council):
    """A council in which each act is possible."""
    ConsultationResponse.objects.update(status="held", held_until=timezone.now() + DAY)
    full_council.response = full_council.own.consultation.responses.get()
    return full_council


@pytest.mark.parametrize(("action", "method", "screen", "sent", "before"), ACTS)
def test_an_act_is_logged_without_an_address(
    action, method, screen, sent, before, login, busy_council, django_user_model
):
    client = login("superuser")
    Invitation.objects.update(**before or {"status": "draft"})
    if action == "invitation_started":
        Delivery.objects.all().delete()
        sent = {**sent, "shown_version": queries.version(busy_council.invitation)}
    if action == "invitation_tested":
        django_user_model.objects.update(email="colleague@example.com")
        sent = {"to": django_user_model.objects.get(username="superuser").pk}
    getattr(client, method)(reverse(screen, args=numbers_for(screen, busy_council)), sent)
    entries = list(ModelLogEntry.objects.filter(action=full_name(action)).values())
    assert len(entries) == 1
    assert "example.com" not in str(entries) and "canary" not in str(entries).lower()


def test_every_act_that_has_a_name_is_in_the_table():
    named = {name for name, _label in registry.get_choices() if "engagement" in name}
    acts = BY_COMMAND | BY_THE_PERSON | IN_BULK | ON_NOTICES | ON_PEOPLE | ON_REQUESTS | ON_SHEETS
    acts |= BY_WORKER | ON_COLLEAGUES | ON_DRAFTS | ON_LINKS | ON_PAPER
    acts |= {action for action, *_more in ACTS if "." not in action}
    assert named == {full_name(action) for action in acts}


def test_a_look_at_masked_people_leaves_no_entry(login, full_council):
    url = reverse(f"{INVITATIONS}:people", args=[full_council.invitation.pk, "sent"])
    assert "a•••••@" in login("analyst").get(url).text
    assert not ModelLogEntry.objects.exists()
