"""Sending the register's own mails: one at a time, under caps, and never lost (trust 1.5, 1.8).

A `RegisterMail` is both the work to do and the ledger that the caps count. It moves from waiting
to handing, and from there to sent, refused, back to waiting (certainly nothing left), or to
uncertain. One in doubt is handed over once more after a while; a second mail of this kind does
less harm than none.
"""

from __future__ import annotations

import datetime
import os
import secrets
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction
from django.db.models import Case, Exists, Min, OuterRef, Q, QuerySet, Sum, Value, When
from django.db.models.functions import Greatest

from .. import addresses, conf, mail
from ..consent.models import Suppression
from ..seal import sealing
from . import links, registry, rendering, renewing
from .merges import AddressChange
from .models import Claim, Link, RegisterMail

State = RegisterMail.State
Kind = RegisterMail.Kind

HOUR = datetime.timedelta(hours=1)
DAY = datetime.timedelta(days=1)
MONTH = datetime.timedelta(days=30)
MOST_A_MONTH = 3  # and one a day, for one address
ATTEMPTS = 2  # the second only where nobody can tell what became of the first
DOUBT = datetime.timedelta(minutes=15)
ANSWERABLE = datetime.timedelta(days=14)  # a mail that asks whose a request is
MOVABLE = datetime.timedelta(days=7)  # a mail that asks whether to use a new address
SHORTEST_WAIT = datetime.timedelta(minutes=1)
LONGEST_WAIT = HOUR
LOOKED_AT = 5000  # addresses whose caps are looked at in one go
GATHERING = 0x656E6761  # names the lock that lets one worker gather at a time
# The links in each mail but the first, and how long each of them works; None is for ever.
LASTS: dict[Kind, dict[Link.Purpose, datetime.timedelta | None]] = {
    Kind.FRESH: {Link.Purpose.FRESH: DAY},
    Kind.IDENTITY: {Link.Purpose.IDENTITY: ANSWERABLE},
    Kind.MOVE: {Link.Purpose.MOVE: MOVABLE},
    Kind.MOVED: {},
    Kind.RENEW: dict.fromkeys((Link.Purpose.RENEW, Link.Purpose.CHOICES, Link.Purpose.LEAVE)),
}

Clock = Callable[[], datetime.datetime]


def work(
    *, at: datetime.datetime, limit: int = 50, stopping: Callable[[], bool] = lambda: False
) -> int:
    """Send what is due, at most `limit` mails; return how many were handed over.

    Any number of workers may do this at once, and any may die at any moment. When the mail server
    cannot be reached everything waits.
    """
    if not sealing.may_send(at=at):
        return 0
    started = time.monotonic()

    def clock() -> datetime.datetime:
        return at + datetime.timedelta(seconds=time.monotonic() - started)

    owner = f"{socket.gethostname()[:30]}:{os.getpid()}:{secrets.token_hex(4)}"
    _doubt_what_was_left(at)
    _gather(at, limit)
    due = list(_due(at).select_related("participant")[:limit])
    if not due:
        return 0
    _issue_links(due, at)
    tried = 0
    try:
        with mail.connection() as server:
            for row in due:
                if stopping():
                    break
                verdict = _hand_over(row, server, owner, clock)
                tried += verdict is not None
                if verdict and not verdict.leaves_connection_sound:
                    break  # The rest gets a new connection in the next round.
    except mail.ServerUnreachable:
        pass  # Nothing was marked; everything waits.
    return tried


# What there is to send


def _doubt_what_was_left(at: datetime.datetime) -> None:
    """A worker that died while it was handing a mail over leaves a mail in doubt."""
    left = RegisterMail.objects.filter(state=State.HANDING, lease_until__lte=at)
    left.update(state=State.UNCERTAIN, retry_at=at + DOUBT)


def _due(at: datetime.datetime) -> QuerySet[RegisterMail]:
    """Mails to hand over now. What somebody has confirmed, or denied, needs no mail any more.

    Whoever waits for a mail comes before those whom we ask by ourselves.
    """
    open_state = Q(state=State.WAITING) | Q(state=State.UNCERTAIN, attempt__lt=ATTEMPTS)
    pending = Claim.objects.pending().filter(mail=OuterRef("pk"))
    rows = RegisterMail.objects.filter(open_state, retry_at__lte=at)
    rows = rows.filter(~Q(kind=Kind.CONFIRM) | Exists(pending))
    return rows.order_by(Case(When(kind=Kind.RENEW, then=1), default=0), "retry_at", "pk")


