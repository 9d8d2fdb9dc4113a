"""What each provider means by its words. Pure: knows no tables and reads no clock.

django-anymail calls a full mailbox and a mailbox that never was by one name for most providers, so
that this reads the provider's own event. A word that is not known here counts as soft at most, for
nobody should stop hearing from their council because of a word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from anymail.signals import EventType, RejectReason

from .kinds import Kind

Words = Callable[[Any], Iterator[str]]

NOTIFY = "GOV.UK Notify"

_BOUNCED = {
    RejectReason.INVALID: Kind.HARD,
    RejectReason.SPAM: Kind.BLOCKED,
    RejectReason.BLOCKED: Kind.BLOCKED,
    RejectReason.OTHER: Kind.BLOCKED,
    RejectReason.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
}
# The provider did not even try, for what it remembers of the address.
_REJECTED = {
    RejectReason.INVALID: Kind.HARD,
    RejectReason.BOUNCED: Kind.HARD,
    RejectReason.TIMED_OUT: Kind.SOFT,
    RejectReason.SPAM: Kind.COMPLAINT,
    RejectReason.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
}
_PLAIN = {
    EventType.COMPLAINED: Kind.COMPLAINT,
    EventType.UNSUBSCRIBED: Kind.UNSUBSCRIBED,
    EventType.DELIVERED: Kind.DELIVERED,
    EventType.AUTORESPONDED: Kind.DELIVERED,
    EventType.QUEUED: Kind.ACCEPTED,
    EventType.SENT: Kind.ACCEPTED,
    EventType.DEFERRED: Kind.DELAYED,
    EventType.FAILED: Kind.BLOCKED,
}


def kind_of(*, provider: str, event_type: str, reject_reason: str, raw: Any) -> Kind:
    """Class one event: by the provider's own words, else by anymail's, in doubt as soft."""
    words, table = PROVIDERS.get(provider, (_no_words, {}))
    for word in words(raw):
        if word in table:
            return table[word]
    if event_type == EventType.BOUNCED:
        return _BOUNCED.get(reject_reason, Kind.SOFT)
    if event_type == EventType.REJECTED:
        return _REJECTED.get(reject_reason, Kind.BLOCKED)
    return _PLAIN.get(event_type, Kind.NOTHING)


def at(raw: Any, *path: str) -> str:
    """Return the text or number at a path of nested mappings, lower-case, "" for anything else."""
    for step in path:
        raw = raw.get(step) if isinstance(raw, Mapping) else None
    return str(raw).strip().lower() if isinstance(raw, (str, int)) else ""


_ENHANCED = re.compile(r"\b([45])\.(\d{1,3})\.(\d{1,3})\b")


def _by_code(text: str) -> Iterator[str]:
    """Words for an enhanced status code (RFC 3463), if the text has one."""
    if found := _ENHANCED.search(text):
        first, subject, detail = found.groups()
        yield f"code {subject}.{detail}"
        yield f"code {first}.{subject}" if first == "5" else "code 4"


CODES = {
    "code 2.2": Kind.SOFT,  # mailbox full, whether the server calls it permanent or not
    "code 2.3": Kind.BLOCKED,  # too large: about the message
    "code 3.4": Kind.BLOCKED,
    "code 4": Kind.SOFT,
    "code 5.1": Kind.HARD,
    "code 5.7": Kind.BLOCKED,  # policy
}


def _no_words(raw: Any) -> Iterator[str]:
    return iter(())


def _amazon_ses(raw: Any) -> Iterator[str]:
    kind = at(raw, "bounce", "bounceType")
    yield f"{kind}/{at(raw, 'bounce', 'bounceSubType')}"
    yield kind
    yield at(raw, "eventType")


def _resend(raw: Any) -> Iterator[str]:
    """Resend hands Amazon's words on; older events have a sentence alone."""
    kind = at(raw, "data", "bounce", "type")
    yield f"{kind}/{at(raw, 'data', 'bounce', 'subType')}"
    yield kind
    sentence = at(raw, "data", "bounce", "message")
    yield "transient" if "inbox was full" in sentence else ""
    yield "permanent" if "hard bounce" in sentence else ""


SES = {
    "permanent": Kind.HARD,
    "permanent/unsubscribedrecipient": Kind.UNSUBSCRIBED,
    "permanent/messagerejected": Kind.BLOCKED,
    "transient": Kind.SOFT,
    "transient/contentrejected": Kind.BLOCKED,
    "transient/attachmentrejected": Kind.BLOCKED,
    "transient/messagetoolarge": Kind.BLOCKED,
    "undetermined": Kind.SOFT,
    "deliverydelay": Kind.DELAYED,
}


def _brevo(raw: Any) -> Iterator[str]:
    yield at(raw, "event")


