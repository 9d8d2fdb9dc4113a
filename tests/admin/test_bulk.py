"""Bulk actions on participants: what was shown is what is acted on, and by whom."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests import factories
from wagtail_engagement import addresses
from wagtail_engagement.consent import settling
from wagtail_engagement.models import (
    ContactPermission,
    Participant,
    ParticipantInterest,
    Suppression,
)
from wagtail_engagement.participants import bulk

pytestmark = pytest.mark.django_db
PEOPLE = "/admin/engagement/participants/"


def url_of(action, **query):
    names = ("wagtail_engagement", "participant", action)
    return reverse("wagtail_bulk_action", args=names, query=query)


def join(number, **values):
    rows = [
        Participant(email=f"p{n}@example.com", address_key=f"p{n}@example.com", **values)
        for n in range(number)
    ]
    return Participant.objects.bulk_create(rows)


def shown_by(client, url):
    """What the confirmation would post, besides what is typed."""
    return {"shown": client.get(url).context["form"]["shown"].value()}


def confirm(client, url, **typed):
    return client.post(url, {**shown_by(client, url), **typed}, follow=True)


@pytest.fixture
def parks(db):
    return factories.InterestFactory(name="Parks")


@pytest.fixture
def steward(login, council):
    return login("steward")


def tagged_with(interest):
    links = ParticipantInterest.objects.filter(interest=interest, removed_at=None)
    return set(links.values_list("participant", flat=True))


def test_ticked_people_get_an_interest_and_nobody_else_does(steward, parks):
    first, second, _third = join(3)
    answer = confirm(steward, url_of("tag", id=[first.pk, second.pk]), interests=[parks.pk])
    assert "2 interests added." in answer.text
    assert tagged_with(parks) == {first.pk, second.pk}
    assert set(ParticipantInterest.objects.values_list("origin", flat=True)) == {"staff"}


@pytest.mark.parametrize(
    ("query", "number"),
    [({"joined_at_from": "2999-01-01"}, 0), ({"q": "Ola"}, 60), ({"invitations": "granted"}, 0)],
)
def test_everybody_means_those_whom_the_listing_shows(query, number, steward):
    join(60, name="Olav")
    shown = steward.get(PEOPLE, query).context["items_count"]
    assert steward.get(url_of("tag", id="all", **query)).context["number"] == shown == number


def test_who_joins_after_the_confirmation_was_shown_is_left_alone(steward, parks):
    old = {person.pk for person in Participant.objects.all()} | {p.pk for p in join(60)}
    url = url_of("tag", id="all")
    shown = shown_by(steward, url)
    factories.ParticipantFactory()
    steward.post(url, {**shown, "interests": [parks.pk]})
    assert tagged_with(parks) == old


def test_a_selection_that_changed_is_shown_again_with_what_was_typed(steward, parks):
    people = join(3, name="Olav")
    url = url_of("tag", id="all", q="Olav")
    shown = shown_by(steward, url)
    Participant.objects.filter(pk=people[0].pk).update(name="Ada")
    Participant.objects.filter(email__startswith="ann").update(name="Olava")
    again = steward.post(url, {**shown, "interests": [parks.pk]})
    assert "The selection has changed" in again.text
    assert not ParticipantInterest.objects.exists()
    form = again.context["form"]
    steward.post(url, {"shown": form["shown"].value(), "interests": form["interests"].value()})
    assert len(tagged_with(parks)) == 3


@pytest.mark.parametrize("shown", ["", "x-y", "9" * 40 + "-x", "-1-x", "0-"])
def test_a_selection_that_was_never_shown_is_not_acted_on(shown, steward, parks):
    answer = steward.post(url_of("tag", id="all"), {"shown": shown, "interests": [parks.pk]})
    assert "Look at it again" in answer.text
    assert not ParticipantInterest.objects.exists()


def test_what_a_person_took_away_is_not_brought_back(steward, parks):
    link = factories.ParticipantInterestFactory(interest=parks, removed=True)
    confirm(steward, url_of("tag", id=link.participant_id), interests=[parks.pk])
    link.refresh_from_db()
    assert link.removed_at and link.origin == "declared"


def test_what_people_chose_themselves_stays_when_interests_are_removed(steward, parks):
    chosen = factories.ParticipantInterestFactory(interest=parks)
    for origin in ("staff", "inferred", "imported"):
        factories.ParticipantInterestFactory(interest=parks, origin=origin)
    answer = confirm(steward, url_of("untag", id="all"), interests=[parks.pk])
    assert "3 interests removed." in answer.text
    assert list(ParticipantInterest.objects.all()) == [chosen]


def test_nobody_on_do_not_contact_gets_mail_of_any_kind(steward):
    person = factories.ParticipantFactory(agreed=True)
    confirm(steward, url_of("stop", id=person.pk), source="letter of 3 May")
    bar = Suppression.objects.get()
    assert bar.fingerprint in addresses.fingerprints(person.email)
    assert (bar.purpose, bar.reason, bar.source) == (None, "manual", "letter of 3 May")
    settling.settle([person.pk], at=timezone.now())
    assert ContactPermission.objects.get(participant=person).reason == "stopped"


def test_a_stronger_reason_not_to_write_stays(steward):
    person = factories.ParticipantFactory()
    factories.SuppressionFactory(address=person.email, reason="complained")
    confirm(steward, url_of("stop", id=person.pk))
    assert Suppression.objects.get().reason == "complained"


@pytest.mark.parametrize("action", ["tag", "untag"])
def test_an_interest_has_to_be_chosen(action, steward):
    answer = confirm(steward, url_of(action, id="all"))
    assert "Choose at least one interest." in answer.text


def test_the_confirmation_names_five_and_counts_the_rest(steward):
    join(60)
    page = steward.get(url_of("stop", id="all")).text
    assert "61 people are selected." in page
    assert page.count("@example.com") == 5
    assert "and 56 others" in page


@pytest.mark.parametrize("asked", [["abc"], ["9" * 30], [], ["-1"]])
def test_a_selection_of_nobody_says_what_to_do(asked, steward):
    assert "Nobody is selected. Go back" in steward.get(url_of("tag", id=asked)).text


def test_too_many_people_at_a_time_are_left_alone(steward, parks, monkeypatch):
    monkeypatch.setattr(bulk, "MOST", 2)
    join(2)
    url = url_of("tag", id="all")
    page = steward.get(url)
    assert "for up to 2 people at a time. Go back and filter the list." in page.text
    mark = bulk.Selection.of(Participant.objects.all()).mark
    steward.post(url, {"shown": mark, "interests": [parks.pk]})
    assert not ParticipantInterest.objects.exists()


@pytest.mark.parametrize(
    ("action", "told"), [("tag", "Nothing was added"), ("untag", "Nothing was removed")]
)
def test_an_action_that_changes_nothing_says_why(action, told, steward, parks):
    person = factories.ParticipantFactory(interests=[parks])
    assert told in confirm(steward, url_of(action, id=person.pk), interests=[parks.pk]).text


PERMITTED = {
    "lead": {"tag", "untag"},
    "analyst": set(),
    "steward": {"tag", "untag", "stop"},
    "all_in_one": {"tag", "untag", "stop"},
    "editor": set(),
    "plain": set(),
    "anonymous": set(),
}


@pytest.mark.parametrize("role", PERMITTED)
def test_a_role_is_offered_and_may_do_its_own_actions_alone(role, login, council):
    client = login(role)
    names = [action.action_type for action in bulk.ACTIONS]
    opened = {name for name in names if client.get(url_of(name, id="all")).status_code == 200}
    listing = client.get(PEOPLE).text
    offered = {name for name in names if url_of(name) in listing}
    assert opened == offered == PERMITTED[role]
    assert ("data-bulk-action-checkbox" in listing) == bool(offered)


def test_a_post_without_the_permission_does_nothing(login, council):
    login("lead").post(url_of("stop", id="all"), {"shown": "", "source": ""})
    assert not Suppression.objects.exists()


@pytest.mark.parametrize("action", ["tag", "untag", "stop"])
def test_an_action_is_logged_with_counts_and_no_address(action, steward, parks):
    join(3, name="Olav Canary")
    confirm(steward, url_of(action, id="all", q="Olav"), interests=[parks.pk], source="a call")
    named = f"wagtail_engagement.participants_{ {'stop': 'stopped'}.get(action, action + 'ged') }"
    entry = ModelLogEntry.objects.get(action=named)
    assert entry.data["people"] == 3
    assert "example.com" not in f"{entry.label}{entry.data}"
    assert "canary" not in f"{entry.label}{entry.data}".lower()


@pytest.mark.parametrize("action", ["tag", "untag", "stop"])
def test_an_action_costs_the_same_statements_for_2_and_for_60_people(action, steward, parks):
    counts = []
    for number in (2, 60):
        url = url_of(action, id=[person.pk for person in join(number, name="Olav")])
        shown = shown_by(steward, url)
        with CaptureQueriesContext(connection) as made:
            steward.post(url, {**shown, "interests": [parks.pk], "source": ""})
        Suppression.objects.all().delete()
        Participant.objects.filter(name="Olav").delete()
        counts.append(len(made))
    assert counts[0] == counts[1]
