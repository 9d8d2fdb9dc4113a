"""What each provider means, by small events of its own shape."""

import json

import pytest
from anymail.signals import tracking
from django.test import override_settings

from wagtail_engagement.invitations.providers import PROVIDERS, kind_of

PLAIN = {"WEBHOOK_SECRET": "test:secret"}
AUTH = {"HTTP_AUTHORIZATION": "Basic dGVzdDpzZWNyZXQ="}


def ses(kind, detail="General", event="Bounce"):
    inner = {
        "bounceType": kind,
        "bounceSubType": detail,
        "bouncedRecipients": [{"emailAddress": "a@b.uk"}],
    }
    return {"eventType": event, "bounce": inner, "mail": {"destination": ["a@b.uk"]}}


def mailgun(severity, reason="generic", **status):
    data = {"event": "failed", "severity": severity, "reason": reason, "delivery-status": status}
    return {"event-data": data}


def mailjet(error, hard, about="recipient", event="bounce"):
    return {"event": event, "error": error, "hard_bounce": hard, "error_related_to": about}


def sparkpost(bounce_class, kind="bounce"):
    return {"msys": {"message_event": {"type": kind, "bounce_class": bounce_class}}}


def unisender(status, said=""):
    return {"status": status, "delivery_info": {"delivery_status": said}}


def postal(status, output=""):
    return {"payload": {"status": status, "output": output}}


def resend(kind, detail="General"):
    return {"type": "email.bounced", "data": {"bounce": {"type": kind, "subType": detail}}}


WORDS = [
    ("Amazon SES", ses("Permanent", "NoEmail"), "hard"),
    ("Amazon SES", ses("Permanent", "OnAccountSuppressionList"), "hard"),
    ("Amazon SES", ses("Transient", "MailboxFull"), "soft"),
    ("Amazon SES", ses("Transient", "ContentRejected"), "blocked"),
    ("Amazon SES", ses("Undetermined", "Undetermined"), "soft"),
    ("Amazon SES", {"eventType": "DeliveryDelay"}, "delayed"),
    ("Brevo", {"event": "hard_bounce"}, "hard"),
    ("Brevo", {"event": "soft_bounce"}, "soft"),
    ("Brevo", {"event": "invalid_email"}, "hard"),
    ("Brevo", {"event": "blocked"}, "blocked"),
    ("Brevo", {"event": "deferred"}, "delayed"),
    ("MailerSend", {"data": {"type": "hard_bounced"}}, "hard"),
    ("MailerSend", {"data": {"type": "soft_bounced"}}, "soft"),
    ("Mailgun", mailgun("temporary", code=450), "delayed"),
    ("Mailgun", mailgun("permanent", "bounce", code=550), "hard"),
    ("Mailgun", mailgun("permanent", "bounce", code=550, **{"enhanced-code": "5.7.1"}), "blocked"),
    ("Mailgun", mailgun("permanent", "bounce", code=550, **{"enhanced-code": "5.2.2"}), "soft"),
    ("Mailgun", mailgun("permanent", "bounce", code=552), "soft"),
    ("Mailgun", mailgun("permanent", "suppress-bounce", code=605), "hard"),
    ("Mailgun", mailgun("permanent", "suppress-complaint", code=607), "complaint"),
    ("Mailgun", mailgun("permanent", "old", code=498), "soft"),
    ("Mailgun", {"event": "bounced", "code": "550", "error": "550 5.1.1 unknown"}, "hard"),
    ("Mailgun", {"event": "bounced", "code": "5.1.1"}, "hard"),
    ("Mailgun", {"event": "dropped", "code": "605", "reason": "hardfail"}, "hard"),
    ("Mailgun", {"event": "dropped", "code": "498", "reason": "old"}, "soft"),
    ("Mailjet", mailjet("user unknown", True), "hard"),
    ("Mailjet", mailjet("quota exceeded", True), "soft"),
    ("Mailjet", mailjet("greylisted", False, "domain"), "delayed"),
    ("Mailjet", mailjet("something new", False), "soft"),
    ("Mailjet", mailjet("something new", True), "hard"),
    ("Mailjet", mailjet("policy issue", True, "spam"), "blocked"),
    ("Mailjet", mailjet("preblocked", False, "mailjet", "blocked"), "blocked"),
    ("Mailtrap", {"event": "bounce", "bounce_category": "badmailbox"}, "hard"),
    ("Mailtrap", {"event": "bounce", "response": "552 5.2.2 over quota"}, "soft"),
    ("Mailtrap", {"event": "soft bounce"}, "delayed"),
    ("Mailtrap", {"event": "reject"}, "blocked"),
    ("Mandrill", {"event": "hard_bounce", "msg": {}}, "hard"),
    ("Mandrill", {"event": "soft_bounce", "msg": {}}, "soft"),
    ("Mandrill", {"event": "deferral"}, "delayed"),
    ("Mandrill", {"event": "reject", "msg": {"reject": {"reason": "unsub"}}}, "unsubscribed"),
    ("Mandrill", {"type": "blacklist", "reject": {"reason": "hard-bounce"}}, "nothing"),
    ("Postal", postal("HardFail"), "hard"),
    ("Postal", postal("HardFail", "554 5.7.1 spam"), "blocked"),
    ("Postal", postal("SoftFail"), "delayed"),
    ("Postmark", {"RecordType": "Bounce", "Type": "HardBounce", "TypeCode": 1}, "hard"),
    ("Postmark", {"RecordType": "Bounce", "TypeCode": 1}, "hard"),
    ("Postmark", {"RecordType": "Bounce", "Type": "SoftBounce", "TypeCode": 4096}, "soft"),
    ("Postmark", {"RecordType": "Bounce", "Type": "Transient"}, "delayed"),
    ("Postmark", {"RecordType": "Bounce", "Type": "Blocked"}, "blocked"),
    ("Postmark", {"RecordType": "SubscriptionChange", "SuppressSending": False}, "nothing"),
    ("Resend", resend("Permanent"), "hard"),
    ("Resend", resend("Transient", "MailboxFull"), "soft"),
    ("Resend", {"data": {"bounce": {"message": "... sent a hard bounce message ..."}}}, "hard"),
    ("Resend", {"data": {"bounce": {"message": "... inbox was full."}}}, "soft"),
    ("SendGrid", {"event": "bounce", "type": "bounce", "status": "5.0.0"}, "hard"),
    ("SendGrid", {"event": "bounce", "type": "bounce", "status": "5.2.2"}, "soft"),
    ("SendGrid", {"event": "bounce", "type": "blocked"}, "blocked"),
    ("SendGrid", {"event": "dropped", "reason": "Spam Reporting Address"}, "complaint"),
    ("SparkPost", sparkpost("10"), "hard"),
    ("SparkPost", sparkpost("22"), "soft"),
    ("SparkPost", sparkpost("51"), "blocked"),
    ("SparkPost", sparkpost("10", "delay"), "delayed"),
    ("Unisender Go", unisender("hard_bounced", "err_user_unknown"), "hard"),
    ("Unisender Go", unisender("hard_bounced", "err_mailbox_full"), "soft"),
    ("Unisender Go", unisender("hard_bounced", "err_spam_rejected"), "blocked"),
    ("Unisender Go", unisender("soft_bounced", "err_user_unknown"), "delayed"),
    ("GOV.UK Notify", {"status": "permanent-failure"}, "hard"),
    ("GOV.UK Notify", {"status": "temporary-failure"}, "soft"),
    ("GOV.UK Notify", {"status": "technical-failure"}, "blocked"),
    ("GOV.UK Notify", {"status": "delivered"}, "delivered"),
    ("GOV.UK Notify", {"status": "something-new"}, "nothing"),
]