def _unmailed(at: datetime.datetime) -> QuerySet[Claim]:
    not_held = Q(held_until=None) | Q(held_until__lte=at)
    not_over = Q(invite_until__gt=at) | Q(result_until__gt=at)
    return Claim.objects.pending().filter(not_held, not_over, mail=None)


@transaction.atomic
def _gather(at: datetime.datetime, limit: int) -> None:
    """Put all that waits for one address into one mail, as far as the caps allow today."""
    _lock_gathering()
    # Passes over addresses that had a mail today, so that a flood for one never hides another.
    today = Claim.objects.pending().filter(
        address_key=OuterRef("address_key"), mail__at__gt=at - DAY
    )
    today = today.exclude(mail__state=State.WAITING)
    groups = _unmailed(at).filter(~Exists(today)).order_by().values("address_key")
    oldest_first = groups.annotate(oldest=Min("created_at")).order_by("oldest")
    keys = list(oldest_first.values_list("address_key", flat=True)[:LOOKED_AT])
    if not keys:
        return
    ledger = _ledger(keys, at)
    left = min(limit, conf.confirmations_per_hour() - _sent_within_the_hour(at))
    for key in keys:
        row = next((row for row in ledger[key] if _is_unsent(row)), None)
        if row is None and left > 0 and _is_within_caps(ledger[key], at):
            mark, key_id = addresses.fingerprint(key)
            row = RegisterMail.objects.create(
                kind=Kind.CONFIRM, fingerprint=mark, key_id=key_id, retry_at=at, at=at
            )
            left -= 1
        # Touched before it is added to: a worker that has already written the mail then finds it
        # changed, and writes it anew with everything that its link will confirm.
        unsent = RegisterMail.objects.filter(state=State.WAITING, attempt=0)
        if row is not None and unsent.filter(pk=row.pk).update(at=at):
            _unmailed(at).filter(address_key=key).update(mail=row)


