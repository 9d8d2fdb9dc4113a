"""What we may do with an address. Only this module writes events and permissions.

Permissions are a projection: `settle` reads all events and suppressions of a person and makes the
permissions say the same. Whoever writes one of the first two settles in the same transaction.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet

from .. import addresses, conf, signals
from .models import ConsentEvent, ConsentWording, ContactPermission, Purpose, Suppression

Action = ConsentEvent.Action
Standing = ContactPermission.Reason
Cause = Suppression.Reason

DUE_AT_ONCE = 500
_MEANS = {
    Action.GIVEN: Standing.GRANTED,
    Action.INFORMED: Standing.GRANTED,
    Action.LAPSED: Standing.LAPSED,
    Action.WITHDRAWN: Standing.STOPPED,
    Action.OBJECTED: Standing.STOPPED,
}

# A person, a purpose, and for a result the consultation that it is about.
Subject = tuple[int, str, int | None]


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
    batch_id: int | None
    actor: Any
    until: datetime.datetime | None


@dataclass(frozen=True)
class _Verdict:
    """What one permission row has to say."""

    reason: str
    since: datetime.datetime
    recheck_at: datetime.datetime | None
    lapses: bool = False
    is_by_consent: bool = False

    @property
    def may_write(self) -> bool:
        return self.reason == Standing.GRANTED


# One transaction, the caller's where there is one: a rule that fails takes its caller's work along.
together = transaction.atomic(savepoint=False)


# Events


def record(*, at: datetime.datetime, **facts: Unpack[Facts]) -> ConsentEvent:
    """Append one event and settle its person."""
    event = ConsentEvent(at=at, **facts)
    record_many([event])
    return event


@together
def record_many(events: Iterable[ConsentEvent], *, at: datetime.datetime | None = None) -> None:
    """Append events and settle their people as of `at`, else of the newest event's time."""
    rows = list(events)
    if rows:
        ConsentEvent.objects.bulk_create(rows)
        settle({row.participant_id for row in rows}, at=at or max(row.at for row in rows))


@together
def give(
    *, participant_id: int, events: list[ConsentEvent], is_proven: bool, at: datetime.datetime
) -> Any:
    """Append what a person agreed to, lift what stood against it, and return the person.

    What somebody was merely told of (public task) lifts nothing.

    Somebody who has just proved the address lifts any reason, for these purposes. A link from an
    older mail may be in a neighbour's hands: it only takes back that the person left (trust 1.4).
    """
    people = locked(pk=participant_id)
    bars = bars_of(people)
    purposes = {event.purpose for event in events if event.action == Action.GIVEN}
    may_lift = any_bar if is_proven else _left_by_link
    bars[participant_id] = lift_rows(bars[participant_id], purposes, may_lift)
    ConsentEvent.objects.bulk_create(events)
    project(people, bars, at)
    return people[0]


# The projection


@together
def settle(participant_ids: Iterable[int], *, at: datetime.datetime) -> None:
    """Make the permissions of these people say what their events and suppressions say.

    Events dated after `at` count from their time on. Costs the same statements for any number of
    people. The lock makes two at once wait for each other, so that the later one sees everything.
    """
    people = locked(pk__in=set(participant_ids))
    project(people, bars_of(people), at)


def settle_due(*, at: datetime.datetime, ids: Collection[int] | None = None) -> int:
    """Settle people whose permission changes by the passing of time; return how many.

    A permission that ran out is written down, so that no later setting brings it back. With `ids`
    only these permissions are looked at.
    """
    due = ContactPermission.objects.filter(recheck_at__lte=at).order_by("recheck_at")
    if ids is not None:
        due = due.filter(pk__in=ids)
    rows = list(due[:DUE_AT_ONCE])
    ended = [(row, end) for row in rows if (end := row.ends_at) and end <= at]
    record_many(
        [
            ConsentEvent(
                participant_id=row.participant_id,
                purpose=row.purpose,
                action=Action.LAPSED,
                channel=ConsentEvent.Channel.SYSTEM,
                at=end,
            )
            for row, end in ended
        ],
        at=at,
    )
    ids = {row.participant_id for row in rows}
    if ids:
        settle(ids, at=at)
    return len(ids)


