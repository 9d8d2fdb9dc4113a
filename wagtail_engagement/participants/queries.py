"""What a person may see of themselves."""

from __future__ import annotations

import datetime
from typing import Any

from ..consent.models import ContactPermission, Purpose
from .models import Interest, Participant, ParticipantInterest, RegisterMail

Origin = ParticipantInterest.Origin


def mail_behind(link: Any) -> RegisterMail | None:
    """The mail that carried a link, while its ledger row is kept."""
    return RegisterMail.objects.filter(uuid=link.uuid).first()


def topics_of(participant: Participant) -> list[tuple[Interest, str]]:
    """Topics to choose from, each with how we know of it ("" if not chosen), by name."""
    kept = participant.interest_links.filter(removed_at=None)
    origins = dict(kept.values_list("interest_id", "origin"))
    offered = Interest.objects.in_use() | Interest.objects.filter(pk__in=origins)
    return [(topic, origins.get(topic.pk, "")) for topic in offered.order_by("name")]


def standing_of(participant: Participant) -> str:
    """Whether the person may be invited: a `ContactPermission.Reason`."""
    rows = participant.permissions.filter(purpose=Purpose.INVITE)
    reason = rows.values_list("reason", flat=True).first()
    return reason or ContactPermission.Reason.NEVER_AGREED


def agreed_until(
    participant: Participant, *, reason: str = ContactPermission.Reason.GRANTED
) -> datetime.datetime | None:
    """When an agreement to be invited ends, or with PAUSED a pause; None where there is none."""
    rows = participant.permissions.filter(purpose=Purpose.INVITE, reason=reason)
    return rows.values_list("recheck_at", flat=True).first()


def awaited_results(participant: Participant) -> int:
    """How many results the person will be told; which ones is for a fresh link to show."""
    return participant.permissions.filter(purpose=Purpose.RESULT, may_write=True).count()


def participation(participant: Participant) -> list[Any]:
    """What the person took part in, newest first; sensitive consultations are on no link."""
    responses = participant.responses.filter(consultation__is_sensitive=False)
    return list(responses.select_related("consultation").order_by("-submitted_at"))


def origins(participant: Participant) -> list[ParticipantInterest]:
    """The person's topics and where each comes from; a sensitive consultation is not named."""
    rows = participant.interest_links.filter(removed_at=None)
    return list(
        rows.exclude(consultation__is_sensitive=True)
        .select_related("interest", "consultation")
        .order_by("interest__name")
    )