@pytest.mark.parametrize(("provider", "raw", "kind"), WORDS)
def test_a_provider_is_understood_by_its_own_words(provider, raw, kind):
    assert kind_of(provider=provider, event_type="unknown", reject_reason="", raw=raw) == kind


def test_every_provider_of_anymail_is_known():
    assert {provider for provider, _raw, _kind in WORDS} == set(PROVIDERS)


@pytest.mark.parametrize("provider", [*sorted(PROVIDERS), "Somebody new"])
@pytest.mark.parametrize("raw", [None, [], "x", 7, {"event": ["x"]}, {"data": []}, {"msys": {}}])
def test_an_unknown_word_is_soft_at_most(provider, raw):
    told = {"event_type": "bounced", "reject_reason": "bounced", "raw": raw}
    assert kind_of(provider=provider, **told) == "soft"


@pytest.mark.parametrize(
    ("event_type", "reason", "kind"),
    [
        ("complained", "", "complaint"),
        ("unsubscribed", "", "unsubscribed"),
        ("rejected", "bounced", "hard"),
        ("rejected", "spam", "complaint"),
        ("rejected", "blocked", "blocked"),
        ("bounced", "invalid", "hard"),
        ("bounced", "spam", "blocked"),
        ("autoresponded", "", "delivered"),
        ("queued", "", "accepted"),
        ("deferred", "", "delayed"),
        ("failed", "", "blocked"),
        ("subscribed", "", "nothing"),
        ("", "", "nothing"),
    ],
)
def test_where_a_provider_says_no_more_anymails_words_count(event_type, reason, kind):
    found = kind_of(provider="New", event_type=event_type, reject_reason=reason, raw={})
    assert found == kind


@pytest.mark.parametrize(
    ("path", "body", "kind"),
    [
        ("postmark/tracking/", {"RecordType": "Bounce", "Type": "SoftBounce"}, "soft"),
        ("brevo/tracking/", {"event": "soft_bounce", "email": "a@b.uk"}, "soft"),
        ("mailjet/tracking/", mailjet("quota exceeded", True), "soft"),
        ("sparkpost/tracking/", [sparkpost("22")], "soft"),
        ("resend/tracking/", resend("Transient"), "soft"),
        (
            "mailtrap/tracking/",
            {"events": [{"event": "reject", "timestamp": 1, "message_id": "x"}]},
            "blocked",
        ),
    ],
)
@pytest.mark.django_db
def test_anymails_views_hand_the_words_on(client, path, body, kind):
    found = []

    def listen(sender, event, esp_name, **_):
        found.append(
            kind_of(
                provider=esp_name,
                event_type=event.event_type,
                reject_reason=event.reject_reason,
                raw=event.esp_event,
            )
        )

    tracking.connect(listen)
    with override_settings(ANYMAIL=PLAIN):
        client.post(f"/anymail/{path}", json.dumps(body), content_type="application/json", **AUTH)
    tracking.disconnect(listen)
    assert found == [kind]
