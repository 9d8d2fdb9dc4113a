"""Mail through GOV.UK Notify, by its own client, to a stand-in that keeps the raw requests."""

import base64
import json

import django
import pytest
from django.core.mail import EmailMessage, send_mail
from django.test import override_settings

from tests.notify_stub import KEY, SECRET, SERVICE, TEMPLATE, Stub
from tests.test_checks import ids
from wagtail_engagement import checks, mail, notify
from wagtail_engagement.mail import Verdict

LEAVE = "https://engage.example.gov.uk/engagement/l/" + "a" * 22
HEADERS = {"List-Unsubscribe": f"<{LEAVE}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}


@pytest.fixture
def stub():
    stub = Stub()
    chosen = {"EMAIL_BACKEND": notify.BACKEND}
    if django.VERSION >= (6, 1):
        chosen = {"MAILERS": {"default": {"BACKEND": notify.BACKEND}}}
    with override_settings(
        WAGTAIL_ENGAGEMENT_NOTIFY_API_KEY=KEY,
        WAGTAIL_ENGAGEMENT_NOTIFY_TEMPLATE=TEMPLATE,
        WAGTAIL_ENGAGEMENT_NOTIFY_URL=stub.url,
        **chosen,
    ):
        yield stub
    stub.close()


def built(**more):
    facts = {"subject": "Buses", "text": "Hello\n\n- one\n- two", "html": "<p>Hello</p>", **more}
    message = mail.build(to="ann@example.com", headers=HEADERS, **facts)
    message.metadata = {"delivery": "5c1c1a0e-0000-4000-8000-000000000001"}
    return message


def handed(message):
    with mail.connection() as server:
        return mail.hand_over(server, message)


def test_the_request_that_leaves_is_what_notify_asks_for(stub, settings):
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_REPLY_TO = "44444444-4444-4444-4444-444444444444"
    receipt = handed(built())
    ((path, headers, body),) = stub.seen
    assert (path, headers["Content-type"]) == ("/v2/notifications/email", "application/json")
    assert body == {
        "email_address": "ann@example.com",
        "template_id": TEMPLATE,
        "personalisation": {"subject": "Buses", "message": "Hello\n\n* one\n* two"},
        "reference": "5c1c1a0e-0000-4000-8000-000000000001",
        "email_reply_to_id": "44444444-4444-4444-4444-444444444444",
        "one_click_unsubscribe_url": LEAVE,
    }
    claims = headers["Authorization"].removeprefix("Bearer ").split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(claims + "=="))["iss"] == SERVICE
    assert SECRET not in str(headers)
    assert (receipt.verdict, receipt.provider_id) == (Verdict.ACCEPTED, stub.answers[0][1]["id"])


def test_a_message_that_is_no_invitation_has_neither_reference_nor_a_way_to_leave(stub):
    assert send_mail("Password", "Reset it", None, ["bo@example.com"]) == 1
    assert set(stub.seen[0][2]) == {"email_address", "template_id", "personalisation"}


def test_each_recipient_gets_a_message_of_their_own(stub):
    message = EmailMessage("Hi", "x", to=["a@example.com"], cc=["b@example.com"], bcc=["c@x.uk"])
    assert message.send() == 1
    assert [body["email_address"] for _p, _h, body in stub.seen] == [
        "a@example.com",
        "b@example.com",
        "c@x.uk",
    ]


@pytest.mark.parametrize(
    ("status", "error", "told", "verdict"),
    [
        (400, "ValidationError", "email_address Not a valid email address", Verdict.REFUSED),
        (400, "ValidationError", "template_id is not a valid UUID", Verdict.UNABLE),
        (400, "BadRequestError", "Can't send to this recipient in trial mode", Verdict.UNABLE),
        (403, "AuthError", "Invalid token: API key not found", Verdict.UNABLE),
        (404, "NoResultFound", "No result found", Verdict.UNABLE),
        (429, "RateLimitError", "Exceeded rate limit for key type LIVE", Verdict.UNABLE),
        (429, "TooManyRequestsError", "Exceeded send limits for today", Verdict.UNABLE),
        (408, "Timeout", "Too slow", Verdict.UNKNOWN),
        (500, "Exception", "Internal server error", Verdict.UNKNOWN),
        (503, "Exception", "Unavailable", Verdict.UNKNOWN),
    ],
)
def test_what_notify_answers_is_what_it_proves(stub, status, error, told, verdict):
    stub.answer(status, told, error=error)
    receipt = handed(built())
    assert receipt.verdict is verdict
    assert "ann@" not in receipt.reason and told.split()[0] in receipt.reason


