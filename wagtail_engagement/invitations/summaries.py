"""One email in place of several, to people who chose to get their invitations together.

Everybody of an audience has a delivery of their own, so that the sums hold. Those of people who get
summaries wait until so many days have passed since their last email. Then all that waits of one
person is marked in one statement, leaves in one message, and shares what becomes of it.
"""

from __future__ import annotations

import datetime
from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest
from django.utils import timezone

from .. import conf, mail
from ..line import Line
from ..participants.models import Participant
from ..seal import journalling, sealing
from . import handing, ledger, letters, rhythm, summary_letters, timing
from .handing import Hand
from .ledger import Outcome
from .models import Delivery, Invitation

State = Delivery.State

PEOPLE = 50  # at once
# So that what is started on neighbouring days comes in one email.
GATHERS = datetime.timedelta(days=2)


def hold_for_summaries(*, invitation: Invitation, at: datetime.datetime) -> int:
    """Let those wait who chose so, of an invitation that starts, and freeze its part of a summary.

    Returns how many. Each waits until enough days have passed since the last email to them. How
    close the consultation is to its end is looked at later, for closing dates move.
    """
    soon = max(at, invitation.begins_at or at) + GATHERS
    days = datetime.timedelta(days=conf.summary_days())
    mine = Delivery.objects.left_the_building().filter(participant=OuterRef("participant"))
    last = mine.filter(handed_at__isnull=False).order_by("-handed_at")
    next_day: Any = Subquery(last.annotate(day=F("handed_at") + days).values("day")[:1])
    is_by_law = bool(invitation.beyond_cap_reason)
    held = invitation.deliveries.filter(rhythm.waits(is_by_law=is_by_law)).update(
        in_summary=True, retry_at=Coalesce(Greatest(next_day, Value(soon)), Value(soon))
    )
    if held:
        invitation.rendered = summary_letters.with_part(invitation)
    return held


# What the worker does


def work(
    *,
    owner: str,
    at: datetime.datetime | None = None,
    stopping: Callable[[], bool] = lambda: False,
    line: Line | None = None,
) -> int:
    """Hand over the summaries that are due; return how many deliveries came to rest.

    Like `sending.work`, which does all else that invitations need at each round.
    """

    def clock() -> datetime.datetime:
        return at or timezone.now()

    if not sealing.may_send(at=clock()):
        return 0
    ledger.keep_what_is_written()
    _let_go(clock())
    own_line = line or Line()
    done = 0
    try:
        while not stopping() and (settled := _work_chunk(owner, clock, stopping, own_line)):
            done += settled
    finally:
        if line is None:
            own_line.close()
    return done


def _let_go(at: datetime.datetime) -> None:
    """Whoever went back to each by itself, or whose site gave summaries up, waits no longer."""
    waiting = Delivery.objects.filter(state=State.PENDING, in_summary=True)
    if conf.summary_days():
        waiting = waiting.filter(participant__summaries_since=None)
    waiting.update(in_summary=False, carried_by=None, retry_at=at)


def _work_chunk(owner: str, clock: handing.Clock, stopping: Callable[[], bool], line: Line) -> int:
    if timing.is_quiet(clock()) or not _due(clock()).exists():
        return 0
    hand = Hand(owner, line, clock, deque(), letters.Writer(line))
    book = summary_letters.Book(hand.writer)

    def go(granted: int) -> None:
        for rows in _claim(owner, granted, clock()):
            hand.writer.reasons = letters.reasons_for(rows)
            if stopping() or not _next_summary(hand, book, rows):
                break

    return handing.within_limits(hand, PEOPLE, go)


def _ready(at: datetime.datetime) -> QuerySet[Delivery]:
    """What waits for a summary of invitations that go out now and can be answered."""
    return Delivery.objects.filter(
        state=State.PENDING,
        in_summary=True,
        participant__isnull=False,
        invitation__status=Invitation.Status.SENDING,
        invitation__consultation__is_live=True,
        invitation__consultation__opens_at__lte=at,
        invitation__consultation__closes_at__gt=at,
    )


def _due(at: datetime.datetime) -> QuerySet[Delivery]:
    """Those whose day has come, or which leave just enough time to answer."""
    ends = {"invitation__consultation__closes_at__lte": at + timing.TIME_TO_ANSWER}
    return _ready(at).filter(Q(retry_at__lte=at) | Q(attempt=0, **ends))


def _claim(owner: str, people: int, at: datetime.datetime) -> list[list[Delivery]]:
    """Own all that waits of people of whom something is due; return it by person.

    The person is locked, so that two workers never share one summary between them.
    """
    with transaction.atomic():
        due = Participant.objects.filter(pk__in=_due(at).order_by().values("participant"))
        locked = due.order_by("pk").select_for_update(skip_locked=True, no_key=True)
        whose = list(locked.values_list("pk", flat=True)[:people])
        ids = list(_ready(at).filter(participant__in=whose).values_list("pk", flat=True))
        handing.take(ids, owner, at)
        Delivery.objects.filter(pk__in=ids, owner=owner).update(carried_by=None)
    summaries: dict[int | None, list[Delivery]] = defaultdict(list)
    for row in handing.owned(ids, owner):
        summaries[row.participant_id].append(row)
    return [sorted(rows, key=lambda row: row.pk) for rows in summaries.values()]


def _next_summary(hand: Hand, book: summary_letters.Book, rows: list[Delivery]) -> bool:
    """Hand one person's summary over; return whether it makes sense to go on."""
    if any(row.participant is None for row in rows):
        return True  # They were erased just now, and their rows with them.
    try:
        message = book.message(rows)
    except ValueError as error:
        handing.refuse(rows, hand, error)
        return True
    hand.line.ready()
    marked = ledger.turn(hand.outcomes, rows, hand.owner, hand.clock())
    hand.outcomes = []
    for row in rows:
        if row not in marked:
            hand.settled += handing.leave_out(row, hand.owner, hand.clock())
    if not marked:
        return True
    if len(marked) < len(rows):
        message = book.message(marked)
    _bind(marked)
    try:
        journalling.handed_over(marked)
    except journalling.NotWritten as error:
        stays = mail.Receipt(mail.Verdict.RENEW, reason=str(error))
        hand.outcomes = [Outcome(row, stays) for row in marked]
        return False
    receipt = hand.line.hand_over(message)
    hand.outcomes = [Outcome(row, receipt) for row in marked]
    handing.tell_journal(hand.outcomes)
    hand.settled += len(marked) - 1 if receipt.verdict not in handing.TURNED_AWAY else 0
    return handing.takes_stock(hand, [receipt])


def _bind(marked: list[Delivery]) -> None:
    """Let the first of them stand for the message, by whose id the provider reports."""
    first, *others = marked
    Delivery.objects.filter(pk__in=[row.pk for row in others]).update(carried_by=first)
