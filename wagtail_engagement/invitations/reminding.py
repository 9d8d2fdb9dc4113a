"""The reminder that an editor planned: once, to those who got the invitation and did not answer."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from ..seal import sealing
from . import sending
from .models import Invitation

MORNING = datetime.time(9)
ENOUGH = 2**31  # Nobody is shown a number: whoever is left by then is reminded.


def planned(*, at: datetime.datetime) -> list[Invitation]:
    """Invitations whose reminder is due: planned, not called off, not made already."""
    waiting = Invitation.objects.filter(
        remind_days__isnull=False,
        reminds=None,
        reminders=None,
        status__in=(Invitation.Status.SENDING, Invitation.Status.FINISHED),
        consultation__closes_at__gt=at,
        consultation__is_live=True,
    ).select_related("consultation")
    return [invitation for invitation in waiting if due_at(invitation) <= at]


def due_at(invitation: Invitation) -> datetime.datetime:
    """When the planned reminder leaves: in the morning, so many days before the closing date.

    It follows that date, should it be moved. Many consultations close at midnight.
    """
    days = datetime.timedelta(days=invitation.remind_days or 0)
    latest = invitation.consultation.closes_at - days
    home = timezone.get_default_timezone()
    morning = datetime.datetime.combine(timezone.localtime(latest, home).date(), MORNING, home)
    return min(latest, morning)


def work(*, at: datetime.datetime) -> int:
    """Start the reminders that are due, by the same rules as any invitation; return how many."""
    if not sealing.may_send(at=at):
        return 0  # They wait, as all mail does, until this database may send again.
    return sum(_remind(invitation, at) for invitation in planned(at=at))


def _remind(invitation: Invitation, at: datetime.datetime) -> bool:
    """Start one reminder. Where it cannot start the plan ends, and waits for somebody to look."""
    try:
        with transaction.atomic():
            draft = sending.remind(invitation=invitation, actor=None, at=at)
            sending.start(invitation=draft, shown_count=ENOUGH, actor=None, at=at)
    except sending.NotPossible:
        return False  # Another worker was quicker, or nobody has got the invitation yet.
    except sending.CannotStart as refused:
        _give_up(invitation, " ".join(refused.problems))
        return False
    return True


@transaction.atomic
def _give_up(invitation: Invitation, why: str) -> None:
    still_planned = Invitation.objects.filter(pk=invitation.pk, remind_days__isnull=False)
    if still_planned.update(remind_days=None, reminder_failed=why[:200]):
        action = "wagtail_engagement.invitation_reminder_failed"
        log(invitation, action, title=str(invitation), data={"why": why[:200]})


def failed(*, at: datetime.datetime) -> QuerySet[Invitation]:
    """Invitations whose planned reminder could not start, while people can still be reminded."""
    rows = Invitation.objects.filter(reminders=None, consultation__closes_at__gt=at)
    return rows.exclude(reminder_failed="").select_related("consultation")
