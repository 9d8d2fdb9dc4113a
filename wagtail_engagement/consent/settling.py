"""What we may do with an address. Only this module writes events, permissions and suppressions.

Permissions are a projection: `settle` reads all events and suppressions of a person and makes the
permissions say the same. Whoever writes one of the first two settles in the same transaction.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet
from wagtail.log_actions import log

from .. import addresses, conf, signals
from .models import ConsentEvent, ConsentWording, ContactPermission, Purpose, Suppression

Action = ConsentEvent.Action
Standing = ContactPermission.Reason
Cause = Suppression.Reason

# From the weakest to the strongest reason not to write; a weaker one never replaces a stronger.
STRENGTH = [
    Cause.BOUNCED,
    Cause.UNSUBSCRIBED,
    Cause.MANUAL,
    Cause.COMPLAINED,
    Cause.OBJECTED,
    Cause.ERASED,
]
DUE_AT_ONCE = 500

# A person, a purpose, and for a result the consultation that it is about.
Subject = tuple[int, str, int | None]


class NotLiftable(Exception):
    """Staff may not lift this; only the person can, by confirming the address anew."""


class Facts(TypedDict, total=False):
    """What an event says, besides its time."""

    participant: Any
    participant_id: int
    purpose: str
    action: str
    channel: str
    consultation: Any
    consultation_id: int | None
    wording: ConsentWording | None
    wording_id: int | None
    evidence: str
    actor: Any


class Whom(TypedDict, total=False):
    """An address, or its keyed hash with the id of the key where the address is not known."""

    address: str
    fingerprint: str
    key_id: str


@dataclass(frozen=True)
class _Verdict:
    """What one permission row has to say."""

    reason: str
    since: datetime.datetime
    recheck_at: datetime.datetime | None

    @property
    def may_write(self) -> bool:
        return self.reason == Standing.GRANTED


# One transaction, the caller's where there is one: a rule that fails takes its caller's work along.
_together = transaction.atomic(savepoint=False)


# Events


def record(*, at: datetime.datetime, **facts: Unpack[Facts]) -> ConsentEvent:
    """Append one event and settle its person."""
    event = ConsentEvent(at=at, **facts)
    record_many([event])
    return event


@_together
def record_many(events: Iterable[ConsentEvent], *, at: datetime.datetime | None = None) -> None:
    """Append events and settle their people as of `at`, else of the newest event's time."""
    rows = list(events)
    if rows:
        ConsentEvent.objects.bulk_create(rows)
        settle({row.participant_id for row in rows}, at=at or max(row.at for row in rows))


@_together
def give(
    *, participant_id: int, events: list[ConsentEvent], is_proven: bool, at: datetime.datetime
) -> Any:
    """Append what a person agreed to, lift what stood against it, and return the person.

    Somebody who has just proved the address lifts any reason, for these purposes. A link from an
    older mail may be in a neighbour's hands: it only takes back that the person left (trust 1.4).
    """
    people = _locked(pk=participant_id)
    bars = _bars_of(people)
    purposes = {event.purpose for event in events}
    may_lift = _any_bar if is_proven else _left_by_link
    bars[participant_id] = _lift(bars[participant_id], purposes, may_lift)
    ConsentEvent.objects.bulk_create(events)
    _project(people, bars, at)
    return people[0]


# The projection


@_together
def settle(participant_ids: Iterable[int], *, at: datetime.datetime) -> None:
    """Make the permissions of these people say what their events and suppressions say.

    Events dated after `at` count from their time on. Costs the same statements for any number of
    people. The lock makes two at once wait for each other, so that the later one sees everything.
    """
    people = _locked(pk__in=set(participant_ids))
    _project(people, _bars_of(people), at)


def settle_due(*, at: datetime.datetime) -> int:
    """Settle people whose permission changes by the passing of time; return how many."""
    due = ContactPermission.objects.filter(recheck_at__lte=at).order_by("recheck_at")
    ids = set(due.values_list("participant_id", flat=True)[:DUE_AT_ONCE])
    if ids:
        settle(ids, at=at)
    return len(ids)


