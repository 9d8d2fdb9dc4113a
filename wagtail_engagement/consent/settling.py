"""What we may do with an address. Only this module writes events and permissions.

Permissions are a projection: `settle` reads all events and suppressions of a person and makes the
permissions say the same. Whoever writes one of the first two settles in the same transaction.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet

from .. import addresses, conf, inserting, signals
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


class Act(NamedTuple):
    """An event, as far as the replay looks at it."""

    participant_id: int
    purpose: str
    action: str
    channel: str
    at: datetime.datetime
    batch_id: int | None = None
    evidence: str = ""
    consultation_id: int | None = None
    until: datetime.datetime | None = None


@dataclass(frozen=True)
class _Verdict:
    """What one permission row has to say."""

    reason: str
    since: datetime.datetime
    recheck_at: datetime.datetime | None
    lapses: bool = False

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
def record_acts(
    acts: Sequence[Act],
    *,
    newcomers: Mapping[int, str],
    actor_id: int | None,
    at: datetime.datetime,
) -> None:
    """Append very many events, which one person attests, and settle their people as of `at`.

    `newcomers` maps people who came in within this transaction, and have no other events, to
    their address keys: nothing of theirs is read back but what stands against the address.
    """
    inserting.insert(ConsentEvent, Act._fields, acts, same={"actor": actor_id})
    first = [act for act in acts if act.participant_id in newcomers]
    new = {act.participant_id for act in first}
    bars = _bars_of_keys((pk, newcomers[pk], True) for pk in new)
    fresh = _verdicts(first, bars, at)
    _add(fresh)
    _tell_of_newcomers(fresh)
    settle({act.participant_id for act in acts} - new, at=at)


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
    people = locked(pk__in=inserting.among(set(participant_ids)))
    project(people, bars_of(people), at)


def settle_due(*, at: datetime.datetime) -> int:
    """Settle people whose permission changes by the passing of time; return how many.

    A permission that ran out is written down, so that no later setting brings it back.
    """
    due = ContactPermission.objects.filter(recheck_at__lte=at).order_by("recheck_at")
    rows = list(due[:DUE_AT_ONCE])
    ended = [(row, end) for row in rows if (end := _end(row)) and end <= at]
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


def _end(row: ContactPermission) -> datetime.datetime | None:
    """When an agreement runs out by itself; a pause and other reasons do not."""
    return row.recheck_at if row.reason == Standing.GRANTED and row.lapses else None


def project(people: list[Any], bars: dict[int, list[Suppression]], at: datetime.datetime) -> None:
    """Write the permissions of locked people, whose suppressions were read before.

    A record that was merged into another has none of its own.
    """
    own = [person.pk for person in people if person.merged_into_id is None]
    events = ConsentEvent.objects.filter(participant__in=inserting.among(own)).order_by("at", "id")
    acts = map(Act._make, events.values_list(*Act._fields))
    _write({person.pk: person for person in people}, _verdicts(acts, bars, at))


def _verdicts(
    acts: Iterable[Act], bars: dict[int, list[Suppression]], at: datetime.datetime
) -> dict[Subject, _Verdict]:
    """What the permissions have to say by what people did, oldest first."""
    told: dict[Subject, list[Act]] = defaultdict(list)
    for act in acts:
        about = act.consultation_id if act.purpose == Purpose.RESULT else None
        told[act.participant_id, act.purpose, about].append(act)
    return {
        subject: verdict
        for subject, done in told.items()
        if (verdict := _judge(done, _standing_against(bars, subject), at))
    }


def _standing_against(bars: dict[int, list[Suppression]], subject: Subject) -> list[Suppression]:
    return [bar for bar in bars[subject[0]] if bars_purpose(bar, subject[1])]


def _judge(acts: list[Act], bars: list[Suppression], at: datetime.datetime) -> _Verdict | None:
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
            return _Verdict(_barred(reason, bars), since, recheck_at=act.at)
        if act.action == Action.PAUSED:
            until = act.until
        elif not _changes_nothing(act, reason):
            reason, since, decisive = _MEANS[Action(act.action)], act.at, act
            until = until if _asks_nobody(act) else None
    if bars and reason != Standing.STOPPED:
        since = max(since, *(bar.at for bar in bars))
    verdict = _Verdict(_barred(reason, bars), since, recheck_at=None)
    return _timed(verdict, decisive, until, at) if verdict.may_write else verdict


def _brought_by(act: Act) -> int | str | None:
    """What wrote an event that can be undone as one: an import by number, a merge by its proof."""
    return act.batch_id or (act.evidence if act.channel == ConsentEvent.Channel.MERGE else None)


def _changes_nothing(act: Act, reason: str) -> bool:
    """Nobody who stopped is brought back unasked, and being told adds nothing to an agreement."""
    if reason == Standing.STOPPED:
        return _asks_nobody(act)
    return reason == Standing.GRANTED and act.action == Action.INFORMED


def _asks_nobody(act: Act) -> bool:
    """What never takes back that a person stopped: being told, and somebody's old sheet (P05)."""
    return act.action == Action.INFORMED or act.channel == ConsentEvent.Channel.IMPORT


