"""Telling a team's shared mailbox that one of its invitations waits for somebody.

Every worker looks what waits, whatever made it wait, so that nothing that pauses an invitation has
to think of it. A notice stands for as long as its invitation waits: one mail each time. The mail
holds nothing of anybody, and no title of a sensitive consultation.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from .. import conf, mail
from ..seal import sealing
from . import approval, limiting, reminding
from .models import Invitation
from .signs import TeamNotice

Event = TeamNotice.Event
# A worker that died with a notice in hand leaves it for the next one after this.
LEASE = datetime.timedelta(minutes=10)
LONGEST_WAIT = datetime.timedelta(hours=6)
MOST_AT_ONCE = 20
EDIT = "wagtailsnippets_wagtail_engagement_invitation:edit"
# Asks mail programs not to answer with an absence note (RFC 3834, and Microsoft's own header).
HEADERS = {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "OOF, AutoReply"}


def work(*, at: datetime.datetime, stopping: Callable[[], bool] = lambda: False) -> int:
    """Note what waits now and mail what was not mailed yet; return how many mails were tried."""
    if not sealing.may_send(at=at):
        return 0
    _note(at)
    due = TeamNotice.objects.filter(settled_at=None, retry_at__lte=at)
    if limiting.trouble(at) or not due.exists():
        return 0
    rows = due.select_related("invitation__consultation", "invitation__team").order_by("pk")
    tried = 0
    for notice in rows[:MOST_AT_ONCE]:
        if stopping():
            break
        tried += _tell(notice, at)
    return tried


# What waits


def _waiting(at: datetime.datetime) -> dict[str, QuerySet[Invitation]]:
    """Invitations that wait for somebody, of teams that can be told. Where a person paused it,
    nobody has to be told."""
    told = Invitation.objects.exclude(team=None).exclude(team__mailbox="")
    told = told.filter(consultation__closes_at__gt=at)
    paused = told.filter(status=Invitation.Status.PAUSED).exclude(status_reason="")
    asked = [row.pk for row in approval.asked(at=at) if approval.is_asked_for(row)]
    failed = told.filter(pk__in=reminding.failed(at=at).values("pk"))
    return {Event.PAUSED: paused, Event.ASKED: told.filter(pk__in=asked), Event.FAILED: failed}


def _note(at: datetime.datetime) -> None:
    """Make a notice for all that waits, and take away those that are over."""
    for event, waiting in _waiting(at).items():
        notices = TeamNotice.objects.filter(event=event)
        notices.exclude(invitation__in=waiting.values("pk")).delete()
        if event == Event.ASKED:  # Asked again is another time.
            notices.filter(made_at__lt=F("invitation__asked_at")).delete()
        untold = waiting.filter(~Exists(notices.filter(invitation=OuterRef("pk"))))
        TeamNotice.objects.bulk_create(
            (TeamNotice(invitation=row, event=event, made_at=at, retry_at=at) for row in untold),
            ignore_conflicts=True,  # Another worker saw it too.
        )


# Telling


def _tell(notice: TeamNotice, at: datetime.datetime) -> int:
    """Mail one notice, unless another worker has it; return 1 where it was tried."""
    mine = TeamNotice.objects.filter(pk=notice.pk, settled_at=None, retry_at=notice.retry_at)
    if not mine.update(retry_at=at + LEASE, attempt=F("attempt") + 1):
        return 0
    receipt = mail.send_now(message(notice))
    taken = TeamNotice.objects.filter(pk=notice.pk, attempt=notice.attempt + 1)
    if receipt.verdict in (mail.Verdict.ACCEPTED, mail.Verdict.REFUSED, mail.Verdict.UNKNOWN):
        taken.update(settled_at=at)
    else:  # Certainly nothing left: later, and later still.
        wait = min(LEASE * 2 ** min(notice.attempt, 10), LONGEST_WAIT)
        taken.update(retry_at=at + wait)
    return 1


def message(notice: TeamNotice) -> mail.EngagementMessage:
    """What the mailbox is told."""
    invitation = notice.invitation
    team: Any = invitation.team
    is_named = not invitation.consultation.is_sensitive
    subject = _("“%(subject)s” waits for somebody") if is_named else _("An invitation waits")
    is_asked = notice.event == Event.ASKED
    has_failed = notice.event == Event.FAILED
    number = invitation.asked_count if is_asked else invitation.deliveries.live().count()
    context = {
        "subject": subject % {"subject": invitation},
        "team": team,
        "is_asked": is_asked,
        "has_failed": has_failed,
        "why": mail.scrub_text(
            invitation.reminder_failed if has_failed else invitation.status_reason
        ),
        "people": number_format(number, force_grouping=True),
        "closes_at": invitation.consultation.closes_at,
        "url": _admin_address() + reverse(EDIT, args=[invitation.pk]),
    }
    template = "wagtail_engagement/mail/waiting"
    return mail.build(
        to=team.mailbox,
        subject=context["subject"],
        text=render_to_string(f"{template}.txt", context),
        html=render_to_string(f"{template}.html", context),
        headers=HEADERS,
    )


def _admin_address() -> str:
    """Where Wagtail's admin is; a site may have it on a host of its own."""
    return str(getattr(settings, "WAGTAILADMIN_BASE_URL", "") or conf.base_url()).rstrip("/")
