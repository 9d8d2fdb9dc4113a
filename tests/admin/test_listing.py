"""The listing of participants: whoever is asked for, in one order, found without looking at all."""

import random

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from wagtail_engagement.models import ContactPermission, Participant
from wagtail_engagement.participants import merging
from wagtail_engagement.participants.listing import ParticipantFilterSet

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/engagement/participants/"
REASONS = ["", *ContactPermission.Reason.values]
# Tables of people, with their topics; Django names both of them so.
OF_PEOPLE = ('FROM "wagtail_engagement_participant', 'FROM "wagtail_engagement_contactpermission')


@pytest.fixture
def topic(db):
    return factories.InterestFactory()


@pytest.fixture
def register(topic):
    """Forty people of every standing, half of them with the topic; some had it, and two are one."""
    chance, people = random.Random(1), []
    for _ in range(40):
        person = factories.ParticipantFactory()
        reason = chance.choice([*ContactPermission.Reason.values, "granted", ""])
        if reason:
            factories.ContactPermissionFactory(
                participant=person, may_write=reason == "granted", reason=reason
            )
        if chance.random() < 0.6:
            factories.ParticipantInterestFactory(
                participant=person, interest=topic, removed=chance.random() < 0.2
            )
        people.append(person)
    both = people[:2]
    for person in both:
        person.interest_links.all().delete()
        factories.ParticipantInterestFactory(participant=person, interest=topic)
    merging.merge(kept=both[0], merged=both[1], actor=None, at=timezone.now())


def wanted(reason, interest):
    """Who has to be shown, by a look at each."""
    found = []
    for person in Participant.objects.filter(merged_into=None).order_by("-pk"):
        permission = person.permissions.filter(purpose="invite").first()
        stands = permission.reason if permission else "never_agreed"
        cares = person.interest_links.filter(interest=interest, removed_at=None).exists()
        if (not reason or reason == stands) and (not interest or cares):
            found.append(person)
    return found


@pytest.mark.parametrize("with_topic", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_whoever_is_asked_for_is_shown_newest_first(login, register, topic, reason, with_topic):
    interest = topic if with_topic else None
    asked = {"invitations": reason, "interest": interest.pk if interest else ""}
    people = wanted(reason, interest)
    client = login("lead")
    shown = client.get(PEOPLE, asked).context
    assert list(shown["object_list"]) == people
    assert shown["paginator"].count == len(people)
    again = client.get(PEOPLE, {**asked, "ordering": "id"}).context["object_list"]
    assert list(again) == people[::-1]


@pytest.mark.parametrize("with_topic", [False, True])
@pytest.mark.parametrize("reason", REASONS)
def test_a_file_or_a_choice_of_everybody_is_of_the_people_shown(
    register, topic, reason, with_topic
):
    asked = {"invitations": reason, "interest": topic.pk if with_topic else ""}
    filters = ParticipantFilterSet(asked, queryset=Participant.objects.current())
    numbers = [number for row in filters.numbers() for number in row.values()]
    assert numbers == list(filters.qs.values_list("pk", flat=True))


def test_pages_follow_one_another_and_none_repeats_anybody(login, topic):
    people = factories.ParticipantFactory.create_batch(120, agreed=True, interests=[topic])
    client, shown = login("lead"), []
    for page in (1, 2, 3):
        asked = {"invitations": "granted", "interest": topic.pk, "p": page}
        shown += client.get(PEOPLE, asked).context["object_list"]
    assert shown == people[::-1]


@pytest.mark.parametrize("people", [1, 60])
@pytest.mark.parametrize("asked", [{}, {"invitations": "granted"}, {"interest": 1}])
def test_a_page_and_its_number_take_two_statements(login, topic, people, asked):
    factories.ParticipantFactory.create_batch(people, agreed=True, interests=[topic])
    client = login("lead")
    asked = {name: topic.pk if name == "interest" else value for name, value in asked.items()}
    client.get(PEOPLE, asked)
    with CaptureQueriesContext(connection) as statements:
        client.get(PEOPLE, asked)
    about_people = [q for q in statements if any(table in q["sql"] for table in OF_PEOPLE)]
    assert len(about_people) == 2


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL reads small tables whole")
@pytest.mark.parametrize(
    ("reason", "index"), [("granted", "permission_yes"), ("stopped", "permission_no")]
)
def test_nobody_is_sorted_and_narrow_indexes_tell_who(topic, reason, index):
    asked = {"invitations": reason, "interest": topic.pk}
    plan = ParticipantFilterSet(asked).numbers()[:50].explain()
    assert "engagement_interest_people" in plan and index in plan
    assert "TEMP B-TREE" not in plan