def _timed(
    verdict: _Verdict, act: Act, until: datetime.datetime | None, at: datetime.datetime
) -> _Verdict:
    """A pause, and the end that an agreement to be invited has from the day it was given."""
    if until and until > at:
        return replace(verdict, reason=Standing.PAUSED, recheck_at=until)
    days = conf.permission_days()
    if not days or act.action != Action.GIVEN or act.purpose != Purpose.INVITE:
        return verdict
    end = act.at + datetime.timedelta(days=days)
    if end <= at:
        return replace(verdict, reason=Standing.LAPSED)
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
    rows = ContactPermission.objects.filter(participant__in=inserting.among(people))
    said = {(row.participant_id, row.purpose, row.consultation_id): row for row in rows}
    stale = {
        subject: row
        for subject, row in said.items()
        if subject not in wanted or _said(row) != wanted[subject]
    }
    if stale:
        ContactPermission.objects.filter(pk__in=[row.pk for row in stale.values()]).delete()
    fresh = {
        subject: verdict
        for subject, verdict in wanted.items()
        if subject not in said or subject in stale
    }
    _add(fresh)
    for subject, verdict in fresh.items():
        if verdict.may_write != (subject in said and said[subject].may_write):
            _tell(people[subject[0]], subject[1])


def _add(fresh: dict[Subject, _Verdict]) -> None:
    inserting.insert(
        ContactPermission,
        ["participant", "purpose", "consultation", "reason", "since", "recheck_at"]
        + ["may_write", "lapses"],
        [
            (
                *subject,
                verdict.reason,
                verdict.since,
                verdict.recheck_at,
                verdict.may_write,
                verdict.lapses,
            )
            for subject, verdict in fresh.items()
        ],
    )


def _tell_of_newcomers(fresh: dict[Subject, _Verdict]) -> None:
    """Tell the host of people who may be written to, if it listens at all."""
    if not signals.consent_changed.has_listeners(ContactPermission):
        return
    may = [subject for subject, verdict in fresh.items() if verdict.may_write]
    people = people_of_register().in_bulk({person_id for person_id, *_rest in may})
    for person_id, purpose, _about in may:
        _tell(people[person_id], purpose)


def _said(row: ContactPermission) -> _Verdict:
    return _Verdict(row.reason, row.since, row.recheck_at, row.lapses)


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
    ids = inserting.among([person.pk for person in people])
    merged = people_of_register().filter(merged_into__in=ids)
    keys = [(person.pk, person.address_key, True) for person in people]
    keys += [(pk, key, False) for pk, key in merged.values_list("merged_into", "address_key")]
    return _bars_of_keys(keys)


def _bars_of_keys(keys: Iterable[tuple[int, str, bool]]) -> dict[int, list[Suppression]]:
    """Read do-not-contact by person, address and whether that is the address written to."""
    owners: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for pk, key, is_own in keys:
        for mark in addresses.fingerprints(key):
            owners[mark].append((pk, is_own))
    found: dict[int, list[Suppression]] = defaultdict(list)
    for row in Suppression.objects.filter(fingerprint__in=inserting.among(owners)):
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
