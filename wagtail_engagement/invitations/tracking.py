"""What providers report, applied by a worker. An event can only ever reduce contact (E09).

Events come late, twice, in any order, and may be nonsense. A delivery only ever moves towards the
worse: accepted, delivered, came back, complained. Our own id, which the message carried, is
believed first, then the provider's. Each event is applied in a transaction of its own, by the one
worker that holds its row; once it is, nothing of it stays but its key, its class and its times.
"""

from __future__ import annotations

import datetime
import json
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anymail.signals import EventType
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import F, Max, Min, Q, QuerySet, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from .. import addresses, mail
from ..consent import barring, settling
from ..consent.models import ConsentEvent, Purpose, Suppression
from ..consent.queries import stopped_for_good
from . import halting
from .events import ProviderEvent
from .kinds import RETURNED, Kind
from .models import Delivery
from .providers import kind_of

logger = logging.getLogger(__name__)

State = Delivery.State
Cause = Suppression.Reason

AT_ONCE = 500
# The provider's id is written down after the hand-over, and its event may be quicker.
SOUGHT = datetime.timedelta(hours=1)
FIRST_WAIT = datetime.timedelta(minutes=1)
GIVEN_UP = datetime.timedelta(days=1)
# So many of the last messages to an address that came back soft, over so long, give it up.
SOFT_OF, SOFT_ENOUGH, SOFT_OVER = 5, 3, datetime.timedelta(days=14)

# What a report may still change: everything before it, also what has not left by our own account,
# for the provider knows better. Who was left out was never written to.
UNSETTLED = (State.PENDING, State.LEASED, State.HANDING, State.UNCERTAIN)
LEFT = (*UNSETTLED, State.REFUSED, State.ACCEPTED)
BEFORE = {
    State.ACCEPTED: UNSETTLED,
    State.DELIVERED: LEFT,
    State.BOUNCED: (*LEFT, State.DELIVERED),
    State.COMPLAINED: (*LEFT, State.DELIVERED, State.BOUNCED),
}
MOVES = {
    Kind.ACCEPTED: State.ACCEPTED,
    Kind.DELAYED: State.ACCEPTED,
    Kind.DELIVERED: State.DELIVERED,
    Kind.COMPLAINT: State.COMPLAINED,
    **dict.fromkeys(RETURNED, State.BOUNCED),
}
CAUSES = {
    Kind.HARD: Cause.BOUNCED,
    Kind.COMPLAINT: Cause.COMPLAINED,
    Kind.UNSUBSCRIBED: Cause.UNSUBSCRIBED,
}


@dataclass(frozen=True)
class Report:
    """What is read out of an event. `was_turned_away`: the provider did not even try."""

    provider: str
    kind: Kind
    was_turned_away: bool
    own_id: uuid.UUID | None
    message_id: str
    recipient: str

    @classmethod
    def of(cls, row: ProviderEvent) -> Report:
        said: dict[str, Any] = json.loads(row.payload)
        kind = kind_of(
            provider=row.provider,
            event_type=said["type"],
            reject_reason=said["reason"],
            raw=said["raw"],
        )
        try:
            own_id = uuid.UUID(said["delivery"])
        except ValueError:
            own_id = None
        return cls(
            provider=row.provider,
            kind=kind,
            was_turned_away=said["type"] == EventType.REJECTED,
            own_id=own_id,
            message_id=said["message_id"],
            recipient=said["recipient"],
        )

    @property
    def state(self) -> State | None:
        return State.BOUNCED if self.was_turned_away else MOVES.get(self.kind)

    @property
    def bounce(self) -> Kind | None:
        """Why it came back, if it did; what the address did before is not said of this message."""
        if self.state != State.BOUNCED:
            return None
        return self.kind if self.kind in RETURNED else Kind.BLOCKED


def work(
    *,
    at: datetime.datetime | None = None,
    limit: int = AT_ONCE,
    stopping: Callable[[], bool] = lambda: False,
) -> int:
    """Apply what is due, at most `limit` events; return how many were looked at.

    Afterwards pauses an invitation of which too much came back.
    """
    done = 0
    touched: set[int] = set()
    try:
        while done < limit and not stopping():
            now = at or timezone.now()
            if not _next(now, touched):
                break
            done += 1
    finally:
        halting.look(invitations=touched, at=at or timezone.now())
    return done


def _next(at: datetime.datetime, touched: set[int]) -> bool:
    """Apply the next event that no other worker holds; False if there is none."""
    row: ProviderEvent | None = None
    try:
        with transaction.atomic():
            waiting = ProviderEvent.objects.waiting(at).order_by("retry_at", "id")
            row = waiting.select_for_update(skip_locked=True).first()
            if row is None:
                return False
            report = Report.of(row)
            delivery = apply(report, at=at)
            row.kind, row.delivery = report.kind, delivery
            _settle(row, at, is_done=not _is_sought(report, delivery) or _age(row, at) >= SOUGHT)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  One event must not hold up the others.
        if row is None:
            raise
        logger.error("A report of %s could not be applied: %s", row.provider, mail.scrub(error))
        row.kind, row.delivery = "", None
        _settle(row, at, is_done=_age(row, at) > GIVEN_UP)
        return True
    if delivery and report.kind in (Kind.HARD, Kind.COMPLAINT):
        touched.update(_message_of(delivery).values_list("invitation", flat=True))
    return True


def _age(row: ProviderEvent, at: datetime.datetime) -> datetime.timedelta:
    return at - row.received_at


