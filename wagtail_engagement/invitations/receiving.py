"""What providers report, taken in: kept once, answered at once, applied by a worker (`tracking`).

Providers post again what is not answered well, the good events of a batch with the bad one, so
that nothing in a report may raise here; only a database that is down does, and then rightly.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import logging
from collections.abc import Mapping
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, tracking
from anymail.utils import get_anymail_setting
from django.db import Error as DatabaseError
from django.utils import timezone

from .. import mail, nudge
from .events import ProviderEvent

logger = logging.getLogger(__name__)

# Nobody is watched opening a mail or following its links: not even that it was reported is kept.
NEVER_KEPT = (EventType.OPENED, EventType.CLICKED)
# Anymail's setting by which a provider signs all that it posts. Mailgun is not among them: it signs
# a number and a time, so that whoever saw one of its posts could put anything beside them.
SIGNED_BY = {
    "MailerSend": "signing_secret",
    "Mailtrap": "tracking_secret",
    "Mandrill": "webhook_key",
    "Postal": "webhook_key",
    "Resend": "signing_secret",
    "SendGrid": "tracking_webhook_verification_key",
    "Unisender Go": "api_key",
}
# Within this time one nudge is enough for however many events.
NUDGED = datetime.timedelta(seconds=10)
NO_ID = ("", "0", "None", "null")
DEEPEST, LONGEST, MOST = 8, 2000, 200


def connect() -> None:
    """Listen to anymail's tracking signal."""
    tracking.connect(_received, dispatch_uid="wagtail_engagement.invitations.receiving")


def _received(sender: Any, event: AnymailTrackingEvent, esp_name: str = "", **kwargs: Any) -> None:
    if not is_guarded(esp_name):
        logger.error(
            "A report of %s was ignored: anybody could have sent it. Set ANYMAIL['WEBHOOK_SECRET'].",
            plain(esp_name)[:30] or "an unknown provider",
        )
        return
    try:
        store(event, provider=esp_name, at=timezone.now())
    except DatabaseError:
        raise
    except Exception as error:  # noqa: BLE001  The other events of the batch are to be kept.
        logger.error("A report of %s cannot be read: %s", plain(esp_name)[:30], mail.scrub(error))


def is_guarded(provider: str) -> bool:
    """Whether a provider's posts prove who sent them, by anymail's secret or a signature."""
    if get_anymail_setting("webhook_secret", default=None):
        return True
    name = SIGNED_BY.get(provider)
    return bool(
        name and get_anymail_setting(name, esp_name=provider, default=None, allow_bare=True)
    )


def store(event: AnymailTrackingEvent, *, provider: str, at: datetime.datetime) -> None:
    """Keep one event unless it is known, and wake a worker."""
    if event.event_type in NEVER_KEPT:
        return
    payload = {
        "type": plain(event.event_type),
        "reason": plain(event.reject_reason),
        "message_id": plain(event.message_id),
        "recipient": plain(event.recipient),
        "delivery": _own_id(event),
        "raw": _bounded(event.esp_event),
    }
    is_fresh = ProviderEvent.objects.waiting(at).filter(received_at__gt=at - NUDGED)
    is_nudged = is_fresh.exists()
    row = ProviderEvent(
        key=key_of(event, provider),
        provider=plain(provider)[:30],
        payload=json.dumps(payload),
        happened_at=_moment(event.timestamp),
        received_at=at,
        retry_at=at,
    )
    ProviderEvent.objects.bulk_create([row], ignore_conflicts=True)
    if not is_nudged:
        nudge.after_commit()


def key_of(event: AnymailTrackingEvent, provider: str) -> str:
    """What is the same for an event that comes twice, and for no other.

    Mailgun's id is the token that its signature is about, by itself: a second body beside the same
    token is a replay. Elsewhere one id may stand for several recipients (Amazon) or records.
    """
    event_id = plain(event.event_id)
    told: tuple[Any, ...]
    if event_id in NO_ID:
        moment = _moment(event.timestamp)
        told = (
            _own_id(event),
            event.message_id,
            event.recipient,
            event.event_type,
            moment and moment.isoformat(),
            event.click_url,
            event.description,
        )
    elif provider == "Mailgun":
        told = (event_id,)
    else:
        told = (event_id, event.recipient, event.event_type)
    parts = [plain(provider), *map(plain, told)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _own_id(event: AnymailTrackingEvent) -> str:
    """What the message carried of ours, if the provider hands it back."""
    metadata = event.metadata if isinstance(event.metadata, Mapping) else {}
    return plain(metadata.get("delivery"))


def plain(value: Any) -> str:
    """Whatever came, as text that every database takes."""
    text = str(value) if isinstance(value, (str, int, float)) else ""
    return text.encode("utf-8", "ignore").decode().replace("\x00", "")[:255]


def _moment(value: Any) -> datetime.datetime | None:
    """A time as every database takes it, None for what is none."""
    if not isinstance(value, datetime.datetime) or timezone.is_naive(value):
        return None
    return value if 1970 < value.year < 9000 else None


def _bounded(value: Any, depth: int = 0) -> Any:
    """What a provider sent, as JSON and of a size that we can keep.

    Of a form field that came several times the first counts: Mailgun adds our own fields behind.
    """
    if hasattr(value, "lists"):
        value = {name: found[0] for name, found in value.lists() if found}
    if isinstance(value, (bool, int)) or value is None:
        return value if value is None or abs(value) < 2**63 else None
    if depth == DEEPEST:
        return None
    if isinstance(value, Mapping):
        pairs = list(value.items())[:MOST]
        return {str(name)[:LONGEST]: _bounded(inner, depth + 1) for name, inner in pairs}
    if isinstance(value, (list, tuple)):
        return [_bounded(inner, depth + 1) for inner in value[:MOST]]
    return str(value)[:LONGEST]