BREVO = {
    "hard_bounce": Kind.HARD,
    "invalid_email": Kind.HARD,
    "soft_bounce": Kind.SOFT,
    "deferred": Kind.DELAYED,
    "blocked": Kind.BLOCKED,
    "error": Kind.BLOCKED,
}


def _mailersend(raw: Any) -> Iterator[str]:
    yield at(raw, "data", "type")


MAILERSEND = {
    "hard_bounced": Kind.HARD,
    "soft_bounced": Kind.SOFT,
    "deferred": Kind.DELAYED,
}


def _mailgun(raw: Any) -> Iterator[str]:
    """Both forms of Mailgun's events: nested since 2018, form fields before."""
    data = raw.get("event-data") if isinstance(raw, Mapping) else None
    if isinstance(data, Mapping):
        if at(data, "event") != "failed":
            return
        yield at(data, "severity")
        reason, status = at(data, "reason"), data.get("delivery-status")
        code, enhanced = at(status, "code"), at(status, "enhanced-code")
        said = at(status, "message")
    else:
        if at(raw, "event") not in ("bounced", "dropped"):
            return
        reason, code, enhanced = at(raw, "reason"), at(raw, "code"), at(raw, "code")
        said = at(raw, "error")
    yield code
    yield from _by_code(f"{enhanced} {said}")
    yield reason
    yield f"{code[:1]}xx" if len(code) == 3 else ""


MAILGUN = {
    **CODES,
    "temporary": Kind.DELAYED,
    # Mailgun's own codes for addresses that it will not write to.
    "605": Kind.HARD,
    "606": Kind.UNSUBSCRIBED,
    "607": Kind.COMPLAINT,
    "498": Kind.SOFT,
    "499": Kind.SOFT,
    "552": Kind.SOFT,
    "554": Kind.BLOCKED,
    "suppress-bounce": Kind.HARD,
    "suppress-unsubscribe": Kind.UNSUBSCRIBED,
    "suppress-complaint": Kind.COMPLAINT,
    "espblock": Kind.BLOCKED,
    "old": Kind.SOFT,
    "generic": Kind.SOFT,
    "bounce": Kind.HARD,
    "hardfail": Kind.HARD,
    "4xx": Kind.SOFT,
    "5xx": Kind.HARD,
}


def _mailjet(raw: Any) -> Iterator[str]:
    if at(raw, "event") in ("bounce", "blocked"):
        yield at(raw, "error")
        yield f"about {at(raw, 'error_related_to')}"
        yield f"{at(raw, 'event')} {at(raw, 'hard_bounce')}"


MAILJET = {
    "quota exceeded": Kind.SOFT,
    "connection issue": Kind.SOFT,
    "no mail host": Kind.SOFT,
    "greylisted": Kind.DELAYED,
    "spam reporter": Kind.COMPLAINT,
    "user unknown": Kind.HARD,
    "mailbox inactive": Kind.HARD,
    "invalid domain": Kind.HARD,
    "typofix": Kind.HARD,
    "blacklisted": Kind.BLOCKED,
    "relay/access denied": Kind.BLOCKED,
    "about spam": Kind.BLOCKED,
    "about content": Kind.BLOCKED,
    "about mailjet": Kind.BLOCKED,
    "about system": Kind.SOFT,
    "bounce true": Kind.HARD,
    "bounce false": Kind.SOFT,
    "bounce 1": Kind.HARD,
    "bounce 0": Kind.SOFT,
}


def _mailtrap(raw: Any) -> Iterator[str]:
    event = at(raw, "event")
    if event == "bounce":
        yield at(raw, "bounce_category")
        yield from _by_code(at(raw, "response"))
    yield event


MAILTRAP = {
    **CODES,
    "badmailbox": Kind.HARD,
    "baddomain": Kind.HARD,
    "spam": Kind.BLOCKED,
    "policy": Kind.BLOCKED,
    "mailboxfull": Kind.SOFT,
    "bounce": Kind.HARD,
    "soft bounce": Kind.DELAYED,
    "suspension": Kind.DELAYED,
    "reject": Kind.BLOCKED,
}


def _mandrill(raw: Any) -> Iterator[str]:
    event = at(raw, "event")
    if event == "reject":
        yield at(raw, "msg", "reject", "reason")
    yield event


MANDRILL = {
    "hard-bounce": Kind.HARD,
    "soft-bounce": Kind.SOFT,
    "spam": Kind.COMPLAINT,
    "unsub": Kind.UNSUBSCRIBED,
    "hard_bounce": Kind.HARD,
    "soft_bounce": Kind.SOFT,
    "deferral": Kind.DELAYED,
    "reject": Kind.BLOCKED,
}


