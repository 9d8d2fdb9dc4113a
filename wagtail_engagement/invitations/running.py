"""What time and other people's doings make of invitations: begun, closed, finished, recovered.

Every worker does all of it at each round, so that nothing depends on a task queue.
"""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from .. import conf, signals
from ..consultations.models import Consultation
from ..seal import journalling
from . import halting, ledger, limiting, rendering, timing
from .models import Delivery, Invitation

State = Delivery.State
Status = Invitation.Status

WAITING = (Status.SCHEDULED, Status.PAUSED)
RUNNING = (Status.SENDING, *WAITING)
# In a frozen letter, beside what it tells: the changes that somebody was asked about.
ASKED = "asked_about"


def begin_due(*, at: datetime.datetime) -> None:
    """Begin what was scheduled. What was missed by hours waits for a person instead."""
    for invitation in Invitation.objects.filter(status=Status.SCHEDULED).select_related(
        "consultation"
    ):
        due = invitation.begins_at
        if due is None or due > at or invitation.consultation.opens_at > at:
            continue
        scheduled = Invitation.objects.filter(pk=invitation.pk, status=Status.SCHEDULED)
        if timing.is_too_late(due, at):
            day = date_format(timezone.localtime(due), "j F Y, H:i")
            text = _(
                "It should have begun on %(day)s, and nothing sent it. Begin it now, or stop it."
            )
            scheduled.update(status=Status.PAUSED, status_reason=text % {"day": day})
        else:
            scheduled.update(status=Status.SENDING)


def recover(*, at: datetime.datetime) -> None:
    """Take over what dead workers left. What they were handing over is in doubt for good.

    Where a site chose to send again rather than to hold, it is tried a few times.
    """
    # A lease that ends later than any that is given now was given by a clock that was wrong.
    wrong = at + datetime.timedelta(seconds=conf.lease_seconds()) + limiting.DRIFT
    over = Delivery.objects.filter(Q(lease_until__lte=at) | Q(lease_until__gt=wrong))
    over.filter(state=State.LEASED).update(state=State.PENDING, owner="", lease_until=None)
    handing = over.filter(state=State.HANDING)
    again = [n for n in range(1, ledger.MOST_COPIES) if ledger.may_send_again(n)]
    if again:
        once_more = handing.filter(attempt__in=again)
        journalling.not_taken(once_more, for_good=False)
        once_more.update(state=State.PENDING, owner="", lease_until=None, handed_at=None)
    # The owner stays: should it be alive after all, it may still say what it knows.
    handing.update(
        state=State.UNCERTAIN,
        lease_until=None,
        reason="the worker stopped while the message was being handed over",
    )
    _bring_forward(at)


def _bring_forward(at: datetime.datetime) -> None:
    """Let nobody wait for longer than anybody ever has to, because a clock was ahead for a while."""
    longest = datetime.timedelta(seconds=ledger.LONGEST_WAIT) + limiting.DRIFT
    for pk in Invitation.objects.filter(status=Status.SENDING).values_list("pk", flat=True):
        waiting = Delivery.objects.filter(invitation=pk, state=State.PENDING, in_summary=False)
        waiting.filter(retry_at__gt=at + longest).update(retry_at=at)


def finish(*, at: datetime.datetime) -> None:
    """Close what has come to its end, and pause what has lost its page."""
    skip_stopped()
    running = Invitation.objects.filter(status__in=RUNNING)
    closed = running.filter(consultation__in=Consultation.objects.closed_at(at))
    Delivery.objects.filter(state=State.PENDING, invitation__in=closed.values("pk")).update(
        state=State.SKIPPED, reason=Delivery.Reason.CLOSED
    )
    offline = Consultation.objects.filter(is_live=False, closes_at__gt=at)
    running.filter(status=Status.SENDING, consultation__in=offline).update(
        status=Status.PAUSED, status_reason=_("The consultation's page is not published now.")
    )
    _pause_where_letters_are_wrong(running.filter(status=Status.SENDING))
    halting.look_at_refusals()
    unsettled = Delivery.objects.live().filter(invitation=OuterRef("pk"))
    for invitation in running.filter(~Exists(unsettled)):
        ended = running.filter(~Exists(unsettled), pk=invitation.pk)
        if ended.update(status=Status.FINISHED, finished_at=at):
            invitation.refresh_from_db()
            send = signals.invitation_finished.send_robust
            transaction.on_commit(partial(send, sender=Invitation, invitation=invitation))


def _pause_where_letters_are_wrong(sending: QuerySet[Invitation]) -> None:
    """Ask a person, once for each change, where a frozen letter does not hold any more."""
    live = sending.filter(consultation__is_live=True).select_related("consultation")
    for invitation in live:
        told = invitation.rendered.get(rendering.TOLD)
        now = rendering.facts_of(invitation.consultation)
        wrong = _wrong(told, now) if told and now != invitation.rendered.get(ASKED) else ""
        if wrong:
            how = _("Stop it and write anew to those who missed it, or go on.")
            sending.filter(pk=invitation.pk).update(
                status=Status.PAUSED,
                status_reason=f"{wrong} {how}"[:200],
                rendered={**invitation.rendered, ASKED: now},
            )


def _wrong(told: dict[str, Any], now: dict[str, Any]) -> str:
    """What is wrong in a letter, for its words are frozen: only a new invitation says it right."""
    if told["is_told"] and not now["is_told"]:
        return _(
            "The consultation is sensitive or anonymous now, and the email was written before."
        )
    if now["day"] != told["day"]:
        days = {"now": now["day"], "told": told["day"]}
        return _("The consultation closes on %(now)s now, and the email says %(told)s.") % days
    if now["page"] != told["page"]:
        return _("The consultation's page has moved, and the email leads to its old address.")
    return ""


def skip_stopped() -> None:
    """Nobody who still waits in a stopped invitation is written to."""
    stopped = Invitation.objects.filter(status=Status.STOPPED).values("pk")
    Delivery.objects.filter(state__in=(State.PENDING, State.LEASED), invitation__in=stopped).update(
        state=State.SKIPPED, reason=Delivery.Reason.STOPPED, owner="", lease_until=None
    )
