"""What mail providers report back. An event can only ever reduce contact (E09).

Events come late, twice, in any order, and may be nonsense. A delivery only ever moves towards the
worse: accepted, delivered, came back, complained. Our own id, which the message carried, is
believed first, then the provider's.
"""

from __future__ import annotations

import datetime
import uuid
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType, RejectReason, tracking
from django.db import transaction
from django.db.models import F, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from .. import addresses
from ..consent import barring, settling
from ..consent.models import ConsentEvent, Purpose, Suppression
from ..consent.queries import stopped_for_good
from .models import Delivery

State = Delivery.State
Cause = Suppression.Reason

DEAD = (None, RejectReason.INVALID, RejectReason.BOUNCED)
# What a report may still change: everything before it, also what has not left by our own account,
# for the provider knows better. Who was left out was never written to.
UNSETTLED = (State.PENDING, State.LEASED, State.HANDING, State.UNCERTAIN)
LEFT = (*UNSETTLED, State.REFUSED, State.ACCEPTED)
BEFORE = {
    State.ACCEPTED: UNSETTLED,
    State.DELIVERED: LEFT,
    State.BOUNCED: (*LEFT, State.DELIVERED),
    State.COMPLAINED: (*LEFT, State.DELIVERED, State.BOUNCED),
}


def connect() -> None:
    """Listen to anymail's tracking signal."""
    tracking.connect(_received, dispatch_uid="wagtail_engagement.invitations.tracking")


def _received(sender: Any, event: AnymailTrackingEvent, esp_name: str = "", **kwargs: Any) -> None:
    apply(event, at=timezone.now(), provider=esp_name)


@transaction.atomic
def apply(event: AnymailTrackingEvent, *, at: datetime.datetime, provider: str = "") -> None:
    """Take over what a provider says about one message, known or unknown."""
    state, cause = _meaning(event.event_type, event.reject_reason)
    if state is None and cause is None:
        return
    delivery = _delivery_of(event)
    if delivery and state:
        _move(delivery, state, event, at)
    whom = _whom(delivery, event) if cause else None
    if cause and whom:
        if cause != Cause.BOUNCED:
            _withdraw(delivery, at)
        barring.suppress(
            reason=cause,
            purpose=Purpose.INVITE if cause == Cause.UNSUBSCRIBED else None,
            source=_plain(provider)[:80],
            at=at,
            **whom,
        )


def _meaning(kind: Any, reason: Any) -> tuple[State | None, Cause | None]:
    """What an event means for the delivery, and for the address."""
    if kind == EventType.COMPLAINED:
        return State.COMPLAINED, Cause.COMPLAINED
    if kind == EventType.UNSUBSCRIBED:
        return None, Cause.UNSUBSCRIBED
    if kind == EventType.BOUNCED:
        return State.BOUNCED, Cause.BOUNCED if reason in DEAD else None
    if kind == EventType.REJECTED:
        by_reason = {
            RejectReason.SPAM: Cause.COMPLAINED,
            RejectReason.UNSUBSCRIBED: Cause.UNSUBSCRIBED,
            RejectReason.INVALID: Cause.BOUNCED,
            RejectReason.BOUNCED: Cause.BOUNCED,
        }
        return State.BOUNCED, by_reason.get(reason)
    if kind in (EventType.DELIVERED, EventType.AUTORESPONDED):
        return State.DELIVERED, None
    if kind in (EventType.QUEUED, EventType.SENT):
        return State.ACCEPTED, None
    return None, None


def _delivery_of(event: AnymailTrackingEvent) -> Delivery | None:
    rows = Delivery.objects.select_related("participant")
    metadata = event.metadata if isinstance(event.metadata, dict) else {}
    try:
        own = uuid.UUID(str(metadata.get("delivery")))
    except ValueError:
        pass
    else:
        return rows.filter(uuid=own).first()
    message_id = _plain(event.message_id)
    return rows.filter(provider_id=message_id).first() if message_id else None


def _move(
    delivery: Delivery, state: State, event: AnymailTrackingEvent, at: datetime.datetime
) -> None:
    earlier = Delivery.objects.filter(pk=delivery.pk, state__in=BEFORE[state])
    detail = event.reject_reason if state == State.BOUNCED else ""
    earlier.update(
        state=state,
        reason=_plain(detail)[:200],
        handed_at=Coalesce(F("handed_at"), Value(at)),
        lease_until=None,
    )


def _withdraw(delivery: Delivery | None, at: datetime.datetime) -> None:
    """Once, also where a sheet said so already, for a sheet can be undone."""
    person = delivery and delivery.participant
    if person and (Purpose.INVITE, None) not in stopped_for_good(person.pk):
        settling.record(
            participant=person,
            purpose=Purpose.INVITE,
            action=ConsentEvent.Action.WITHDRAWN,
            channel=ConsentEvent.Channel.PROVIDER,
            evidence=f"delivery {delivery.uuid}" if delivery else "",
            at=at,
        )


def _whom(delivery: Delivery | None, event: AnymailTrackingEvent) -> barring.Whom | None:
    """The address that the message went to, which may not be the person's address any more."""
    if delivery:
        person = delivery.participant
        if person and (
            not delivery.fingerprint or delivery.fingerprint in addresses.fingerprints(person.email)
        ):
            return {"address": person.email}
        if delivery.fingerprint:
            return {"fingerprint": delivery.fingerprint, "key_id": delivery.key_id}
    try:
        return {"address": addresses.clean(_plain(event.recipient))}
    except addresses.AddressRefused:
        return None


def _plain(value: Any) -> str:
    """Whatever came, as text that every database takes."""
    return str(value or "").encode("utf-8", "ignore").decode().replace("\x00", "")[:255]
