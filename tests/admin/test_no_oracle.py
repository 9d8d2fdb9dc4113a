"""Without the permission to see addresses, nothing tells whether one is registered (S16)."""

import re

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from tests import factories
from wagtail_engagement.models import Participant

pytestmark = pytest.mark.django_db
ASKED = "bob.canary@example.com"
# As it is shown, this one is the same.
ANOTHER = "bxx.zzzzzz@example.com"

LISTINGS = [
    "wagtail_engagement_participants:index",
    "wagtail_engagement_participants:index_results",
    "wagtail_engagement_waiting:index",
    "wagtail_engagement_deliveries:index",
    "wagtail_engagement_deliveries:index_results",
    "wagtail_engagement_do_not_contact:index",
    "wagtail_engagement_responses:index",
    "wagtailsnippets_wagtail_engagement_invitation:list",
    "wagtail_engagement_participants:export",
]
QUESTIONS = [
    {"q": ASKED},
    {"q": "Bob"},
    {"ordering": "email"},
    {"ordering": "-name"},
    {"ordering": "address_key"},
    {"email": ASKED, "name": "Bob", "address_key": ASKED},
    {"email__startswith": "bob", "participant__email": ASKED},
    {"search": ASKED, "joined_at": ASKED, "joined_at_from": ASKED, "interest": ASKED},
    {"q": ASKED, "export": "csv"},
    {"q": ASKED, "invitations": "granted", "p": "2"},
]


@pytest.fixture
def masked(db, django_user_model):
    """Somebody with every permission of ours but the one to see addresses."""
    user = django_user_model.objects.create(username="masked")
    ours = Permission.objects.filter(content_type__app_label="wagtail_engagement")
    user.user_permissions.set(ours.exclude(codename="view_participant_pii"))
    user.user_permissions.add(Permission.objects.get(codename="access_admin"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def bob(db):
    """One of three people, who sort differently under the other address and name."""
    for name in ("bmm", "bnn"):
        factories.ParticipantFactory(email=f"{name}@example.com", name=f"B{name}")
    person = factories.ParticipantFactory(email=ASKED, name="Bob Canary", agreed=True)
    factories.DeliveryFactory(participant=person, accepted=True)
    return person


def rename(person):
    changed = {"email": ANOTHER, "address_key": ANOTHER, "name": "Zoe Other"}
    Participant.objects.filter(pk=person.pk).update(**changed)


def page(client, url):
    """The answer, without the token that differs each time."""
    answer = client.get(url)
    told = re.sub(r"\b(?=[a-z0-9]*[A-Z])[A-Za-z0-9]{64}\b", "csrf", answer.getvalue().decode())
    return answer.status_code, answer.headers.get("Location"), told


def addresses_of(screen):
    """Where a screen, or a bulk action on everybody, is asked each of the questions."""
    if ":" in screen:
        return [reverse(screen, query=query) for query in QUESTIONS]
    names = ("wagtail_engagement", "participant", screen)
    return [
        reverse("wagtail_bulk_action", args=names, query={**query, "id": "all"})
        for query in QUESTIONS
    ]


@pytest.mark.parametrize("screen", [*LISTINGS, "tag", "untag", "stop"])
def test_a_page_is_the_same_whether_an_address_is_registered_or_not(screen, masked, bob):
    before = [page(masked, url) for url in addresses_of(screen)]
    rename(bob)
    assert [page(masked, url) for url in addresses_of(screen)] == before


def test_the_comparison_sees_what_somebody_with_the_permission_sees(masked, bob, django_user_model):
    user = django_user_model.objects.get(username="masked")
    user.user_permissions.add(Permission.objects.get(codename="view_participant_pii"))
    url = reverse(LISTINGS[0], query={"q": ASKED})
    before = page(masked, url)
    rename(bob)
    assert page(masked, url) != before
