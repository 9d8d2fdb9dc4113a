"""One message to one person: owned, marked, handed over, and what became of it.

A delivery goes pending, leased, handing, and then rests. Until `handing` nothing has left, so that
a lease that ran out is simply given to another worker. What was left in `handing` may have been
sent: it becomes uncertain and, unless the site chose otherwise, is never sent again. `ledger` has
the two statements on which that rests. Times are the worker's own clock; leases allow a minute for
its drift.
"""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from .. import addresses, batch, conf, mail
from ..consent.models import ContactPermission, Purpose
from ..consultations.models import ConsultationResponse
from ..line import Line
from ..participants import links
from ..seal import journalling
from . import batching, ledger, letters, limiting, timing
from .ledger import Outcome
from .models import Delivery, Invitation

State = Delivery.State
Verdict = mail.Verdict
Clock = Callable[[], datetime.datetime]

MOST_IN_DOUBT = 3  # groups of messages in a row, before somebody has to look
TURNED_AWAY = (Verdict.UNABLE, Verdict.RENEW)


@dataclass
class Hand:
    """A worker with one chunk: what it owns, and what it has not written down yet."""

    owner: str
    line: Line
    clock: Clock
    rows: deque[Delivery]
    writer: letters.Writer
    outcomes: list[Outcome] = field(default_factory=list)
    settled: int = 0
    left: int = 0
    in_doubt: int = 0


def work_chunk(
    owner: str, size: int, clock: Clock, stopping: Callable[[], bool], line: Line
) -> int:
    """Own some rows and hand them over; return how many came to rest or have to wait.

    The connection is open before anything is marked, so that a server that is down leaves nothing
    in doubt, and is renewed after every answer that may have broken it.
    """
    if timing.is_quiet(clock()) or not _due(clock()).exists():
        return 0
    hand = Hand(owner, line, clock, deque(), letters.Writer(line))

    def go(granted: int) -> None:
        rows = _claim(owner, granted, clock())
        reasons = hand.writer.reasons = letters.reasons_for(rows)
        if batch.most() > 1:  # So that those who may share a call stand together.
            rows = deque(sorted(rows, key=lambda row: reasons.get(row.pk, "")))
        hand.rows = rows
        while hand.rows and not stopping() and _next_group(hand):
            pass

    return within_limits(hand, size, go)


def within_limits(hand: Hand, wanted: int, go: Callable[[int], None]) -> int:
    """Let a worker hand over as many messages as may leave now; return how many rows settled.

    Whatever happens, what became of them is written down, and what was not tried is given back.
    """
    granted = limiting.take(wanted=wanted, at=hand.clock())
    if not granted:
        return 0
    try:
        hand.line.ready()
        go(granted)
    except mail.ServerUnreachable as error:
        limiting.wait(reason=str(error), at=hand.clock())
    finally:
        ledger.note(hand.outcomes, hand.owner, hand.clock())
        _release(Delivery.objects.filter(owner=hand.owner))
        limiting.give_back(unused=granted - hand.left, at=hand.clock())
    if hand.left:
        limiting.works_again()
    return hand.settled


def _due(at: datetime.datetime) -> QuerySet[Delivery]:
    """The deliveries that are due of one running invitation, a different one each time.

    One at a time, so that the index serves however many people wait in others that are paused.
    What waits for a summary is left to `summaries`.
    """
    waiting = Delivery.objects.filter(state=State.PENDING, retry_at__lte=at, in_summary=False)
    running = Invitation.objects.filter(status=Invitation.Status.SENDING).order_by("?")
    for pk in running.values_list("pk", flat=True):
        due = waiting.filter(invitation=pk)
        if due.exists():
            return due.order_by("retry_at", "id")
    return Delivery.objects.none()


def _claim(owner: str, size: int, at: datetime.datetime) -> deque[Delivery]:
    """Own the next rows for a while."""
    with transaction.atomic():
        ids = list(
            _due(at)
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:size]
        )
        take(ids, owner, at)
    return deque(owned(ids, owner))


def take(ids: list[int], owner: str, at: datetime.datetime) -> None:
    """Own waiting rows for a while."""
    Delivery.objects.filter(pk__in=ids, state=State.PENDING).update(
        state=State.LEASED,
        owner=owner,
        attempt=F("attempt") + 1,
        lease_until=at + datetime.timedelta(seconds=conf.lease_seconds()),
    )


def owned(ids: list[int], owner: str) -> list[Delivery]:
    """Return owned rows with all that their message needs."""
    mine = Delivery.objects.filter(pk__in=ids, owner=owner, state=State.LEASED)
    rows = list(mine.select_related("participant").order_by("retry_at", "id"))
    found = Invitation.objects.select_related("consultation", "team")
    invitations = found.in_bulk({row.invitation_id for row in rows})
    for row in rows:
        row.invitation = invitations[row.invitation_id]
        row.key_id = links.usable_key(row.key_id)
        if row.participant:
            row.fingerprint, row.key_id = addresses.fingerprint(row.participant.email, row.key_id)
    return rows


def _release(rows: QuerySet[Delivery]) -> None:
    """Give back what was owned and not tried."""
    rows.filter(state=State.LEASED).update(
        state=State.PENDING, owner="", lease_until=None, attempt=F("attempt") - 1
    )