@pytest.mark.parametrize("answer", [(None, b""), (201, b"<html>nonsense"), (502, b"")])
def test_an_answer_that_says_nothing_leaves_it_unknown(stub, answer):
    stub.answers = [answer]
    assert handed(built()).verdict is Verdict.UNKNOWN


def test_where_nobody_listens_nothing_left(stub, settings):
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_URL = "http://127.0.0.1:9"
    assert handed(built()).verdict is Verdict.UNABLE


@pytest.mark.parametrize("key", ["", "too-short"])
def test_without_a_key_nothing_is_tried_and_the_reason_says_what_is_missing(stub, settings, key):
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_API_KEY = key
    receipt = mail.send_now(built())
    assert receipt.verdict is Verdict.UNABLE
    assert "WAGTAIL_ENGAGEMENT_NOTIFY_API_KEY" in receipt.reason and stub.seen == []


def test_several_messages_share_one_connection_and_time_out_as_all_mail_does(stub, settings):
    settings.WAGTAIL_ENGAGEMENT_MAIL_TIMEOUT = 7
    with mail.connection() as server:
        client = server._client
        assert client.timeout == 7
        assert [mail.hand_over(server, built()).verdict for _ in range(2)] == [Verdict.ACCEPTED] * 2
        assert server._client is client
    assert server._client is None


def test_an_attachment_is_refused_and_not_dropped(stub):
    message = built()
    message.attach("a.txt", "x", "text/plain")
    assert handed(message).verdict is Verdict.REFUSED and stub.seen == []


def test_who_asked_for_silence_gets_it(stub):
    stub.answer(403, "no")
    message = EmailMessage("Hi", "x", to=["a@example.com"])
    assert notify.EmailBackend(fail_silently=True).send_messages([message]) == 0


# The little Markdown


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("One\nTwo\n\n\n\nThree", "One\nTwo\n\nThree"),
        ("List:\n- a\n- b\nAfter", "List:\n\n* a\n* b\n\nAfter"),
        ("Look (https://a.uk/b_c[1])", "Look (https://a.uk/b_c[1])"),
        ("Ours\n--\nFoot", "Ours\n\n---\n\nFoot"),
        ("# Big\n## Small", "\\# Big\n\\## Small"),
        ("1. First\n2026. A year", "1\\. First\n2026\\. A year"),
        ("-5 degrees\n*bold*\n+1", "\\-5 degrees\n\\*bold*\n\\+1"),
        ("^ quote\n ^^x", "quote\nx"),
        ("Title\n=====\nMore", "Title\n\nMore"),
        ("Title\n-----\n***\n_ _ _", "Title\n\\-----\n\\***\n\\_ _ _"),
        ("[Pay](https://evil.uk) ![x](y)", "\\[Pay\\](https://evil.uk) !\\[x\\](y)"),
        ("[x]: https://evil.uk", "\\[x\\]: https://evil.uk"),
        ("a | b\n-|-\n1 | 2", "a \\| b\n\\-\\|-\n1 \\| 2"),
        ("```\ncode\n~~~", "\\```\ncode\n\\~~~"),
        ("    four spaces", "four spaces"),
        ("See <https://a.uk/b>.", "See https://a.uk/b."),
        ("back\\slash", "back\\\\slash"),
        ("• a\n•b", "* a\n* b"),
        ("", ""),
    ],
)
def test_words_stay_words_and_lists_stay_lists(text, written):
    assert notify.markdown(text) == written


def test_a_line_that_is_a_heading_of_the_html_is_one_here_too():
    html = "<h1>Mill &amp; Meadow</h1><p>x</p><h2>What  came\nof it</h2>"
    text = "Hello\nMill & Meadow\nWhat came of it\nWe built ten."
    assert notify.markdown(text, html) == (
        "Hello\n\n# Mill & Meadow\n\n## What came of it\n\nWe built ten."
    )


# What is missing is said at the start


def test_what_notify_needs_and_forbids_is_said_at_the_start(stub, settings):
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN = "t"
    assert ids(checks.check_notify(app_configs=None)) == ["W007"]
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN = ""
    settings.WAGTAIL_ENGAGEMENT_NOTIFY_TEMPLATE = ""
    found = checks.check_notify(app_configs=None)
    assert ids(found) == ["E006", "W008", "W007"]
    assert "WAGTAIL_ENGAGEMENT_NOTIFY_TEMPLATE" in found[0].msg


def test_a_site_with_another_backend_hears_nothing_of_notify():
    assert checks.check_notify(app_configs=None) == []
