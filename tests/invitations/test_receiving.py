"""Reports taken in: once, quickly, whatever is in them, and only from who can prove it."""

import datetime
import hashlib
import hmac
import json

import pytest
from anymail.signals import AnymailTrackingEvent, tracking
from django.db import OperationalError
from django.utils import timezone

from tests.factories import DeliveryFactory, ParticipantFactory
from wagtail_engagement import nudge
from wagtail_engagement.invitations import receiving
from wagtail_engagement.invitations import tracking as rule
from wagtail_engagement.models import Delivery, ProviderEvent, Suppression

pytestmark = pytest.mark.django_db
AUTH = {"HTTP_AUTHORIZATION": "Basic dGVzdDpzZWNyZXQ="}


def complaint(email="ann@example.com", **more):
    return {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": email, **more}


def post(client, body, provider="postmark", **headers):
    url = f"/anymail/{provider}/tracking/"
    given = headers or AUTH
    return client.post(url, json.dumps(body), content_type="application/json", **given).status_code


def told(**more):
    """Let anymail announce an event, of a batch that has a good one behind it."""
    for facts in (more, {"event_type": "complained", "recipient": "good@example.com"}):
        event = AnymailTrackingEvent(**{"event_type": "complained", **facts})
        tracking.send(sender=None, event=event, esp_name="Postmark")


def test_a_report_is_kept_and_applied_only_by_a_worker(client):
    assert post(client, complaint()) == 200
    assert ProviderEvent.objects.get().applied_at is None and not Suppression.objects.exists()
    rule.work()
    assert Suppression.objects.get().reason == "complained"


def test_a_report_that_comes_twice_is_one(client):
    for _ in range(2):
        assert post(client, complaint(ID=7)) == 200
        rule.work()
    assert ProviderEvent.objects.count() == 1


def test_an_id_that_is_none_does_not_make_two_reports_one(client):
    for email in ("ann@example.com", "bo@example.com"):
        post(client, complaint(email, ID=None))
    assert ProviderEvent.objects.count() == 2


def test_one_id_for_two_recipients_is_two_reports():
    now = timezone.now()
    for email in ("ann@example.com", "bo@example.com"):
        event = AnymailTrackingEvent(event_type="bounced", event_id="sns-1", recipient=email)
        receiving.store(event, provider="Amazon SES", at=now)
    assert ProviderEvent.objects.count() == 2


@pytest.mark.parametrize("kind", ["opened", "clicked"])
def test_that_somebody_opened_a_mail_is_never_kept(kind):
    receiving.store(AnymailTrackingEvent(event_type=kind), provider="x", at=timezone.now())
    assert not ProviderEvent.objects.exists()


class Nasty:
    def __str__(self):
        raise RuntimeError("no")


def nested(depth):
    return [nested(depth - 1)] if depth else "x"


@pytest.mark.parametrize(
    "facts",
    [
        {},
        {"event_type": None, "timestamp": "yesterday", "metadata": 7},
        {"event_id": "\x00\ud800", "recipient": "\x00\ud800", "message_id": "\ud800"},
        {"esp_event": {"a\x00": "\ud800\x00", 7: float("nan"), "b": 10**30, "c": {1, 2}}},
        {"esp_event": nested(500), "timestamp": datetime.datetime(1, 1, 1, tzinfo=datetime.UTC)},
        {"esp_event": {"x": Nasty()}},
        {"event_id": 10**5000, "metadata": {"delivery": ["x"]}},
        {"description": "x" * 100_000, "esp_event": "x" * 100_000},
    ],
)
def test_nothing_in_a_report_breaks_the_batch_that_it_is_in(facts):
    told(**facts)
    rule.work()
    assert Suppression.objects.of_address("good@example.com").exists()
    assert not ProviderEvent.objects.filter(applied_at=None).exists()


def test_a_database_that_is_down_makes_the_provider_post_again(client, monkeypatch):
    def fails(*args, **kwargs):
        raise OperationalError("gone")

    monkeypatch.setattr(ProviderEvent.objects, "bulk_create", fails)
    with pytest.raises(OperationalError):
        post(client, complaint())


def test_many_reports_ask_for_a_worker_once(client, monkeypatch):
    asked = []
    monkeypatch.setattr(nudge, "after_commit", lambda: asked.append(1))
    for number in range(5):
        post(client, complaint(ID=number + 1))
    assert asked == [1]


# Who may report


def test_a_wrong_password_changes_nothing(client):
    assert post(client, complaint(), HTTP_AUTHORIZATION="Basic eDp5") == 400
    assert post(client, complaint(), HTTP_X="") == 400
    assert not ProviderEvent.objects.exists()


@pytest.mark.filterwarnings("ignore::anymail.exceptions.AnymailInsecureWebhookWarning")
def test_without_a_secret_every_report_is_ignored_and_the_log_says_so(client, settings, caplog):
    settings.ANYMAIL = {}
    assert post(client, complaint()) == 200
    assert not ProviderEvent.objects.exists()
    assert "Set ANYMAIL['WEBHOOK_SECRET']" in caplog.text and "ann@" not in caplog.text


@pytest.mark.parametrize(
    ("provider", "account", "is_guarded"),
    [
        ("MailerSend", {"MAILERSEND_SIGNING_SECRET": "x"}, True),
        ("Mailtrap", {"MAILTRAP_TRACKING_SECRET": "x"}, True),
        ("Resend", {"RESEND_INBOUND_SECRET": "x"}, False),
        ("Mailgun", {"MAILGUN_WEBHOOK_SIGNING_KEY": "x"}, False),
        ("Postmark", {"MAILERSEND_SIGNING_SECRET": "x"}, False),
        ("Postmark", {"WEBHOOK_SECRET": []}, False),
        ("Postmark", {"WEBHOOK_SECRET": ["a:b", "c:d"]}, True),
    ],
)
def test_a_signature_stands_in_for_the_secret_if_it_is_about_the_body(
    settings, provider, account, is_guarded
):
    settings.ANYMAIL = account
    assert receiving.is_guarded(provider) is is_guarded


# Mailgun signs a number and a time alone


def mailgun(token="t" * 50, **data):
    made = hmac.new(b"key", f"1600000000{token}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": "1600000000", "token": token, "signature": made}
    return {"signature": signature, "event-data": {"timestamp": 1600000000, **data}}


@pytest.fixture
def by_mailgun(settings):
    settings.ANYMAIL = {"WEBHOOK_SECRET": "test:secret", "MAILGUN_WEBHOOK_SIGNING_KEY": "key"}


def test_another_body_beside_a_signature_that_was_used_is_ignored(client, by_mailgun):
    row = DeliveryFactory(participant=ParticipantFactory(agreed=True), accepted=True)
    ours = {"user-variables": {"delivery": str(row.uuid)}}
    post(client, mailgun(event="delivered", **ours), "mailgun")
    for body in (
        mailgun(event="complained", **ours),
        mailgun(event="complained", recipient="victim@example.com"),
        mailgun(event="failed", severity="permanent", reason="bounce", recipient="v@example.com"),
    ):
        assert post(client, body, "mailgun") == 200
    rule.work()
    assert Delivery.objects.get().state == "delivered"
    assert ProviderEvent.objects.count() == 1 and not Suppression.objects.exists()


def test_a_signature_without_the_secret_is_not_enough(client, by_mailgun):
    body = mailgun(event="complained", recipient="victim@example.com")
    assert post(client, body, "mailgun", HTTP_X="") == 400
    assert not ProviderEvent.objects.exists()
