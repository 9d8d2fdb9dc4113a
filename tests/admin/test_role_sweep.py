"""Every admin address of ours, opened by every role (S14). A new address needs a row here."""

import pytest
from django.contrib.auth import get_user_model
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from wagtail_engagement.models import (
    ImportBatch,
    ImportRow,
    Merge,
    NamedLink,
    Participant,
    RightsRequest,
    Team,
)

from .conftest import ROLES

pytestmark = pytest.mark.django_db
User = get_user_model()

EVERYBODY_OF_OURS = {"lead", "analyst", "steward", "all_in_one", "superuser"}
READERS = {"lead", "analyst", "all_in_one", "superuser"}
LEADS = {"lead", "all_in_one", "superuser"}
STEWARDS = {"steward", "all_in_one", "superuser"}
TOPICS = LEADS | STEWARDS
CONTACT = {"lead", "steward", "all_in_one", "superuser"}

EDITOR = "wagtailsnippets_wagtail_engagement_invitation"
INVITATIONS = {
    "new": LEADS,
    "invite": LEADS,
    "counts": LEADS,
    "audience": LEADS,
    "ask_why": LEADS,
    "why": LEADS,
    "why_person": LEADS,
    "test": LEADS,
    "send": LEADS,
    "progress": READERS,
    "numbers": READERS,
    "people": READERS,
    "pause": LEADS,
    "resume": LEADS,
    "stop": LEADS,
    "follow_up": LEADS,
    "remind": LEADS,
    "plan_reminder": LEADS,
    "decide": LEADS,
    "ask": LEADS,
    "take_back": LEADS,
    "calendar": READERS,
}
TEAMS = ["index", "index_results", "add", "edit", "delete", "members", "history"]
TEAMS += ["history_results"]
IN_EDITOR = {
    "list": READERS,
    "list_results": READERS,
    "add": LEADS,
    "edit": LEADS,
    "delete": LEADS,
    "history": LEADS,
    "history_results": LEADS,
    "preview_on_add": LEADS,
    "preview_on_edit": LEADS,
    "usage": LEADS,
}
IMPORTS = ["index", "index_results", "upload", "compare", "compare_counts", "bring", "show"]
IMPORTS += ["columns", "same", "words", "origin", "park", "check", "numbers", "start", "undo"]
IMPORTS += ["review", "decide", "report", "sheets", "discard"]
REQUESTS = ["index", "index_results", "ask", "handle", "letter", "close", "copy", "erase"]
PERMITTED = {
    "wagtail_engagement_overview": EVERYBODY_OF_OURS,
    "wagtail_engagement_pack": CONTACT,
    "wagtail_engagement_pack_print": CONTACT,
    "wagtail_engagement_notified": READERS,
    "wagtail_engagement_notified_export": LEADS,
    "wagtail_engagement_enter": LEADS,
    "wagtail_engagement_routes": READERS,
    "wagtail_engagement_route_name": LEADS,
    "wagtail_engagement_route_remove": LEADS,
    "wagtail_engagement_responses:index": READERS,
    "wagtail_engagement_responses:index_results": READERS,
    "wagtail_engagement_responses:held": LEADS,
    "wagtail_engagement_responses:of_consultation": READERS,
    "wagtail_engagement_responses:of_consultation_results": READERS,
    "wagtail_engagement_responses:export": READERS,
    "wagtail_engagement_responses:read": READERS,
    "wagtail_engagement_responses:release": LEADS,
    "wagtail_engagement_responses:reject": LEADS,
    "wagtail_engagement_participants:index": EVERYBODY_OF_OURS,
    "wagtail_engagement_participants:index_results": EVERYBODY_OF_OURS,
    "wagtail_engagement_participants:inspect": EVERYBODY_OF_OURS,
    "wagtail_engagement_participants:export": CONTACT,
    "wagtail_engagement_participants:merge": STEWARDS,
    "wagtail_engagement_participants:unmerge": STEWARDS,
    "wagtail_engagement_participants:find_other": STEWARDS,
    "wagtail_engagement_participants:add_note": CONTACT,
    "wagtail_engagement_participants:delete_note": CONTACT,
    "wagtail_engagement_participants:use_name": CONTACT,
    "wagtail_engagement_duplicates:index": STEWARDS,
    "wagtail_engagement_duplicates:index_results": STEWARDS,
    "wagtail_engagement_areas:index": STEWARDS,
    "wagtail_engagement_areas:index_results": STEWARDS,
    "wagtail_engagement_areas:load": STEWARDS,
    "wagtail_engagement_waiting:index": CONTACT,
    "wagtail_engagement_waiting:index_results": CONTACT,
    "wagtail_engagement_interests:index": EVERYBODY_OF_OURS,
    "wagtail_engagement_interests:index_results": EVERYBODY_OF_OURS,
    "wagtail_engagement_interests:add": TOPICS,
    "wagtail_engagement_interests:edit": TOPICS,
    "wagtail_engagement_interests:merge": TOPICS,
    "wagtail_engagement_interests:unused": TOPICS,
    "wagtail_engagement_interests:retire": TOPICS,
    "wagtail_engagement_interests:history": TOPICS,
    "wagtail_engagement_interests:history_results": TOPICS,
    "wagtail_engagement_wordings:index": LEADS,
    "wagtail_engagement_wordings:index_results": LEADS,
    "wagtail_engagement_wordings:add": LEADS,
    "wagtail_engagement_wordings:inspect": LEADS,
    **{f"wagtail_engagement_requests:{name}": STEWARDS for name in REQUESTS},
    "wagtail_engagement_do_not_contact:index": STEWARDS,
    "wagtail_engagement_do_not_contact:index_results": STEWARDS,
    "wagtail_engagement_do_not_contact:add": STEWARDS,
    "wagtail_engagement_do_not_contact:lift": STEWARDS,
    **{f"wagtail_engagement_imports:{name}": STEWARDS for name in IMPORTS},
    "wagtail_engagement_belongings": LEADS,
    "wagtail_engagement_belongings_of": LEADS,
    "wagtail_engagement_belongings_of_nobody": LEADS,
    **{f"wagtail_engagement_teams:{name}": LEADS for name in TEAMS},
    "wagtail_engagement_deliveries:index": EVERYBODY_OF_OURS,
    "wagtail_engagement_deliveries:index_results": EVERYBODY_OF_OURS,
}
PERMITTED |= {f"engagement_invitations:{name}": roles for name, roles in INVITATIONS.items()}
PERMITTED |= {f"{EDITOR}:{name}": roles for name, roles in IN_EDITOR.items()}
BY_POST = [
    "wagtail_engagement_route_name",
    "wagtail_engagement_route_remove",
    *(
        f"wagtail_engagement_participants:{name}"
        for name in ("unmerge", "find_other", "add_note", "delete_note", "use_name")
    ),
    "wagtail_engagement_interests:retire",
    *(f"wagtail_engagement_requests:{name}" for name in ("letter", "close", "copy", "erase")),
    *(
        f"wagtail_engagement_imports:{name}"
        for name in (
            "compare_counts",
            "same",
            "park",
            "check",
            "start",
            "undo",
            "decide",
            "discard",
        )
    ),
    *(f"wagtail_engagement_responses:{name}" for name in ("release", "reject")),
    *(
        f"engagement_invitations:{name}"
        for name in (
            "counts",
            "ask_why",
            "test",
            "send",
            "pause",
            "resume",
            "stop",
            "follow_up",
        )
    ),
    *(
        f"engagement_invitations:{name}"
        for name in ("remind", "plan_reminder", "decide", "ask", "take_back")
    ),
]
# Addresses about one consultation: those of other people's pages open for nobody below superuser.
SCOPED = [name for name in PERMITTED if name.startswith("wagtail_engagement_responses:")][3:]
SCOPED += [name for name in PERMITTED if name.startswith("wagtail_engagement_route")]
SCOPED += ["wagtail_engagement_enter"]


