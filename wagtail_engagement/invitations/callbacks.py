"""Where GOV.UK Notify posts what became of each message. Other providers post to anymail's addresses."""

from __future__ import annotations

import json
import logging
from typing import Any

from anymail.signals import AnymailTrackingEvent, EventType
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseForbidden
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.dateparse import parse_datetime
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from .. import conf
from . import receiving
from .providers import NOTIFY

logger = logging.getLogger(__name__)

EVENT_TYPES = {
    "created": EventType.QUEUED,
    "sending": EventType.SENT,
    "delivered": EventType.DELIVERED,
    "permanent-failure": EventType.BOUNCED,
    "temporary-failure": EventType.BOUNCED,
    "technical-failure": EventType.FAILED,
}


@csrf_exempt
@login_not_required
@require_POST
def notify(request: HttpRequest) -> HttpResponse:
    """Keep one delivery receipt of Notify's, which proves itself by our bearer token."""
    if not conf.notify_callback_token():
        logger.error(
            "A report of %s was ignored: anybody could have sent it."
            " Set WAGTAIL_ENGAGEMENT_NOTIFY_CALLBACK_TOKEN.",
            NOTIFY,
        )
        return HttpResponseForbidden()
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {conf.notify_callback_token()}"):
        return HttpResponseForbidden()
    try:
        receipt = json.loads(request.body)
    except (ValueError, RecursionError):
        return HttpResponseBadRequest()
    if not isinstance(receipt, dict):
        return HttpResponseBadRequest()
    receiving.store(_event(receipt), provider=NOTIFY, at=timezone.now())
    return HttpResponse(status=204)


def _event(receipt: dict[str, Any]) -> AnymailTrackingEvent:
    """A receipt in anymail's words, which every provider's reports are kept in."""
    status, number = (receiving.plain(receipt.get(name)) for name in ("status", "id"))
    reference = receiving.plain(receipt.get("reference"))
    return AnymailTrackingEvent(
        event_type=EVENT_TYPES.get(status, EventType.UNKNOWN),
        event_id=f"{number} {status}" if number else None,
        message_id=number,
        recipient=receipt.get("to"),
        metadata={"delivery": reference} if reference else {},
        timestamp=_moment(receipt.get("completed_at")),
        esp_event={"status": status},
    )


def _moment(text: Any) -> Any:
    try:
        return parse_datetime(text) if isinstance(text, str) else None
    except ValueError:
        return None