def _project(people: list[Any], bars: dict[int, list[Suppression]], at: datetime.datetime) -> None:
    told: dict[Subject, list[tuple[str, datetime.datetime]]] = defaultdict(list)
    events = ConsentEvent.objects.filter(participant__in=[person.pk for person in people])
    fields = ("participant_id", "purpose", "consultation_id", "action", "at")
    for person_id, purpose, about_id, action, time in events.order_by("at", "id").values_list(
        *fields
    ):
        about = about_id if purpose == Purpose.RESULT else None
        told[person_id, purpose, about].append((action, time))
    wanted = {
        subject: _judge(acts, [bar for bar in bars[subject[0]] if _bars(bar, subject[1])], at)
        for subject, acts in told.items()
    }
    _write({person.pk: person for person in people}, wanted)


def _judge(
    acts: list[tuple[str, datetime.datetime]], bars: list[Suppression], at: datetime.datetime
) -> _Verdict:
    """Replay what a person did, oldest first; then see what stands against the address."""
    reason, since = Standing.NEVER_AGREED, acts[0][1]
    for action, time in acts:
        if time > at:
            return _Verdict(_barred(reason, bars), since, recheck_at=time)
        if action == Action.INFORMED and reason == Standing.STOPPED:
            continue  # Telling people something never takes back what they asked for (P05).
        since = time
        if action in (Action.GIVEN, Action.INFORMED):
            reason = Standing.GRANTED
        else:
            reason = Standing.LAPSED if action == Action.LAPSED else Standing.STOPPED
    if bars and reason != Standing.STOPPED:
        since = max(since, *(bar.at for bar in bars))
    return _Verdict(_barred(reason, bars), since, recheck_at=None)


def _barred(reason: str, bars: list[Suppression]) -> str:
    if not bars or reason == Standing.STOPPED:
        return reason
    only_bounced = all(bar.reason == Cause.BOUNCED for bar in bars)
    return Standing.UNDELIVERABLE if only_bounced else Standing.STOPPED


def _bars(row: Suppression, purpose: str) -> bool:
    return row.purpose in (None, purpose)


def _write(people: dict[int, Any], wanted: dict[Subject, _Verdict]) -> None:
    """Replace the permission rows that say something else, and tell the host what changed."""
    rows = ContactPermission.objects.filter(participant__in=people)
    said = {(row.participant_id, row.purpose, row.consultation_id): row for row in rows}
    fresh = []
    for subject, verdict in wanted.items():
        row = said.get(subject)
        if row and _Verdict(row.reason, row.since, row.recheck_at) == verdict:
            continue
        person_id, purpose, about = subject
        fresh.append(
            ContactPermission(
                participant_id=person_id,
                purpose=purpose,
                consultation_id=about,
                may_write=verdict.may_write,
                reason=verdict.reason,
                since=verdict.since,
                recheck_at=verdict.recheck_at,
            )
        )
        if verdict.may_write != bool(row and row.may_write):
            _tell(people[person_id], purpose)
    stale = [
        row.pk
        for subject, row in said.items()
        if subject not in wanted
        or _Verdict(row.reason, row.since, row.recheck_at) != wanted[subject]
    ]
    if stale:
        ContactPermission.objects.filter(pk__in=stale).delete()
    if fresh:
        ContactPermission.objects.bulk_create(fresh)


def _tell(person: Any, purpose: str) -> None:
    send = partial(
        signals.consent_changed.send_robust,
        sender=ContactPermission,
        participant=person,
        purpose=purpose,
    )
    transaction.on_commit(send, robust=True)


# The do-not-contact list


@_together
def suppress(
    *,
    reason: str,
    at: datetime.datetime,
    purpose: str | None = None,
    source: str = "",
    **whom: Unpack[Whom],
) -> Suppression:
    """Stop writing to an address, for one purpose or (None) for all; return the row that says so.

    Doing it twice changes nothing, and a weaker reason never replaces a stronger one. A row for
    every purpose takes the place of weaker rows for one. Where only a fingerprint is known, the
    whole register is read to find its person (about 0.3 s for 100,000 people).
    """
    people = _people_behind(whom)
    if "address" in whom:
        mark, key_id = addresses.fingerprint(whom["address"])
        rows = list(Suppression.objects.of_address(whom["address"]))
    else:
        mark, key_id = whom["fingerprint"], whom["key_id"]
        rows = list(Suppression.objects.filter(fingerprint=mark))
    strength = STRENGTH.index(Cause(reason))
    weaker = [row for row in rows if STRENGTH.index(Cause(row.reason)) < strength]
    for row in rows:
        if _bars(row, purpose or "") and row not in weaker:
            return row
    gone = [row.pk for row in weaker if purpose is None or row.purpose == purpose]
    if purpose is None:
        gone += [row.pk for row in rows if row.purpose and row.reason == reason]
    Suppression.objects.filter(pk__in=gone).delete()
    row, _is_new = Suppression.objects.update_or_create(
        fingerprint=mark,
        purpose=purpose,
        defaults={"key_id": key_id, "reason": reason, "source": source, "at": at},
    )
    _project(people, _bars_of(people), at)
    return row


