"""Several workers apply reports at the same moment, on a database that lets them: PostgreSQL."""

import datetime

import pytest
from anymail.signals import AnymailTrackingEvent
from django.db import connection
from django.utils import timezone
from wagtail.models import ModelLogEntry

from tests.factories import DAY, DeliveryFactory, InvitationFactory, ParticipantFactory
from tests.invitations.test_at_once import together
from wagtail_engagement import addresses
from wagtail_engagement.invitations import receiving, tracking
from wagtail_engagement.models import ConsentEvent, Delivery, ProviderEvent, Suppression

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite writes one at a time"),
]


def keep(row, kind="bounced", **raw):
    event = AnymailTrackingEvent(
        event_type=kind, esp_event=raw, metadata={"delivery": str(row.uuid)}
    )
    receiving.store(event, provider="Postmark", at=timezone.now())


def sent(person, ago=0, **more):
    mark, key_id = addresses.fingerprint(person.email)
    known = {"fingerprint": mark, "key_id": key_id}
    row = DeliveryFactory(participant=person, accepted=True, **known, **more)
    moment = timezone.now() - ago * DAY
    Delivery.objects.filter(pk=row.pk).update(handed_at=moment)
    return row


def four_workers():
    assert [type(done) for done in together(*[tracking.work] * 4)] == [int] * 4
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_each_report_is_applied_by_one_worker():
    invitation = InvitationFactory(status="sending")
    rows = [sent(ParticipantFactory(agreed=True), invitation=invitation) for _ in range(40)]
    for row in rows:
        keep(row, "complained")
        keep(row, "delivered")
    four_workers()
    assert set(Delivery.objects.values_list("state", flat=True)) == {"complained"}
    assert ConsentEvent.objects.filter(action="withdrawn").count() == 40
    assert Suppression.objects.count() == 40
    paused = ModelLogEntry.objects.filter(action="wagtail_engagement.invitation_paused")
    assert paused.count() == 1


def test_the_last_of_three_full_mailboxes_is_seen_whoever_applies_it():
    people = ParticipantFactory.create_batch(10, agreed=True)
    for person in people:
        for ago in (1, 10, 20):
            keep(sent(person, ago), Type="SoftBounce")
    four_workers()
    assert Suppression.objects.filter(reason="bounced").count() == 10


def test_the_same_report_posted_four_times_at_once_is_one():
    row = sent(ParticipantFactory(agreed=True))
    at = datetime.datetime(2026, 5, 1, tzinfo=datetime.UTC)

    def post():
        event = AnymailTrackingEvent(
            event_type="complained", timestamp=at, metadata={"delivery": str(row.uuid)}
        )
        receiving.store(event, provider="Postmark", at=timezone.now())

    together(*[post] * 4)
    assert ProviderEvent.objects.count() == 1