def _postal(raw: Any) -> Iterator[str]:
    status = at(raw, "payload", "status")
    if status == "hardfail":
        yield from _by_code(at(raw, "payload", "output"))
    yield status


POSTAL = {**CODES, "hardfail": Kind.HARD, "softfail": Kind.DELAYED, "held": Kind.ACCEPTED}


def _postmark(raw: Any) -> Iterator[str]:
    if at(raw, "RecordType") == "subscriptionchange" and at(raw, "SuppressSending") == "false":
        yield "subscribed"
    yield at(raw, "Type") or at(raw, "SuppressionReason") or f"type {at(raw, 'TypeCode')}"


POSTMARK = {
    "hardbounce": Kind.HARD,
    "bademailaddress": Kind.HARD,
    "type 1": Kind.HARD,
    "type 100000": Kind.HARD,
    "softbounce": Kind.SOFT,
    "type 4096": Kind.SOFT,
    "unknown": Kind.SOFT,
    "transient": Kind.DELAYED,
    "dnserror": Kind.DELAYED,
    "openrelaytest": Kind.NOTHING,
    "subscribed": Kind.NOTHING,
    **dict.fromkeys(
        ("blocked", "virusnotification", "dmarcpolicy", "manuallydeactivated", "unconfirmed"),
        Kind.BLOCKED,
    ),
}


def _sendgrid(raw: Any) -> Iterator[str]:
    event = at(raw, "event")
    if event == "bounce":
        yield from _by_code(at(raw, "status"))
        yield f"bounce {at(raw, 'type')}"
    elif event == "dropped":
        yield f"dropped {at(raw, 'reason')}"


SENDGRID = {
    **CODES,
    "bounce bounce": Kind.HARD,
    "bounce blocked": Kind.BLOCKED,
    "bounce expired": Kind.SOFT,
    "dropped spam reporting address": Kind.COMPLAINT,
}


def _sparkpost(raw: Any) -> Iterator[str]:
    found = raw.get("msys") if isinstance(raw, Mapping) else None
    event = next(iter(found.values()), None) if isinstance(found, Mapping) else None
    if at(event, "type") == "delay":
        yield "delay"
    yield at(event, "bounce_class")


SPARKPOST = {
    "delay": Kind.DELAYED,
    **dict.fromkeys(("10", "30"), Kind.HARD),
    **dict.fromkeys(("1", "20", "21", "22", "24", "40", "70"), Kind.SOFT),
    **dict.fromkeys(("23", "25", "50", "51", "52", "53", "54"), Kind.BLOCKED),
}


def _unisender_go(raw: Any) -> Iterator[str]:
    yield at(raw, "status")
    yield at(raw, "delivery_info", "delivery_status")


UNISENDER_GO = {
    "soft_bounced": Kind.DELAYED,
    **dict.fromkeys(
        ("err_user_unknown", "err_user_inactive", "err_domain_inactive", "err_mailbox_discarded"),
        Kind.HARD,
    ),
    **dict.fromkeys(
        ("err_mailbox_full", "err_unreachable", "err_destination_misconfigured", "err_lost"),
        Kind.SOFT,
    ),
    "err_delivery_failed": Kind.SOFT,
    **dict.fromkeys(
        ("err_too_large", "err_skip_letter", "err_spam_rejected", "err_spam_skipped"), Kind.BLOCKED
    ),
}


def _notify(raw: Any) -> Iterator[str]:
    yield at(raw, "status")


NOTIFY_STATUSES = {
    "delivered": Kind.DELIVERED,
    "permanent-failure": Kind.HARD,
    "temporary-failure": Kind.SOFT,  # after three days of trying
    "technical-failure": Kind.BLOCKED,
    **dict.fromkeys(("created", "sending", "pending"), Kind.ACCEPTED),
}

# By the name that anymail gives each. Scaleway reports nothing.
PROVIDERS: dict[str, tuple[Words, dict[str, Kind]]] = {
    "Amazon SES": (_amazon_ses, SES),
    "Brevo": (_brevo, BREVO),
    "MailerSend": (_mailersend, MAILERSEND),
    "Mailgun": (_mailgun, MAILGUN),
    "Mailjet": (_mailjet, MAILJET),
    "Mailtrap": (_mailtrap, MAILTRAP),
    "Mandrill": (_mandrill, MANDRILL),
    "Postal": (_postal, POSTAL),
    "Postmark": (_postmark, POSTMARK),
    "Resend": (_resend, SES),
    "SendGrid": (_sendgrid, SENDGRID),
    "SparkPost": (_sparkpost, SPARKPOST),
    "Unisender Go": (_unisender_go, UNISENDER_GO),
    NOTIFY: (_notify, NOTIFY_STATUSES),
}