@_together
def lift(*, address: str, purposes: Collection[str], at: datetime.datetime) -> None:
    """Allow an address again for these purposes, whatever the reason was; the rest stays."""
    people = _people_behind({"address": address})
    _lift(list(Suppression.objects.of_address(address)), purposes, _any_bar)
    _project(people, _bars_of(people), at)


@transaction.atomic
def lift_by_staff(*, suppression: Suppression, actor: Any, at: datetime.datetime) -> None:
    """Take back a bounce or an entry by staff. Raises NotLiftable for what people asked for."""
    if suppression.reason not in Suppression.LIFTED_BY_STAFF:
        raise NotLiftable
    people = _people_behind({"fingerprint": suppression.fingerprint, "key_id": suppression.key_id})
    log(suppression, "wagtail_engagement.suppression_lifted", user=actor, title=str(suppression))
    suppression.delete()
    _project(people, _bars_of(people), at)


def _any_bar(row: Suppression) -> bool:
    return True


def _left_by_link(row: Suppression) -> bool:
    return row.reason == Cause.UNSUBSCRIBED and row.source in ConsentEvent.Channel.own()


def _lift(
    rows: list[Suppression], purposes: Collection[str], may_lift: Callable[[Suppression], bool]
) -> list[Suppression]:
    """Lift rows for some purposes and return what is left, here and in the table.

    A row for every purpose becomes one for each purpose that was not among them.
    """
    lifted = [
        row for row in rows if may_lift(row) and (row.purpose is None or row.purpose in purposes)
    ]
    if not lifted:
        return rows
    Suppression.objects.filter(pk__in=[row.pk for row in lifted]).delete()
    kept = [row for row in rows if row not in lifted]
    there = {(row.fingerprint, row.purpose) for row in kept}
    narrowed = [
        Suppression(
            fingerprint=row.fingerprint,
            key_id=row.key_id,
            purpose=purpose,
            reason=row.reason,
            source=row.source,
            at=row.at,
        )
        for row in lifted
        if row.purpose is None
        for purpose in Purpose.values
        if purpose not in purposes and (row.fingerprint, purpose) not in there
    ]
    return kept + Suppression.objects.bulk_create(narrowed)


# People, reached through our own foreign key, for this part imports none above it


def _people() -> QuerySet[Any]:
    model: Any = ContactPermission._meta.get_field("participant").related_model
    return model._default_manager.all()


def _locked(**conditions: Any) -> list[Any]:
    # Not a full lock: that would wait for every new row that points at the person.
    found = _people().filter(**conditions).order_by("pk")
    return list(found.select_for_update(no_key=True))


def _people_behind(whom: Whom) -> list[Any]:
    """The person with an address, as a list of one or none."""
    if "address" in whom:
        return _locked(address_key=addresses.key(whom["address"]))
    if whom["key_id"] not in conf.keys():
        return []
    for pk, address_key in _people().values_list("pk", "address_key").iterator():
        mark, _key_id = addresses.fingerprint(address_key, whom["key_id"])
        if mark == whom["fingerprint"]:
            return _locked(pk=pk)
    return []


def _bars_of(people: list[Any]) -> dict[int, list[Suppression]]:
    """What stands against each person's address, under whichever key it was written."""
    owner = {
        mark: person.pk for person in people for mark in addresses.fingerprints(person.address_key)
    }
    found: dict[int, list[Suppression]] = defaultdict(list)
    for row in Suppression.objects.filter(fingerprint__in=owner):
        found[owner[row.fingerprint]].append(row)
    return found