def our_admin_addresses():
    """The name of every address of the package under the admin, and what it is built from."""

    def walk(patterns, namespace=""):
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
                yield from walk(pattern.url_patterns, inner)
            elif "engagement" in f"{namespace}{pattern.name}":
                yield f"{namespace}{pattern.name}", list(pattern.pattern.converters)

    admin = [p for p in get_resolver().url_patterns if str(p.pattern) == "admin/"]
    return dict(walk(admin))


def another(council):
    """Somebody who may be the council's person."""
    facts = {"address_key": "ann+other@example.com", "email": "ann+other@example.com"}
    return Participant.objects.get_or_create(**facts)[0]


def merge_of(council):
    """A merge that was taken back, so that doing it again changes nothing."""
    facts = {"kept": council.person, "merged": another(council)}
    return Merge.objects.get_or_create(**facts, defaults={"undone_at": timezone.now()})[0]


def link_of(page):
    """A link of a consultation, made anew after it was taken away."""
    return NamedLink.objects.get_or_create(consultation=page.consultation, name="Poster")[0].pk


def row_of_a_sheet():
    batch = ImportBatch.objects.get_or_create(filename="list.csv")[0]
    return ImportRow.objects.get_or_create(batch=batch, number=1, outcome="review")[0]


def address(name, council, page):
    """The address with the numbers of the council's rows."""
    response = page.consultation.responses.get()
    numbers = {
        "wagtail_engagement_responses": response.pk,
        "wagtail_engagement_participants": council.person.pk,
        "wagtail_engagement_interests": council.interest.pk,
        "wagtail_engagement_wordings": council.wording.pk,
        "wagtail_engagement_route_remove": link_of(page),
        "wagtail_engagement_do_not_contact": council.suppression.pk,
        "wagtail_engagement_imports": row_of_a_sheet().batch_id,
        "wagtail_engagement_requests": RightsRequest.objects.get_or_create(
            participant=council.person
        )[0].pk,
        "wagtail_engagement_teams": Team.objects.get_or_create(name="Parks")[0].pk,
        "wagtail_engagement_belongings_of": User.objects.get_or_create(username="somebody")[0].pk,
        "engagement_invitations": council.invitation.pk,
        EDITOR: council.invitation.pk,
    }
    known = {
        "other": another(council).pk,
        "person_id": council.person.pk,
        "person_pk": council.person.pk,
        "merge_id": merge_of(council).pk,
        "row_pk": row_of_a_sheet().pk,
        "note_id": 1,
        "name_id": 1,
        "pk": numbers.get(name.partition(":")[0]),
        "consultation_id": page.consultation.pk,
        "consultation_pk": page.consultation.pk,
        "group": "sent",
    }
    return reverse(name, kwargs={key: known[key] for key in our_admin_addresses()[name]})


def opens(client, name, url):
    """Whether the address does something for this client; refusals never are errors."""
    answer = client.post(url) if name in BY_POST else client.get(url)
    assert answer.status_code < 500
    refused = answer.status_code in (403, 404) or (
        answer.status_code == 302 and (answer.url == "/admin/" or "/login/" in answer.url)
    )
    return not refused


def test_every_admin_address_of_ours_has_a_row():
    assert sorted(our_admin_addresses()) == sorted(PERMITTED)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_opens_its_own_addresses_and_no_other(role, login, full_council):
    client = login(role)
    opened = {
        name
        for name in PERMITTED
        if opens(client, name, address(name, full_council, full_council.own))
    }
    assert opened == {name for name, roles in PERMITTED.items() if role in roles}


@pytest.mark.parametrize("role", [role for role in ROLES if role != "superuser"])
def test_no_role_opens_the_answers_of_pages_that_it_may_not_edit(role, login, full_council):
    client = login(role)
    opened = [
        name
        for name in SCOPED
        if opens(client, name, address(name, full_council, full_council.foreign))
    ]
    assert opened == []