def _next_group(hand: Hand) -> bool:
    """Hand the next messages over; return whether it makes sense to go on."""
    messages: dict[int, letters.Message] = {}
    ready: list[Delivery] = []
    is_batch = batch.most() > 1
    for row in _group(hand.rows):
        if is_batch and row.participant:  # Written where it turns out that it goes by itself.
            ready.append(row)
        elif message := _message_to(row, hand):
            ready.append(row)
            messages[row.pk] = message
    if not ready:
        return True
    hand.line.ready()
    marked = ledger.turn(hand.outcomes, ready, hand.owner, hand.clock())
    hand.outcomes = []
    leaving = {row.pk for row in marked}
    for row in ready:
        if row.pk not in leaving:
            hand.settled += leave_out(row, hand.owner, hand.clock())
    try:
        journalling.handed_over(marked)
    except journalling.NotWritten as error:  # A disk that is full, for one: nothing leaves.
        stays = mail.Receipt(Verdict.RENEW, reason=str(error))
        hand.outcomes = [Outcome(row, stays) for row in marked]
        return False
    receipts: list[mail.Receipt] = []
    for row, receipt in zip(
        marked, batching.hand_over(marked, messages, hand.writer, hand.line), strict=True
    ):
        receipts.append(receipt)
        hand.outcomes.append(Outcome(row, receipt))
    tell_journal(hand.outcomes)
    return takes_stock(hand, receipts)


def tell_journal(outcomes: list[Outcome]) -> None:
    """Tell the journal what did not leave after all, before its rows say so."""
    back = [outcome.row for outcome in outcomes if outcome.state == State.PENDING]
    refused = [outcome.row for outcome in outcomes if outcome.state == State.REFUSED]
    if back:
        journalling.not_taken(back, for_good=False)
    if refused:
        journalling.not_taken(refused, for_good=True)


def _group(rows: deque[Delivery]) -> list[Delivery]:
    """The next few rows of one invitation: as many as may be in doubt at once."""
    group, most = [rows.popleft()], batch.most()
    if most == 1:
        most = conf.in_doubt()
    while rows and len(group) < most and rows[0].invitation_id == group[0].invitation_id:
        group.append(rows.popleft())
    return group


def _message_to(row: Delivery, hand: Hand) -> letters.Message | None:
    """The message of one row. Somebody who is gone, or whose address cannot be written, gets none
    and holds up nobody else."""
    if row.participant is None:
        hand.settled += leave_out(row, hand.owner, hand.clock())
        return None
    try:
        return hand.writer.message(row)
    except ValueError as error:
        refuse([row], hand, error)
        return None


def refuse(rows: list[Delivery], hand: Hand, error: ValueError) -> None:
    """Write down that no message can be written to an address."""
    for row in rows:
        _leased(row, hand.owner).update(
            state=State.REFUSED, reason=mail.scrub(error), lease_until=None
        )
    hand.settled += len(rows)


def takes_stock(hand: Hand, receipts: list[mail.Receipt]) -> bool:
    """Count what became of a group, and see whether it makes sense to go on."""
    verdicts = [receipt.verdict for receipt in receipts]
    tried = [verdict for verdict in verdicts if verdict not in TURNED_AWAY]
    hand.left += len(tried)
    hand.settled += len(tried)
    if Verdict.UNKNOWN in verdicts:
        hand.in_doubt += 1
    elif tried:
        hand.in_doubt = 0
    if Verdict.UNABLE in verdicts:
        reason = next(r.reason for r in receipts if r.verdict == Verdict.UNABLE)
        limiting.wait(reason=reason, at=hand.clock())
        return False
    if hand.in_doubt == MOST_IN_DOUBT:
        _pause({outcome.row.invitation_id for outcome in hand.outcomes})
        return False
    return True


def _pause(invitations: set[int]) -> None:
    """Wait for a person: a server that keeps breaking off would leave everybody in doubt."""
    Invitation.objects.filter(pk__in=invitations, status=Invitation.Status.SENDING).update(
        status=Invitation.Status.PAUSED,
        status_reason=_("The mail server broke off several times in a row. See if it works again."),
    )


# Who is not written to after all


def _leased(row: Delivery, owner: str) -> QuerySet[Delivery]:
    return Delivery.objects.filter(pk=row.pk, owner=owner, attempt=row.attempt, state=State.LEASED)


def leave_out(row: Delivery, owner: str, at: datetime.datetime) -> int:
    """Write down that somebody is not written to, or give back a row for which that may change.

    What is paused, stopped, closed or without its page is seen to by `running.finish`; somebody
    with a new address is written to there at the next turn. Returns 1 for a row that rests now.
    """
    leased = _leased(row, owner)
    no_more: dict[str, Any] = {"state": State.SKIPPED, "owner": "", "lease_until": None}
    gone = leased.filter(participant=None).update(reason=Delivery.Reason.ERASED, **no_more)
    barred = leased.filter(~_permitted(row, at)).update(
        reason=Delivery.Reason.NO_PERMISSION, **no_more
    )
    answers = ConsultationResponse.objects.counted().filter(
        participant=OuterRef("participant"), consultation=row.invitation.consultation_id
    )
    first = Delivery.objects.filter(
        participant=OuterRef("participant"),
        invitation=row.invitation.reminds_id,
        has_answered=True,
    )
    has_answered = leased.filter(Q(Exists(answers)) | Q(Exists(first)))
    answered = has_answered.update(reason=Delivery.Reason.ANSWERED, **no_more)
    _release(leased)
    return int(bool(gone or barred or answered))


def _permitted(row: Delivery, at: datetime.datetime) -> Exists:
    asked = {"is_by_consent": True} if row.invitation.is_promotional else {}
    rows = ContactPermission.objects.filter(
        Q(recheck_at=None) | Q(recheck_at__gt=at),
        participant=OuterRef("participant"),
        purpose=Purpose.INVITE,
        consultation=None,
        may_write=True,
        **asked,
    )
    return Exists(rows)
