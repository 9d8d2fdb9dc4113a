"""What real providers posted, recorded by others: once, twice, backwards and at the same time (I11)."""

import hashlib
import hmac
import json
import re

import pytest
from django.db import connection, transaction
from django.test import Client

from tests.factories import DeliveryFactory, ParticipantFactory
from tests.invitations.test_at_once import together
from wagtail_engagement import addresses
from wagtail_engagement.invitations import tracking
from wagtail_engagement.models import ConsentEvent, Delivery, ProviderEvent, Suppression

pytestmark = [pytest.mark.outside, pytest.mark.django_db]
FILES = ("mailersend", "mailgun", "postmark")
MAILGUN_KEY = b"TEST_WEBHOOK_SIGNING_KEY"
WATCHED = ("opened", "clicked")


@pytest.fixture(scope="session")
def recorded(outside_data):
    """Every request with the events that anymail's own tests expect of it."""
    found = [
        row
        for name in FILES
        for row in json.loads((outside_data / f"webhooks/{name}.json").read_text())
    ]
    return [resigned(row) for row in found]


def resigned(row):
    """Mailgun's recordings share one token, as no two real posts do: give each its own."""
    request, events = row["request"], row["expected_events"]
    body = request["body"]
    if row["id"].startswith("mailgun") and events and events[0]["event_id"]:
        old = events[0]["event_id"]
        stamps = re.findall(r'name="timestamp"\r\n\r\n(\d+)|"timestamp": "(\d+)"', body)
        stamp = next(filter(None, stamps[-1]))
        new = hashlib.sha256(row["id"].encode()).hexdigest()[: len(old)]
        signed = [
            hmac.new(MAILGUN_KEY, f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
            for token in (old, new)
        ]
        assert old in body and signed[0] in body
        request["body"] = body.replace(signed[0], signed[1]).replace(old, new)
    return row


def post(row, **changed):
    """Send one request through anymail's own address; return the status that it was answered with."""
    request = row["request"]
    headers = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in {**request["headers"], **changed}.items()
    }
    answer = Client(raise_request_exception=False).generic(
        request["method"],
        request["path"],
        request["body"].encode(),
        content_type=request["content_type"],
        **headers,
    )
    return answer.status_code


def expected(rows):
    return [event for row in rows for event in row["expected_events"]]


@pytest.fixture(autouse=True)
def accounts(recorded, settings):
    """The secrets with which they were recorded."""
    for row in recorded:
        for name, value in row["settings"].items():
            setattr(settings, name, value)


@pytest.fixture
def town(recorded):
    """A person for each address that the events name, and a delivery for each message."""
    people = {}
    for email in {event["recipient"] for event in expected(recorded)} - {None}:
        people[email] = ParticipantFactory(email=email, agreed=True)
    for event in expected(recorded):
        told = {"provider_id": event["message_id"]} if event["message_id"] else None
        email = event["recipient"]
        if told and email and not Delivery.objects.filter(**told).exists():
            mark, key_id = addresses.fingerprint(email)
            own = {"participant": people[email], "fingerprint": mark, "key_id": key_id}
            DeliveryFactory(accepted=True, **told, **own)
    assert Delivery.objects.count() >= 10
    return people


def state():
    """All that reports can change, without the order and the times in which they came."""
    return {
        "deliveries": list(
            Delivery.objects.order_by("provider_id").values_list("provider_id", "state", "bounce")
        ),
        "do not contact": sorted(
            Suppression.objects.values_list("fingerprint", "reason", "purpose"), key=str
        ),
        "withdrawn": sorted(
            ConsentEvent.objects.filter(action="withdrawn").values_list(
                "participant__email", flat=True
            )
        ),
        "events": sorted(ProviderEvent.objects.values_list("key", "kind", "payload")),
    }


def posted(rows):
    for row in rows:
        assert post(row) == 200, row["id"]
        tracking.work()
    return state()


@pytest.fixture
def first(recorded, town):
    """What becomes of it all once, in the order of the files; then undone."""
    with transaction.atomic():
        found = posted(recorded)
        transaction.set_rollback(True)
    return found


def test_each_event_that_is_no_opening_is_kept_once_and_nothing_of_openings(recorded, town):
    posted(recorded)
    kept = [event for event in expected(recorded) if event["event_type"] not in WATCHED]
    assert ProviderEvent.objects.count() == len(kept) > 20
    assert Suppression.objects.filter(reason="complained").exists()
    assert not ProviderEvent.objects.exclude(payload="").filter(applied_at__isnull=False).exists()


def test_each_that_did_not_arrive_is_classed_by_its_providers_words(recorded, town):
    found = {}
    for row in recorded:
        before = set(ProviderEvent.objects.values_list("pk", flat=True))
        posted([row])
        for event in ProviderEvent.objects.exclude(pk__in=before):
            found[row["id"]] = event.kind
    silent = ("accepted", "delivered", "nothing", "unsubscribed")
    assert {name: kind for name, kind in found.items() if kind not in silent} == {
        "mailersend-03": "hard",
        "mailersend-06": "soft",
        "mailersend-07": "complaint",
        "mailgun-01": "hard",
        "mailgun-03": "hard",
        "mailgun-04": "complaint",
        "mailgun-05": "soft",
        "mailgun-06": "hard",
        "mailgun-13": "complaint",
        "mailgun-16": "delayed",
        "mailgun-17": "hard",
        "mailgun-18": "delayed",
        "mailgun-20": "blocked",
        "postmark-01": "hard",
        "postmark-07": "complaint",
        "postmark-08": "hard",
    }


def test_twice_is_once(recorded, town, first):
    posted(recorded)
    assert posted(recorded) == first


def test_backwards_comes_to_the_same(recorded, town, first):
    assert posted(recorded[::-1]) == first


def test_all_before_any_is_applied_comes_to_the_same(recorded, town, first):
    for row in recorded[1::2] + recorded[::2] + recorded[::3]:
        assert post(row) == 200
    tracking.work()
    assert state() == first


def test_forged_ones_change_nothing(recorded, town):
    before = state()
    for row in recorded:
        assert post(row, Authorization="Basic Zm9yZ2VkOmZvcmdlZA==") in (400, 401), row["id"]
    tracking.work()
    assert state() == before


def test_those_of_somebody_elses_messages_stop_mail_and_do_nothing_else(recorded):
    person = ParticipantFactory(email="recipient@example.com", agreed=True)
    mine = DeliveryFactory(participant=person, accepted=True, provider_id="mine")
    posted(recorded)
    mine.refresh_from_db()
    assert (mine.state, mine.bounce) == ("accepted", "")
    assert not ConsentEvent.objects.exclude(action="given").exists()
    assert ConsentEvent.objects.filter(action="given").count() == 1
    assert Suppression.objects.of_address(person.email).exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time")
def test_at_the_same_time_comes_to_the_same(recorded, town, first):
    def poster(rows):
        def run():
            for row in rows:
                post(row)
                tracking.work()

        return run

    faults = together(*map(poster, (recorded, recorded[::-1], recorded[::2], recorded[1::2])))
    tracking.work()
    assert faults == [None] * 4
    assert state() == first