def _lock_gathering() -> None:
    """Two workers at once would each write to the same person. SQLite writes one at a time."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [GATHERING])


def _is_unsent(row: RegisterMail) -> bool:
    return row.state == State.WAITING and row.attempt == 0


def _ledger(keys: list[str], at: datetime.datetime) -> dict[str, list[RegisterMail]]:
    """Mails of the last 30 days for each address, under every key of the site."""
    owner = {mark: key for key in keys for mark in addresses.fingerprints(key)}
    found: dict[str, list[RegisterMail]] = defaultdict(list)
    rows = RegisterMail.objects.filter(kind=Kind.CONFIRM, fingerprint__in=owner)
    for row in rows.filter(Q(at__gt=at - MONTH) | Q(state=State.WAITING)):
        found[owner[row.fingerprint]].append(row)
    return found


def _is_within_caps(
    rows: list[RegisterMail], at: datetime.datetime, repeated: RegisterMail | None = None
) -> bool:
    """One a day and three in 30 days; a first try is not counted against its own repeat."""
    if any(row.at > at - DAY and row != repeated for row in rows):
        return False
    return sum(max(1, row.attempt) for row in rows) < MOST_A_MONTH


def _sent_within_the_hour(at: datetime.datetime) -> int:
    """Confirmation mails of the last hour, and those that are about to leave."""
    rows = RegisterMail.objects.filter(
        Q(at__gt=at - HOUR) | Q(state=State.WAITING), kind=Kind.CONFIRM
    )
    return rows.aggregate(sent=Sum(Greatest("attempt", Value(1))))["sent"] or 0


# Handing over


def _issue_links(due: list[RegisterMail], at: datetime.datetime) -> None:
    """Make the links of these mails work before any of them leaves."""
    ends: dict[int | None, datetime.datetime] = {}
    for claim in Claim.objects.pending().filter(mail__in=due):
        end = max(claim.invite_until, claim.result_until or claim.invite_until)
        ends[claim.mail_id] = max(end, ends.get(claim.mail_id, end))
    rows: list[links.NewLink] = []
    for row in due:
        to_confirm = ends.get(row.pk, at + DAY) - at
        both = dict.fromkeys((Link.Purpose.CONFIRM, Link.Purpose.CHOICES), to_confirm)
        lasts = LASTS.get(Kind(row.kind), both)
        rows += [
            links.row(
                purpose=purpose,
                uuid=row.uuid,
                at=at,
                key_id=row.key_id,
                participant_id=row.participant_id,
                expires_at=at + lasting if lasting else None,
            )
            for purpose, lasting in lasts.items()
        ]
    links.issue(rows)


def _hand_over(row: RegisterMail, server: Any, owner: str, clock: Clock) -> mail.Verdict | None:
    """Hand one mail over and note what became of it; None where it was not tried."""
    message = _message_of(row, clock())
    if message is None:
        return None
    mine = RegisterMail.objects.filter(pk=row.pk)
    taken = mine.filter(state=row.state, attempt=row.attempt, at=row.at).update(
        state=State.HANDING,
        owner=owner,
        attempt=row.attempt + 1,
        lease_until=clock() + datetime.timedelta(seconds=conf.lease_seconds()),
        at=clock(),
    )
    if not taken:
        return None  # Another worker has it.
    receipt = mail.hand_over(server, message)
    # A worker that comes back after its lease finds the row in other hands and changes nothing.
    fenced = mine.filter(owner=owner, attempt=row.attempt + 1, state=State.HANDING)
    fenced.update(**_outcome(row, receipt.verdict, clock()))
    return receipt.verdict


def _message_of(row: RegisterMail, at: datetime.datetime) -> mail.EngagementMessage | None:
    """Return the message to send now, None where there is no reason to send it any more."""
    if row.kind != Kind.CONFIRM:
        letter = _letter_to(row, at) if row.participant else None
        if letter is None:
            RegisterMail.objects.filter(pk=row.pk).update(state=State.REFUSED)
        return letter
    pending = row.claims.pending().select_related("consultation").order_by("created_at", "pk")
    claims = list(pending)
    granted = {claim: given for claim in claims if (given := registry.granted_by(claim, at=at))}
    if not granted:
        return None
    if row.attempt:
        key = claims[-1].address_key
        is_within = _is_within_caps(_ledger([key], at)[key], at, repeated=row)
        if not is_within or _sent_within_the_hour(at) >= conf.confirmations_per_hour():
            RegisterMail.objects.filter(pk=row.pk, state=row.state).update(retry_at=at + HOUR)
            return None
    return rendering.confirmation(mail_row=row, granted=granted, to=claims[-1].email)


def _letter_to(row: RegisterMail, at: datetime.datetime) -> mail.EngagementMessage | None:
    """A mail to somebody of the register; None where it must not, or need not, go."""
    person: Any = row.participant
    if row.kind in (Kind.MOVE, Kind.MOVED):
        change = AddressChange.objects.filter(mail=row).first()
        if change is None or (row.kind == Kind.MOVED and is_dead(change.email)):
            return None
        return rendering.change_of_address(mail_row=row, person=person, to=change.email)
    if row.kind == Kind.RENEW:
        ends_at = renewing.end_to_ask_about(row, at=at)
        if ends_at is None:
            return None
        return rendering.renewal(mail_row=row, person=person, ends_at=ends_at)
    if row.kind == Kind.IDENTITY:
        # It answers the person, so that it goes wherever mail arrives.
        return (
            None if is_dead(person.email) else rendering.identity(mail_row=row, participant=person)
        )
    if Suppression.objects.of_address(person.email).filter(purpose=None).exists():
        return None
    return rendering.fresh(mail_row=row, participant=person)


def is_dead(address: str) -> bool:
    """Whether mail to an address does not arrive."""
    bounced = Suppression.objects.of_address(address).filter(purpose=None)
    return bounced.filter(reason=Suppression.Reason.BOUNCED).exists()


def _outcome(row: RegisterMail, verdict: mail.Verdict, at: datetime.datetime) -> dict[str, Any]:
    """What to note about a mail. A definite no costs no attempt and doubles the wait."""
    if verdict == mail.Verdict.ACCEPTED:
        return {"state": State.SENT}
    if verdict == mail.Verdict.REFUSED:
        return {"state": State.REFUSED}
    if verdict == mail.Verdict.UNKNOWN:
        return {"state": State.UNCERTAIN, "retry_at": at + DOUBT}
    wait = min(max(2 * (at - row.at), SHORTEST_WAIT), LONGEST_WAIT)
    return {"state": State.WAITING, "attempt": row.attempt, "retry_at": at + wait}
