"""What providers report: in any order, twice, or nonsense; it only ever reduces contact."""

import itertools
import json

import pytest
from anymail.signals import AnymailTrackingEvent
from django.utils import timezone

from tests.factories import DeliveryFactory, ParticipantFactory
from wagtail_engagement import addresses
from wagtail_engagement.invitations import tracking
from wagtail_engagement.models import ConsentEvent, ContactPermission, Delivery, Suppression

pytestmark = pytest.mark.django_db


@pytest.fixture
def delivery(db):
    person = ParticipantFactory(agreed=True)
    return DeliveryFactory(participant=person, accepted=True, provider_id="abc")


def event(kind, delivery=None, **more):
    metadata = {"delivery": str(delivery.uuid)} if delivery else {}
    values = {"metadata": metadata, "message_id": None, "recipient": None}
    return AnymailTrackingEvent(event_type=kind, **{**values, "reject_reason": None, **more})


def report(*args, **more):
    tracking.apply(event(*args, **more), at=timezone.now())


def state_of(delivery):
    return Delivery.objects.get(pk=delivery.pk).state


def may_write():
    return ContactPermission.objects.get().may_write


def test_a_complaint_ends_all_mail_to_the_address(delivery):
    report("complained", delivery)
    assert state_of(delivery) == "complained"
    row = Suppression.objects.get()
    assert (row.reason, row.purpose) == ("complained", None)
    assert not may_write()
    assert ConsentEvent.objects.filter(action="withdrawn", channel="provider").count() == 1


def test_a_report_that_comes_twice_changes_nothing_more(delivery):
    for _ in range(2):
        report("complained", delivery)
    assert Suppression.objects.count() == 1
    assert ConsentEvent.objects.filter(action="withdrawn").count() == 1


def test_leaving_at_the_provider_ends_invitations(delivery):
    report("unsubscribed", delivery)
    assert (Suppression.objects.get().purpose, may_write()) == ("invite", False)


@pytest.mark.parametrize(
    ("kind", "reason", "cause"),
    [
        ("bounced", "bounced", "bounced"),
        ("bounced", None, "bounced"),
        ("rejected", "invalid", "bounced"),
        ("rejected", "spam", "complained"),
        ("rejected", "unsubscribed", "unsubscribed"),
        ("bounced", "timed_out", None),
        ("rejected", "blocked", None),
    ],
)
def test_an_address_is_given_up_only_for_what_is_its_own(delivery, kind, reason, cause):
    report(kind, delivery, reject_reason=reason)
    assert state_of(delivery) == "bounced"
    assert list(Suppression.objects.values_list("reason", flat=True)) == ([cause] if cause else [])


@pytest.mark.parametrize("kinds", [*itertools.permutations(["delivered", "bounced", "complained"])])
def test_the_worst_report_stays_whatever_the_order(delivery, kinds):
    for kind in kinds:
        report(kind, delivery)
    assert state_of(delivery) == "complained"
    assert Suppression.objects.get().reason == "complained"


@pytest.mark.parametrize(("kind", "state"), [("sent", "accepted"), ("delivered", "delivered")])
def test_a_report_with_our_id_ends_the_doubt(delivery, kind, state):
    Delivery.objects.update(state="uncertain")
    report(kind, delivery)
    assert state_of(delivery) == state


def test_the_providers_own_id_finds_the_message_too(delivery):
    report("delivered", message_id="abc")
    assert state_of(delivery) == "delivered"


def test_opening_and_following_links_are_not_stored(delivery):
    for kind in ("opened", "clicked", "deferred", "subscribed"):
        report(kind, delivery)
    assert state_of(delivery) == "accepted" and may_write()


def test_a_complaint_of_somebody_unknown_is_kept_as_a_hash_alone():
    report("complained", recipient="Stranger@Example.com")
    assert Suppression.objects.of_address("stranger@example.com").count() == 1


def test_after_a_change_of_address_the_old_one_is_given_up(delivery):
    mark, key_id = addresses.fingerprint("old@example.com")
    Delivery.objects.update(fingerprint=mark, key_id=key_id)
    report("bounced", delivery)
    assert Suppression.objects.of_address("old@example.com").exists()
    assert may_write()


@pytest.mark.parametrize(
    "nonsense",
    [
        {"metadata": {"delivery": "1 OR 1=1"}},
        {"metadata": ["delivery"]},
        {"metadata": None, "message_id": "\x00\ud800"},
        {"recipient": "\x00not an address\ud800"},
        {"reject_reason": object(), "recipient": "x" * 5000},
    ],
)
def test_nonsense_changes_nothing_and_breaks_nothing(delivery, nonsense):
    for kind in ("complained", "bounced", "delivered", "something new", None):
        report(kind, **nonsense)
    assert (state_of(delivery), Suppression.objects.count()) == ("accepted", 0)


def test_a_providers_post_arrives_through_anymail(delivery, client):
    body = {"RecordType": "SpamComplaint", "Metadata": {"delivery": str(delivery.uuid)}}
    posted = {**body, "Email": delivery.participant.email, "BouncedAt": "2026-11-01T10:00:00Z"}
    response = client.post(
        "/anymail/postmark/tracking/",
        json.dumps({**posted, "Type": "SpamComplaint"}),
        content_type="application/json",
        HTTP_AUTHORIZATION="Basic dGVzdDpzZWNyZXQ=",
    )
    assert response.status_code == 200
    assert state_of(delivery) == "complained"
