"""The reminder that an editor planned: once, to those who got the invitation and did not answer."""

from __future__ import annotations

import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from wagtail.log_actions import log

from ..consultations.models import Consultation
from ..seal import sealing
from . import sending
from .models import Invitation

MORNING = datetime.time(9)
# Nobody is reminded of what came the day before, however late that left or a date was moved.
SETTLES = datetime.timedelta(days=2)
TIME_TO_ANSWER = datetime.timedelta(days=1)
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
    return [row for row in waiting if (due := due_at(row)) and due <= at]


def due_at(invitation: Invitation) -> datetime.datetime | None:
    """When the planned reminder leaves: in the morning, so many days before the closing date.

    It follows that date, should it be moved, and leaves some days after the invitation at the
    earliest. None where people would then have less than a day to answer.
    """
    consultation = invitation.consultation
    day = _day_before_closing(consultation, invitation.remind_days or 0)
    begun = [moment for moment in (invitation.started_at, invitation.begins_at) if moment]
    due = max([day, *(_morning_of(moment + SETTLES) for moment in begun)])
    return due if due == day or due + TIME_TO_ANSWER <= consultation.closes_at else None


def fits(
    *,
    consultation: Consultation,
    days: int,
    begins: datetime.datetime,
    at: datetime.datetime,
) -> bool:
    """Whether that day is still to come, and late enough after an invitation that begins then."""
    day = _day_before_closing(consultation, days)
    return day > at and day >= _morning_of(begins + SETTLES)


def _day_before_closing(consultation: Consultation, days: int) -> datetime.datetime:
    """Many consultations close at midnight, so that it is the morning, or the same time of day."""
    latest = consultation.closes_at - datetime.timedelta(days=days)
    return min(latest, _morning_of(latest))


def _morning_of(moment: datetime.datetime) -> datetime.datetime:
    home = timezone.get_default_timezone()
    return datetime.datetime.combine(timezone.localtime(moment, home).date(), MORNING, home)


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