def _is_sought(report: Report, delivery: Delivery | None) -> bool:
    """Whether its message may be ours, with a number that is not written down yet."""
    is_nameless = delivery is None and report.own_id is None
    return is_nameless and bool(report.message_id) and report.kind != Kind.NOTHING


def _settle(row: ProviderEvent, at: datetime.datetime, *, is_done: bool) -> None:
    """Empty an event that is done with, or look at it again later, each time after twice as long."""
    later = {"retry_at": at + max(FIRST_WAIT, _age(row, at))}
    ProviderEvent.objects.filter(pk=row.pk, applied_at=None).update(
        kind=row.kind,
        delivery=row.delivery,
        **({"payload": "", "applied_at": at} if is_done else later),
    )


@settling.together
def apply(report: Report, *, at: datetime.datetime) -> Delivery | None:
    """Take over what a provider says about one message; return its delivery, None if not found.

    A message with an id of ours that we do not know is not ours, and changes nothing. One without
    may stop mail to its address and nothing else.
    """
    cause = CAUSES.get(report.kind)
    delivery = _delivery_of(report)
    if report.kind == Kind.NOTHING or (report.own_id and delivery is None):
        return delivery
    if delivery and delivery.participant_id and report.kind in (*CAUSES, Kind.SOFT):
        # First the person, then the delivery, as erasure does; and two reports of one person
        # each see what the other one changed.
        settling.locked_whole(pk=delivery.participant_id)
    if delivery:
        _move(delivery, report, at)
    if delivery and report.kind == Kind.SOFT and _keeps_coming_back(delivery):
        cause = Cause.BOUNCED
    whom = _whom(delivery, report) if cause else None
    if cause and whom:
        if cause != Cause.BOUNCED:
            _withdraw(delivery, at)
        barring.suppress(
            reason=cause,
            purpose=Purpose.INVITE if cause == Cause.UNSUBSCRIBED else None,
            source=report.provider[:80],
            at=at,
            **whom,
        )
    return delivery


def _delivery_of(report: Report) -> Delivery | None:
    rows = Delivery.objects.select_related("participant")
    if report.own_id:
        return rows.filter(uuid=report.own_id).first()
    if not report.message_id:
        return None
    rows = rows.filter(provider_id=report.message_id)
    try:
        # Several people may share the id of one call to the provider.
        marks = addresses.fingerprints(addresses.clean(report.recipient))
    except addresses.AddressRefused:
        found = list(rows[:2])
        return found[0] if len(found) == 1 else None
    return rows.filter(Q(fingerprint__in=marks) | Q(fingerprint="")).first()


def _move(delivery: Delivery, report: Report, at: datetime.datetime) -> None:
    if report.state is None:
        return
    this = _message_of(delivery)
    this.filter(state__in=BEFORE[report.state]).update(
        state=report.state,
        reason="",
        handed_at=Coalesce(F("handed_at"), Value(at)),
        lease_until=None,
    )
    if report.bounce:
        milder = RETURNED[: RETURNED.index(report.bounce)]
        came_back = this.filter(state__in=(State.BOUNCED, State.COMPLAINED))
        came_back.filter(bounce__in=("", *milder)).update(bounce=report.bounce)


def _message_of(delivery: Delivery) -> QuerySet[Delivery]:
    """All that came in one message, for what lies in one summary shares its fate."""
    first = delivery.carried_by_id or delivery.pk
    return Delivery.objects.filter(Q(pk=first) | Q(carried_by=first))


def _keeps_coming_back(delivery: Delivery) -> bool:
    """Whether three of the last five messages to an address came back, over at least two weeks."""
    mine = Delivery.objects.filter(
        participant=delivery.participant_id,
        fingerprint=delivery.fingerprint,
        carried_by=None,  # Of a summary one row, for it was one message.
        state__in=(State.ACCEPTED, State.DELIVERED, State.BOUNCED, State.COMPLAINED),
    )
    if not (delivery.participant_id and delivery.fingerprint):
        return False
    last = mine.order_by("-handed_at", "-pk").values("pk")[:SOFT_OF]
    soft = Delivery.objects.filter(pk__in=list(last.values_list("pk", flat=True)))
    soft = soft.filter(bounce__in=(Kind.SOFT, Kind.HARD))
    if soft.count() < SOFT_ENOUGH:
        return False
    span = soft.aggregate(first=Min("handed_at"), last=Max("handed_at"))
    return bool(span["last"] - span["first"] >= SOFT_OVER)


def _withdraw(delivery: Delivery | None, at: datetime.datetime) -> None:
    """Once, also where a sheet said so already, for a sheet can be undone."""
    person = delivery and delivery.participant
    if person and (Purpose.INVITE, None) not in stopped_for_good(person.pk):
        settling.record(
            participant=person,
            purpose=Purpose.INVITE,
            action=ConsentEvent.Action.WITHDRAWN,
            channel=ConsentEvent.Channel.PROVIDER,
            evidence=f"delivery {delivery.uuid}" if delivery else "",
            at=at,
        )


def _whom(delivery: Delivery | None, report: Report) -> barring.Whom | None:
    """The address that the message went to, which may not be the person's address any more."""
    if delivery:
        person = delivery.participant
        if person and (
            not delivery.fingerprint or delivery.fingerprint in addresses.fingerprints(person.email)
        ):
            return {"address": person.email}
        if delivery.fingerprint:
            return {"fingerprint": delivery.fingerprint, "key_id": delivery.key_id}
    try:
        return {"address": addresses.clean(report.recipient)}
    except addresses.AddressRefused:
        return None
