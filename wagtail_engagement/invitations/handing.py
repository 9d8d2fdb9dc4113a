"""One message to one person: owned, marked, handed over, and what became of it.

A delivery goes pending, leased, handing, and then rests. Until `handing` nothing has left, so that
a lease that ran out is simply given to another worker. What was left in `handing` may have been
sent: it becomes uncertain and is never sent again. A worker changes only rows that it still owns,
by owner and attempt. Times are the worker's own clock; leases allow a minute for its drift.
"""

from __future__ import annotations

import datetime
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from .. import addresses, conf, mail
from ..consent.models import ContactPermission, Purpose
from ..consultations.models import Consultation
from ..participants import links
from ..participants.models import Link, Participant
from . import rendering
from .models import Delivery, Invitation

State = Delivery.State
Clock = Callable[[], datetime.datetime]

FIRST_WAIT = 30
LONGEST_WAIT = 3600
# Waits of 30 s, doubling up to an hour, add up to a day at about this many tries.
LAST_ATTEMPT = 30
MOST_IN_DOUBT = 3  # in a row, before somebody has to look
LATE_ANSWERS = datetime.timedelta(days=30)  # should a consultation be kept open for longer


def keep_what_is_written() -> None:
    """Let SQLite write each mark to the disk before the message leaves; sites may be laxer."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("PRAGMA synchronous = FULL")


def _due(at: datetime.datetime) -> QuerySet[Delivery]:
    """The deliveries that are due of one running invitation, a different one each time.

    One at a time, so that the index serves however many people wait in others that are paused.
    """
    waiting = Delivery.objects.filter(state=State.PENDING, retry_at__lte=at)
    running = Invitation.objects.filter(status=Invitation.Status.SENDING).order_by("?")
    for pk in running.values_list("pk", flat=True):
        due = waiting.filter(invitation=pk)
        if due.exists():
            return due.order_by("retry_at", "id")
    return Delivery.objects.none()


def work_chunk(owner: str, size: int, clock: Clock, stopping: Callable[[], bool]) -> int:
    """Own some rows and hand them over; return how many came to rest or have to wait.

    The connection is opened before anything is marked, so that a server that is down leaves
    nothing in doubt, and anew after every answer that may have broken it.
    """
    done = in_doubt = 0
    rows: deque[Delivery] | None = None
    if not _due(clock()).exists():
        return 0
    try:
        while rows is None or (rows and not stopping()):
            with mail.connection() as server:
                rows = _claim(owner, size, clock()) if rows is None else rows
                is_sound = True
                while rows and is_sound and not stopping():
                    row = rows.popleft()
                    verdict = _hand_over(row, server, owner, clock)
                    if verdict == mail.Verdict.UNABLE:
                        return done
                    done += verdict is not None
                    in_doubt = in_doubt + 1 if verdict == mail.Verdict.UNKNOWN else 0
                    if in_doubt == MOST_IN_DOUBT:
                        _pause(row.invitation_id)
                        return done
                    is_sound = verdict is None or verdict.leaves_connection_sound
    except mail.ServerUnreachable:
        pass  # Nothing was marked; everything waits for the next call.
    finally:
        _release(Delivery.objects.filter(owner=owner))
    return done


def _pause(invitation_id: int) -> None:
    """Wait for a person: a server that keeps breaking off would leave everybody in doubt."""
    Invitation.objects.filter(pk=invitation_id, status=Invitation.Status.SENDING).update(
        status=Invitation.Status.PAUSED,
        status_reason=_("The mail server broke off several times in a row. See if it works again."),
    )


def _claim(owner: str, size: int, at: datetime.datetime) -> deque[Delivery]:
    """Own the next rows for a while, and make their links work."""
    with transaction.atomic():
        ids = list(
            _due(at)
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:size]
        )
        Delivery.objects.filter(pk__in=ids, state=State.PENDING).update(
            state=State.LEASED,
            owner=owner,
            attempt=F("attempt") + 1,
            lease_until=at + datetime.timedelta(seconds=conf.lease_seconds()),
        )
    mine = Delivery.objects.filter(pk__in=ids, owner=owner, state=State.LEASED)
    rows = list(mine.select_related("participant").order_by("retry_at", "id"))
    found = Invitation.objects.select_related("consultation")
    invitations = found.in_bulk({row.invitation_id for row in rows})
    for row in rows:
        row.invitation = invitations[row.invitation_id]
        row.key_id = links.usable_key(row.key_id)
    links.issue(link for row in rows if row.participant_id for link in _links_of(row, at))
    return deque(rows)


def _links_of(row: Delivery, at: datetime.datetime) -> Iterator[Link]:
    """The links of one message; the one that is answered from ends when nobody can answer."""
    for purpose in rendering.links_in(row.invitation.rendered):
        is_answer = purpose == Link.Purpose.ANSWER
        ends = row.invitation.consultation.closes_at + LATE_ANSWERS if is_answer else None
        yield links.row(
            purpose=purpose,
            uuid=row.uuid,
            at=at,
            key_id=row.key_id,
            participant_id=row.participant_id,
            expires_at=ends,
        )


def _release(rows: QuerySet[Delivery]) -> None:
    """Give back what was owned and not tried."""
    rows.filter(state=State.LEASED).update(
        state=State.PENDING, owner="", lease_until=None, attempt=F("attempt") - 1
    )


def _hand_over(row: Delivery, server: Any, owner: str, clock: Clock) -> mail.Verdict | None:
    """Hand one message over and write down what is known of it.

    Returns REFUSED also for who is left out after all, and None for a row that was given back.
    """
    mine = Delivery.objects.filter(pk=row.pk, owner=owner, attempt=row.attempt)
    leased = mine.filter(state=State.LEASED)
    try:
        message = _message(row) if row.participant else None
    except ValueError as error:  # One bad address must not hold up the others.
        leased.update(state=State.REFUSED, reason=mail.scrub(error), lease_until=None)
        return mail.Verdict.REFUSED
    if message is None or not _mark(leased, row, clock()):
        return mail.Verdict.REFUSED if _leave_out(leased, row, clock()) else None
    receipt = mail.hand_over(server, message)
    _note(mine, row, receipt, clock())
    return receipt.verdict


def _message(row: Delivery) -> mail.EngagementMessage:
    tokens = {
        purpose: links.token(purpose=purpose, uuid=row.uuid, key_id=row.key_id)
        for purpose in rendering.links_in(row.invitation.rendered)
    }
    leave = links.url(Link.Purpose.LEAVE, tokens[Link.Purpose.LEAVE])
    letter = rendering.address_to(
        row.invitation.rendered,
        choices=links.url(Link.Purpose.CHOICES, tokens[Link.Purpose.CHOICES]),
        leave=leave,
        answer=tokens.get(Link.Purpose.ANSWER, ""),
    )
    message = mail.build(
        to=row.participant.email,  # type: ignore[union-attr]
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        headers={
            "List-Unsubscribe": f"<{leave}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "List-Id": f"<{conf.list_id()}>",
        },
    )
    marked: Any = message
    marked.metadata = {"delivery": str(row.uuid)}  # By this, providers report back.
    return message


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


def _mark(leased: QuerySet[Delivery], row: Delivery, at: datetime.datetime) -> bool:
    """Say that the message leaves now, if it still may; the last moment to find out (E05).

    One statement that asks again about consent, invitation, consultation and address. Asked by
    EXISTS: with a join Django would look the row up first, and the fence would no longer hold.
    """
    running = Invitation.objects.filter(
        pk=OuterRef("invitation"),
        status=Invitation.Status.SENDING,
        consultation__in=Consultation.objects.live().filter(closes_at__gt=at).values("pk"),
    )
    person: Any = row.participant
    unchanged = Participant.objects.filter(pk=OuterRef("participant"), email=person.email)
    fingerprint, key_id = addresses.fingerprint(person.email, row.key_id)
    with transaction.atomic():
        if connection.vendor == "postgresql":
            # Sites may commit loosely; a mark that a crash could undo would mean a second copy.
            with connection.cursor() as cursor:
                cursor.execute("SET LOCAL synchronous_commit = on")
        ready = leased.filter(_permitted(row, at), Exists(running), Exists(unchanged))
        marked = ready.update(
            state=State.HANDING,
            handed_at=at,
            lease_until=at + datetime.timedelta(seconds=conf.lease_seconds()),
            fingerprint=fingerprint,
            key_id=key_id,
        )
    return bool(marked)


def _leave_out(leased: QuerySet[Delivery], row: Delivery, at: datetime.datetime) -> bool:
    """Write down that somebody is not written to, or give back a row for which that may change.

    What is paused, stopped, closed or without its page is seen to by `sending.finish`; somebody
    with a new address is written to there at the next turn.
    """
    no_more: dict[str, Any] = {"state": State.SKIPPED, "owner": "", "lease_until": None}
    gone = leased.filter(participant=None).update(reason=Delivery.Reason.ERASED, **no_more)
    barred = leased.filter(~_permitted(row, at)).update(
        reason=Delivery.Reason.NO_PERMISSION, **no_more
    )
    _release(leased)
    return bool(gone or barred)


def _note(
    mine: QuerySet[Delivery], row: Delivery, receipt: mail.Receipt, at: datetime.datetime
) -> None:
    """Write down what the mail server said, if the row is still ours."""
    handing = mine.filter(state=State.HANDING)
    # Another worker may have given us up for dead; a plain yes or no is still the truth.
    known = mine.filter(state__in=(State.HANDING, State.UNCERTAIN))
    if receipt.verdict == mail.Verdict.ACCEPTED:
        known.update(
            state=State.ACCEPTED, provider_id=receipt.provider_id, reason="", lease_until=None
        )
    elif receipt.verdict == mail.Verdict.UNKNOWN:
        handing.update(state=State.UNCERTAIN, reason=receipt.reason, lease_until=None)
    elif receipt.verdict == mail.Verdict.REFUSED or (
        receipt.verdict == mail.Verdict.LATER and row.attempt >= LAST_ATTEMPT
    ):
        known.update(state=State.REFUSED, reason=receipt.reason, lease_until=None)
    else:
        wait = min(FIRST_WAIT * 2 ** (row.attempt - 1), LONGEST_WAIT)
        handing.update(
            state=State.PENDING,
            reason=receipt.reason,
            retry_at=at + datetime.timedelta(seconds=wait),
            handed_at=None,
            owner="",
            lease_until=None,
        )
