"""What providers report: in any order, twice, or nonsense; it only ever reduces contact."""

import datetime
import itertools
import json

import pytest
from anymail.signals import AnymailTrackingEvent
from django.utils import timezone

from tests.factories import DAY, DeliveryFactory, ParticipantFactory
from wagtail_engagement import addresses
from wagtail_engagement.invitations import receiving, tracking
from wagtail_engagement.models import (
    ConsentEvent,
    ContactPermission,
    Delivery,
    Participant,
    ProviderEvent,
    Suppression,
)

pytestmark = pytest.mark.django_db
HARD, SOFT = {"Type": "HardBounce"}, {"Type": "SoftBounce"}


@pytest.fixture
def delivery(db):
    person = ParticipantFactory(agreed=True)
    return DeliveryFactory(participant=person, accepted=True, provider_id="abc")


def event(kind, delivery=None, **more):
    metadata = {"delivery": str(delivery.uuid)} if delivery else {}
    values = {"metadata": metadata, "message_id": None, "recipient": None}
    return AnymailTrackingEvent(event_type=kind, **{**values, "reject_reason": None, **more})


def report(*args, at=None, **more):
    """Take a report in and apply it, as Postmark's."""
    now = at or timezone.now()
    receiving.store(event(*args, **more), provider="Postmark", at=now)
    tracking.work(at=now)


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
        ("bounced", "invalid", "bounced"),
        ("bounced", "bounced", None),
        ("bounced", None, None),
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
        report(kind, delivery, esp_event=HARD if kind == "bounced" else {})
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
    report("bounced", delivery, esp_event=HARD)
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
    tracking.work()
    assert state_of(delivery) == "complained"


# Which message it is about


def test_a_message_with_an_id_of_ours_that_we_do_not_know_changes_nothing(delivery):
    unknown = {"metadata": {"delivery": "00000000-0000-4000-8000-000000000000"}}
    report("complained", recipient=delivery.participant.email, message_id="abc", **unknown)
    assert (state_of(delivery), may_write()) == ("accepted", True)
    assert ProviderEvent.objects.get().applied_at


def test_the_id_of_another_persons_message_does_not_name_this_address(delivery):
    mark, key_id = addresses.fingerprint(delivery.participant.email)
    Delivery.objects.update(fingerprint=mark, key_id=key_id)
    report("complained", message_id="abc", recipient="stranger@example.com")
    assert (state_of(delivery), may_write()) == ("accepted", True)
    assert Suppression.objects.of_address("stranger@example.com").exists()


def test_of_several_messages_with_one_id_the_address_says_which(delivery):
    other = DeliveryFactory(accepted=True, provider_id="abc")
    for row in (delivery, other):
        mark, key_id = addresses.fingerprint(row.participant.email)
        Delivery.objects.filter(pk=row.pk).update(fingerprint=mark, key_id=key_id)
    report("delivered", message_id="abc", recipient=other.participant.email)
    assert (state_of(delivery), state_of(other)) == ("accepted", "delivered")


def test_a_report_that_is_quicker_than_our_own_note_is_tried_again_for_an_hour(delivery):
    now = timezone.now()
    report("delivered", message_id="new", at=now)
    assert ProviderEvent.objects.get().applied_at is None
    Delivery.objects.update(provider_id="new")
    tracking.work(at=now + datetime.timedelta(minutes=1))
    assert state_of(delivery) == "delivered"
    assert ProviderEvent.objects.get().delivery == delivery


def test_a_report_of_somebody_elses_message_is_given_up_after_an_hour():
    now = timezone.now()
    report("delivered", message_id="other", recipient="ann@example.com", at=now)
    for minutes in (1, 2, 4, 8, 16, 32, 64):
        tracking.work(at=now + datetime.timedelta(minutes=minutes))
    row = ProviderEvent.objects.get()
    assert (row.payload, row.kind, row.delivery) == ("", "delivered", None)
    assert row.applied_at == now + datetime.timedelta(minutes=64)


def test_of_an_applied_report_no_address_stays(delivery):
    report("bounced", delivery, recipient="ann@example.com", esp_event={"Email": "ann@example.com"})
    assert "ann@" not in str(ProviderEvent.objects.values())
    assert ProviderEvent.objects.get().delivery == delivery


def test_one_report_that_cannot_be_applied_holds_up_no_other(delivery, caplog):
    now = timezone.now()
    ProviderEvent.objects.create(key="x", provider="Postmark", payload="{", retry_at=now - DAY)
    report("delivered", delivery, at=now)
    assert state_of(delivery) == "delivered"
    assert "could not be applied" in caplog.text
    tracking.work(at=now + 2 * DAY)
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


# Why it came back


def came_back(person, *ages):
    """A message of so many days ago each, which came back soft; in the order given."""
    mark, key_id = addresses.fingerprint(person.email)
    for age in ages:
        row = DeliveryFactory(participant=person, accepted=True, fingerprint=mark, key_id=key_id)
        Delivery.objects.filter(pk=row.pk).update(handed_at=timezone.now() - age * DAY)
        report("bounced", row, esp_event=SOFT)


def arrived(person, *ages):
    mark, key_id = addresses.fingerprint(person.email)
    for age in ages:
        row = DeliveryFactory(participant=person, state="delivered", fingerprint=mark)
        Delivery.objects.filter(pk=row.pk).update(handed_at=timezone.now() - age * DAY)


def test_a_full_mailbox_is_no_reason_to_stop(delivery):
    report("bounced", delivery, esp_event=SOFT)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.why, may_write()) == ("bounced", "mailbox full or busy", True)


@pytest.mark.parametrize("reports", [*itertools.permutations([SOFT, HARD, {"Type": "Blocked"}])])
def test_the_worst_reason_stays_whatever_the_order(delivery, reports):
    for raw in reports:
        report("bounced", delivery, esp_event=raw, event_id=raw["Type"])
    delivery.refresh_from_db()
    assert delivery.why == "the address does not exist"


@pytest.mark.parametrize("ages", [*itertools.permutations([1, 10, 20])])
def test_three_that_came_back_over_two_weeks_give_an_address_up(ages):
    person = ParticipantFactory(agreed=True)
    arrived(person, 5, 15, 30, 40)
    came_back(person, *ages)
    row = Suppression.objects.get()
    assert (row.reason, row.purpose, may_write()) == ("bounced", None, False)


@pytest.mark.parametrize(
    ("soft", "fine"), [((1, 20), ()), ((1, 5, 10), ()), ((1, 20, 30), (2, 3, 4))]
)
def test_fewer_or_within_two_weeks_or_long_ago_gives_nothing_up(soft, fine):
    person = ParticipantFactory(agreed=True)
    arrived(person, *fine)
    came_back(person, *soft)
    assert may_write() and not Suppression.objects.exists()


def test_an_old_address_that_keeps_coming_back_is_not_the_persons_new_one():
    person = ParticipantFactory(agreed=True, email="old@example.com")
    came_back(person, 30, 20)
    Participant.objects.update(email="new@example.com", address_key="new@example.com")
    old = Participant(email="old@example.com", pk=person.pk)
    came_back(old, 10)
    assert Suppression.objects.of_address("old@example.com").count() == 1
    assert Suppression.objects.of_address("new@example.com").count() == 0 and may_write()
