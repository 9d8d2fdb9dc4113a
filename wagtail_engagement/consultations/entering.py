"""Answers that came on paper, by letter or by telephone, and that staff typed in."""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.utils import timezone
from wagtail.log_actions import log

from . import responses
from .models import Consultation, ConsultationResponse, State
from .responses import Submission

LATE = datetime.timedelta(days=28)
NOON = datetime.time(12)


@dataclass(frozen=True)
class Origin:
    """Where a typed-in answer comes from. `note` says why it counts though it is late."""

    channel: str
    received_on: datetime.date
    note: str = ""


def is_late(consultation: Consultation, at: datetime.datetime) -> bool:
    """Whether answers may be entered only with a note now: closed, and neither long nor answered."""
    is_recent = at < consultation.closes_at + LATE
    return consultation.state_at(at) == State.CLOSED and is_recent


def enter(
    *, submission: Submission, origin: Origin, keeps_route: bool, actor: Any, at: datetime.datetime
) -> ConsultationResponse:
    """Store an answer that staff typed in, and log who did; return its response.

    It counts from the day on which it came. Where nothing may be kept of how people arrive
    (`keeps_route`), neither channel nor reference is, so that the log names nobody's answers.
    Raises ConsultationClosed, after closing also without a note.
    """
    consultation = submission.consultation
    noon = timezone.make_aware(datetime.datetime.combine(origin.received_on, NOON))
    submission = replace(
        submission,
        route=ConsultationResponse.Route.STAFF,
        route_key=origin.channel if keeps_route else "",
        source=f"{origin.channel} {origin.received_on.isoformat()}",
        received_at=min(max(noon, consultation.opens_at), at),
    )
    late = is_late(consultation, at) and bool(origin.note)
    with transaction.atomic():
        pressed_twice = ConsultationResponse.objects.filter(submission_hash=submission.digest)
        known = pressed_twice.first()
        response = known or responses.record(submission=submission, at=at, is_late=late)
        if known is None:
            _log(response, origin, keeps_route, actor)
    return response


def _log(response: ConsultationResponse, origin: Origin, keeps_route: bool, actor: Any) -> None:
    said = {"after_closing": origin.note} if origin.note else {}
    if keeps_route:
        said |= {"channel": origin.channel, "received_on": origin.received_on.isoformat()}
    about = response if keeps_route else response.consultation
    action = "wagtail_engagement.response_entered"
    log(about, action, user=actor, title=str(about), data=said)