def project(people: list[Any], bars: dict[int, list[Suppression]], at: datetime.datetime) -> None:
    """Write the permissions of locked people, whose suppressions were read before.

    A record that was merged into another has none of its own.
    """
    told: dict[Subject, list[ConsentEvent]] = defaultdict(list)
    own = [person.pk for person in people if person.merged_into_id is None]
    events = ConsentEvent.objects.filter(participant__in=own)
    for event in events.order_by("at", "id"):
        about = event.consultation_id if event.purpose == Purpose.RESULT else None
        told[event.participant_id, event.purpose, about].append(event)
    wanted = {
        subject: verdict
        for subject, acts in told.items()
        if (verdict := _judge(acts, _standing_against(bars, subject), at))
    }
    _write({person.pk: person for person in people}, wanted)


def _standing_against(bars: dict[int, list[Suppression]], subject: Subject) -> list[Suppression]:
    return [bar for bar in bars[subject[0]] if bars_purpose(bar, subject[1])]


def _judge(
    acts: list[ConsentEvent], bars: list[Suppression], at: datetime.datetime
) -> _Verdict | None:
    """Replay what a person did, oldest first; then see what stands against the address.

    None where an import or a merge that was undone left nothing to judge.
    """
    undone = {_brought_by(act) for act in acts if act.action == Action.RETRACTED}
    acts = [
        act
        for act in acts
        if act.action != Action.RETRACTED and ((by := _brought_by(act)) is None or by not in undone)
    ]
    if not acts:
        return None
    reason, since, decisive = Standing.NEVER_AGREED, acts[0].at, acts[0]
    until: datetime.datetime | None = None
    for act in acts:
        if act.at > at:
            return _verdict(_barred(reason, bars), since, decisive, recheck_at=act.at)
        if act.action == Action.PAUSED:
            until = act.until
        elif not _changes_nothing(act, reason):
            reason, since, decisive = _MEANS[Action(act.action)], act.at, act
            until = until if _asks_nobody(act) else None
    if bars and reason != Standing.STOPPED:
        since = max(since, *(bar.at for bar in bars))
    verdict = _verdict(_barred(reason, bars), since, decisive)
    return _timed(verdict, decisive, until, at) if verdict.may_write else verdict


def _verdict(
    reason: str,
    since: datetime.datetime,
    decisive: ConsentEvent,
    recheck_at: datetime.datetime | None = None,
) -> _Verdict:
    agreed = reason == Standing.GRANTED and decisive.action == Action.GIVEN
    return _Verdict(reason, since, recheck_at, is_by_consent=agreed)


def _brought_by(act: ConsentEvent) -> int | str | None:
    """What wrote an event that can be undone as one: an import by number, a merge by its proof."""
    return act.batch_id or (act.evidence if act.channel == ConsentEvent.Channel.MERGE else None)


def _changes_nothing(act: ConsentEvent, reason: str) -> bool:
    """Nobody who stopped is brought back unasked, and being told adds nothing to an agreement."""
    if reason == Standing.STOPPED:
        return _asks_nobody(act)
    return reason == Standing.GRANTED and act.action == Action.INFORMED


def _asks_nobody(act: ConsentEvent) -> bool:
    """What never takes back that a person stopped: being told, and somebody's old sheet (P05)."""
    return act.action == Action.INFORMED or act.channel == ConsentEvent.Channel.IMPORT


