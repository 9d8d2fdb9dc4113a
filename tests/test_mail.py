"""What became of a message, and how it is written on the wire."""

import email
import email.policy
import smtplib

import django
import pytest
import requests
from anymail.exceptions import (
    AnymailInvalidAddress,
    AnymailRequestsAPIError,
    AnymailUnsupportedFeature,
)
from anymail.message import AnymailRecipientStatus, AnymailStatus
from django.test import override_settings

from wagtail_engagement import mail
from wagtail_engagement.mail import Verdict

LONG_URL = "https://consultations.a-council-with-a-rather-long-name.gov.uk/engagement/l/" + "a" * 22
HEADERS = {"List-Unsubscribe": f"<{LONG_URL}>"}


class Raises:
    def __init__(self, error):
        self.error = error

    def send_messages(self, messages):
        raise self.error


def built(**more):
    return mail.build(
        to="ann@example.com", subject="Buses", text="Text", html="<p>Text</p>", **more
    )


def answer(status):
    response = requests.Response()
    response.status_code = status
    return AnymailRequestsAPIError("No", response=response, status_code=status)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (smtplib.SMTPRecipientsRefused({"a@b.c": (550, b"no such user")}), Verdict.REFUSED),
        (smtplib.SMTPRecipientsRefused({"a@b.c": (450, b"try later")}), Verdict.LATER),
        (smtplib.SMTPDataError(554, b"no"), Verdict.REFUSED),
        (smtplib.SMTPDataError(451, b"later"), Verdict.LATER),
        (smtplib.SMTPSenderRefused(550, b"over the limit", "a@b.c"), Verdict.UNABLE),
        (smtplib.SMTPServerDisconnected("gone"), Verdict.UNKNOWN),
        (TimeoutError("slow"), Verdict.UNKNOWN),
        (ConnectionResetError("reset"), Verdict.UNKNOWN),
        (ConnectionRefusedError("nobody there"), Verdict.UNABLE),
        (ValueError("a header with a line feed"), Verdict.REFUSED),
        (AnymailUnsupportedFeature("not here"), Verdict.REFUSED),
        (AnymailInvalidAddress("no address"), Verdict.REFUSED),
        (answer(400), Verdict.REFUSED),
        (answer(401), Verdict.UNABLE),
        (answer(408), Verdict.UNKNOWN),
        (answer(429), Verdict.UNABLE),
        (answer(500), Verdict.UNKNOWN),
        (RuntimeError("anything else"), Verdict.UNKNOWN),
    ],
)
def test_an_error_is_what_it_proves_and_no_more(error, verdict):
    assert mail.hand_over(Raises(error), built()).verdict is verdict


@pytest.mark.parametrize("said", ["failed", "rejected", "invalid"])
def test_a_no_that_a_provider_gives_without_an_error_is_a_no(said):
    class SaysNo:
        def send_messages(self, messages):
            (message,) = messages
            message.anymail_status = AnymailStatus()
            one = AnymailRecipientStatus(message_id=None, status=said)
            message.anymail_status.set_recipient_status({message.to[0]: one})
            return 1

    assert mail.hand_over(SaysNo(), built()).verdict is Verdict.REFUSED


@pytest.mark.parametrize("host", ["http://127.0.0.1:9", "http://no-such-host.invalid"])
def test_a_provider_that_cannot_be_reached_was_given_nothing(host):
    backend = "anymail.backends.postmark.EmailBackend"
    chosen = {"EMAIL_BACKEND": backend}
    if django.VERSION >= (6, 1):
        chosen["MAILERS"] = {"default": {"BACKEND": backend}}
    account = {"POSTMARK_SERVER_TOKEN": "x", "POSTMARK_API_URL": host}
    with override_settings(ANYMAIL=account, **chosen), mail.connection() as connection:
        assert mail.hand_over(connection, built()).verdict is Verdict.UNABLE


def test_a_reason_holds_no_address():
    error = smtplib.SMTPRecipientsRefused({"ann@example.com": (550, b"<ann@example.com> unknown")})
    assert "ann@" not in mail.hand_over(Raises(error), built()).reason


@pytest.mark.parametrize(
    "said",
    [
        f"https://a.gov.uk/l/{'k' * 22}/ is on a blocklist, see https://b.org/?q={'k' * 22}",
        'user "k k"@example.com unknown',
        "see https://b.org/?bounce=k%40example.com",
        "bounces+k=40example.com@a.gov.uk refused",
        f"{'k@example.com ' * 2000}",
    ],
)
def test_a_reason_holds_nothing_that_leads_to_a_person(said):
    kept = mail.scrub_text(said)
    assert "k" * 22 not in kept and "example.com" not in kept and len(kept) <= 200


def test_the_header_for_leaving_is_never_encoded_however_long_the_host():
    options = {"policy": email.policy.SMTP} if django.VERSION >= (6, 0) else {}
    written = built(headers=HEADERS).message(**options).as_bytes()
    head = written.replace(b"\r\n", b"\n").partition(b"\n\n")[0].replace(b"\n ", b" ").decode()
    line = next(line for line in head.splitlines() if line.startswith("List-Unsubscribe"))
    assert line.split() == ["List-Unsubscribe:", f"<{LONG_URL}>"]


def test_a_line_feed_in_a_subject_is_a_space():
    message = mail.build(to="a@example.com", subject="Buses\r\nBcc: x@y.z", text="", html="")
    assert message.subject == "Buses Bcc: x@y.z"


@pytest.mark.parametrize("provider", ["brevo", "mailtrap", "postal", "mailgun", "sparkpost"])
def test_a_provider_that_lacks_a_feature_still_gets_the_message(provider):
    backend = f"anymail.backends.{provider}.EmailBackend"
    keys = dict.fromkeys(("BREVO_API_KEY", "MAILTRAP_API_TOKEN", "POSTAL_API_KEY"), "x")
    keys |= {
        "POSTAL_API_URL": "https://x.example/",
        "MAILGUN_API_KEY": "x",
        "SPARKPOST_API_KEY": "x",
    }
    chosen = {"EMAIL_BACKEND": backend, "ANYMAIL": keys}
    if django.VERSION >= (6, 1):
        chosen["MAILERS"] = {"default": {"BACKEND": backend}}
    with override_settings(**chosen), mail.connection() as connection:
        message = built(headers=HEADERS)
        message.metadata = {"delivery": "1"}
        assert connection.build_message_payload(message, connection.send_defaults)


def test_what_one_mail_adds_to_its_headers_is_in_no_other():
    shared = {"Auto-Submitted": "auto-generated"}
    first, second = (
        mail.build(to=to, subject="News", text="Hello", html="<p>Hello</p>", headers=shared)
        for to in ("ann@example.org", "bo@example.org")
    )
    first.extra_headers |= {"List-Unsubscribe": "<https://example.org/l/ann>"}
    assert "List-Unsubscribe" not in second.extra_headers and len(shared) == 1
