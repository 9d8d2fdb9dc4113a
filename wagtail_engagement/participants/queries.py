"""What a person may see of themselves."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

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


def origins(participant: Participant) -> list[tuple[Interest, str]]:
    """The person's topics and where each comes from; a sensitive consultation is not named."""
    rows = participant.interest_links.filter(removed_at=None)
    rows = rows.exclude(consultation__is_sensitive=True)
    rows = rows.select_related("interest", "consultation", "batch").order_by("interest__name")
    return [(row.interest, told(row)) for row in rows]


def told(link: ParticipantInterest) -> str:
    """Say to a person where an interest of theirs comes from, and of which month."""
    facts = {"month": date_format(timezone.localtime(link.since), "F Y")}
    if link.batch is not None:
        facts["sheet"] = link.batch.from_where(link.since)
        return _("it stood beside your address on a list: %(sheet)s") % facts
    if link.consultation is not None and not link.consultation.is_sensitive:
        facts["title"] = link.consultation.title
        if link.origin == Origin.DECLARED:
            return _("you chose it on the form of %(title)s, %(month)s") % facts
        return _("we think so because you took part in %(title)s, %(month)s") % facts
    if link.origin == Origin.DECLARED:
        return _("you chose it, %(month)s") % facts
    if link.origin == Origin.INFERRED:
        return _("we think so because you took part in a consultation, %(month)s") % facts
    return _("somebody at the council noted it, %(month)s") % facts