def _timed(
    verdict: _Verdict, act: ConsentEvent, until: datetime.datetime | None, at: datetime.datetime
) -> _Verdict:
    """A pause, and the end that an agreement to be invited has from the day it was given."""
    if until and until > at:
        return replace(verdict, reason=Standing.PAUSED, recheck_at=until)
    days = conf.permission_days()
    if not days or act.action != Action.GIVEN or act.purpose != Purpose.INVITE:
        return verdict
    end = act.at + datetime.timedelta(days=days)
    if end <= at:
        over = replace(verdict, reason=Standing.LAPSED, since=end, is_by_consent=False)
        return replace(over, recheck_at=end, lapses=True)  # `settle_due` writes it down.
    return replace(verdict, recheck_at=end, lapses=True)


def _barred(reason: str, bars: list[Suppression]) -> str:
    if not bars or reason == Standing.STOPPED:
        return reason
    only_bounced = all(bar.reason == Cause.BOUNCED for bar in bars)
    return Standing.UNDELIVERABLE if only_bounced else Standing.STOPPED


def bars_purpose(row: Suppression, purpose: str) -> bool:
    return row.purpose in (None, purpose)


def _write(people: dict[int, Any], wanted: dict[Subject, _Verdict]) -> None:
    """Replace the permission rows that say something else, and tell the host what changed."""
    rows = ContactPermission.objects.filter(participant__in=people)
    said = {(row.participant_id, row.purpose, row.consultation_id): row for row in rows}
    fresh = []
    for subject, verdict in wanted.items():
        row = said.get(subject)
        if row and _said(row) == verdict:
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
                lapses=verdict.lapses,
                is_by_consent=verdict.is_by_consent,
            )
        )
        if verdict.may_write != bool(row and row.may_write):
            _tell(people[person_id], purpose)
    stale = [
        row.pk
        for subject, row in said.items()
        if subject not in wanted or _said(row) != wanted[subject]
    ]
    if stale:
        ContactPermission.objects.filter(pk__in=stale).delete()
    if fresh:
        ContactPermission.objects.bulk_create(fresh)


def _said(row: ContactPermission) -> _Verdict:
    return _Verdict(row.reason, row.since, row.recheck_at, row.lapses, row.is_by_consent)


def _tell(person: Any, purpose: str) -> None:
    send = partial(
        signals.consent_changed.send_robust,
        sender=ContactPermission,
        participant=person,
        purpose=purpose,
    )
    transaction.on_commit(send, robust=True)


# People, reached through our own foreign key, for this part imports none above it


def people_of_register() -> QuerySet[Any]:
    model: Any = ContactPermission._meta.get_field("participant").related_model
    return model._default_manager.all()


def locked(**conditions: Any) -> list[Any]:
    # Not a full lock: that would wait for every new row that points at the person.
    found = people_of_register().filter(**conditions).order_by("pk")
    return list(found.select_for_update(no_key=True))


def bars_of(people: list[Any]) -> dict[int, list[Suppression]]:
    """What stands against each person's address, under whichever key it was written.

    So does what stands against a record that was merged into theirs, but for mail that came back.
    """
    owners: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    merged = people_of_register().filter(merged_into__in=[person.pk for person in people])
    keys = [(person.pk, person.address_key, True) for person in people]
    keys += [(pk, key, False) for pk, key in merged.values_list("merged_into", "address_key")]
    for pk, key, is_own in keys:
        for mark in addresses.fingerprints(key):
            owners[mark].append((pk, is_own))
    found: dict[int, list[Suppression]] = defaultdict(list)
    for row in Suppression.objects.filter(fingerprint__in=owners):
        for pk, is_own in owners[row.fingerprint]:
            if is_own or row.reason != Cause.BOUNCED:
                found[pk].append(row)
    return found


# What an agreement lifts


def any_bar(row: Suppression) -> bool:
    return True


def _left_by_link(row: Suppression) -> bool:
    return row.reason == Cause.UNSUBSCRIBED and row.source in ConsentEvent.Channel.own()


def lift_rows(
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
