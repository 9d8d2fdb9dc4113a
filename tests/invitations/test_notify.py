"""An invitation through GOV.UK Notify: sent, reported back, and looked at before."""

import json

import pytest
from django.urls import reverse

from tests.notify_stub import ACCEPTED
from tests.test_notify import stub  # noqa: F401
from wagtail_engagement.invitations import sending, tracking
from wagtail_engagement.models import Delivery, ProviderEvent, Suppression

pytestmark = pytest.mark.django_db
URL = "/engagement/notify/callback/"


@pytest.fixture
def token(settings):
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN = "a long token"
    return {"HTTP_AUTHORIZATION": "Bearer a long token"}


def report(client, status, row=None, token=None, **more):
    """What Notify posts when a message has come to its end."""
    body = {
        "id": ACCEPTED["id"],
        "reference": str(row.uuid) if row else None,
        "to": "person@example.com",
        "status": status,
        "created_at": "2026-05-14T12:15:30.000000Z",
        "completed_at": "2026-05-14T12:15:30.000000Z",
        "notification_type": "email",
        **more,
    }
    given = token or {}
    return client.post(URL, json.dumps(body), content_type="application/json", **given)


@pytest.fixture
def sent(people, start, stub):  # noqa: F811
    start()
    sending.work(owner="me")
    return list(Delivery.objects.order_by("pk"))


def test_everybody_gets_one_with_a_way_to_leave_and_its_number_is_kept(sent, stub):  # noqa: F811
    bodies = [body for _path, _headers, body in stub.seen]
    assert sorted(body["reference"] for body in bodies) == sorted(str(row.uuid) for row in sent)
    assert len({body["one_click_unsubscribe_url"] for body in bodies}) == 5
    message = bodies[0]["personalisation"]["message"]
    assert "\n# The future of Mill Meadow\n" in message
    assert "\n---\n" in message and "Stop these emails:\nhttps://" in message
    assert {(row.state, row.provider_id) for row in sent} == {("accepted", ACCEPTED["id"])}


@pytest.mark.parametrize(
    ("status", "state", "bounce", "causes"),
    [
        ("delivered", "delivered", "", []),
        ("permanent-failure", "bounced", "hard", ["bounced"]),
        ("temporary-failure", "bounced", "soft", []),
        ("technical-failure", "bounced", "blocked", []),
        ("something-new", "accepted", "", []),
    ],
)
def test_what_notify_reports_is_taken_over(client, sent, token, status, state, bounce, causes):
    assert report(client, status, sent[0], token).status_code == 204
    assert report(client, status, sent[0], token).status_code == 204
    tracking.work()
    row = Delivery.objects.get(pk=sent[0].pk)
    assert (row.state, row.bounce) == (state, bounce)
    assert [s.reason for s in Suppression.objects.all()] == causes
    assert ProviderEvent.objects.count() == 1


def test_a_receipt_without_our_reference_finds_its_message_by_number_and_address(
    client, sent, token
):
    person = sent[2].participant
    report(client, "delivered", None, token, to=person.email)
    tracking.work()
    states = dict(Delivery.objects.values_list("pk", "state"))
    assert [pk for pk, state in states.items() if state == "delivered"] == [sent[2].pk]


def test_only_who_has_the_token_may_report(client, settings, token, caplog):
    assert report(client, "permanent-failure").status_code == 403
    wrong = {"HTTP_AUTHORIZATION": "Bearer another"}
    assert report(client, "permanent-failure", token=wrong).status_code == 403
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN = ""
    empty = {"HTTP_AUTHORIZATION": "Bearer "}
    assert report(client, "permanent-failure", token=empty).status_code == 403
    assert "Set WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN" in caplog.text
    assert not ProviderEvent.objects.exists()


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"[" * 100_000, b'"x"'])
def test_what_is_no_receipt_is_refused(client, token, body):
    answer = client.generic("POST", URL, body, content_type="application/json", **token)
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "odd", [{"id": ["x"]}, {"completed_at": "2026-99-99"}, {"to": {"a": 1}}, {"reference": 7}]
)
def test_an_odd_receipt_breaks_nothing(client, token, odd):
    assert report(client, "delivered", None, token, **odd).status_code == 204
    tracking.work()


# Looked at before it is sent


@pytest.fixture
def previewed(client, admin_user, draft):
    client.force_login(admin_user)
    name = "wagtailsnippets_wagtail_engagement_invitation:preview_on_edit"
    address = reverse(name, args=[draft.pk])
    client.post(address, {"match": "any", "not_invited_days": 30, "subject": "Typed just now"})
    return lambda: client.get(f"{address}?mode=notify")


def test_the_preview_is_notifys_own_and_nothing_in_it_runs(previewed, stub):  # noqa: F811
    html = '<h2 style="x">Meadow</h2><script>alert(1)</script><p><a href="javascript:x">y</a></p>'
    stub.answers = [(200, {"id": "x", "subject": "Typed just now", "body": "b", "html": html})]
    page = previewed().content.decode()
    assert stub.seen[0][0].endswith("/preview")
    assert stub.seen[0][2]["personalisation"]["subject"] == "Typed just now"
    assert "<h2>Meadow</h2>" in page and "<h1>Typed just now</h1>" in page
    assert "alert" not in page and "javascript" not in page


def test_where_notify_cannot_be_asked_the_preview_says_so(previewed, stub):  # noqa: F811
    stub.answer(403, "Invalid token")
    assert "GOV.UK Notify did not show it:" in previewed().content.decode()


def test_only_a_site_that_sends_by_notify_offers_its_preview(draft, stub):  # noqa: F811
    assert [mode for mode, _label in draft.preview_modes] == ["html", "text", "summary", "notify"]


def test_another_site_does_not(draft):
    assert [mode for mode, _label in draft.preview_modes] == ["html", "text", "summary"]
