"""What we may do with an address. Only this module writes events and permissions.

Permissions are a projection: `settle` reads all events and suppressions of a person and makes the
permissions say the same. Whoever writes one of the first two settles in the same transaction.
"""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields
from functools import partial
from typing import Any, TypedDict, Unpack

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce

from .. import addresses, inserting, signals
from ..seal import journalling
from .judging import Act, Subject, Verdict, verdicts
from .models import ConsentEvent, ConsentWording, ContactPermission, Purpose, Suppression

Action = ConsentEvent.Action
Standing = ContactPermission.Reason
Cause = Suppression.Reason

DUE_AT_ONCE = 500
# What a sheet or a merge says, it says of the very record that it names.
_OF_RECORDS = (ConsentEvent.Channel.IMPORT, ConsentEvent.Channel.MERGE)
VERDICT = [field.name for field in fields(Verdict)]


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
        _hand_on([row for row in rows if row.channel not in _OF_RECORDS])
        ConsentEvent.objects.bulk_create(rows)
        _journal([row for row in rows if row.action in (Action.WITHDRAWN, Action.OBJECTED)])
        settle({row.participant_id for row in rows}, at=at or max(row.at for row in rows))


def _journal(events: list[ConsentEvent]) -> None:
    """Keep what people stopped outside the database, which an older copy would have forgotten."""
    if not events or not journalling.is_kept():
        return
    people = people_of_register().in_bulk({event.participant_id for event in events})
    journalling.note(
        [
            {
                "do": "left",
                "person": str(people[event.participant_id].uuid),
                **journalling.whose(people[event.participant_id].email),
                "purpose": event.purpose,
                "about": str(event.consultation.uuid) if event.consultation else None,
                "action": event.action,
                "at": event.at.isoformat(),
            }
            for event in events
        ],
        at=events[0].at,
    )


def _hand_on(events: list[ConsentEvent]) -> None:
    """Let what was done to a record that was merged just now count for the one it is part of."""
    people = locked(pk__in={event.participant_id for event in events}) if events else []
    for event in events:
        event.participant_id = standing_for(event.participant_id, people)


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
    fresh = verdicts(first, bars, at)
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
    family = locked_whole(pk=participant_id)
    person_id = standing_for(participant_id, family)
    person = next(person for person in family if person.pk == person_id)
    give_locked(person=person, events=events, is_proven=is_proven, at=at)
    return person


@together
def give_locked(
    *, person: Any, events: list[ConsentEvent], is_proven: bool, at: datetime.datetime
) -> None:
    """The same for a person whom the caller has locked, and who is part of no other."""
    bars = bars_of([person])
    _agree(person, events, bars, any_bar if is_proven else _left_by_link)
    project([person], bars, at)


@together
def give_first(*, person: Any, events: list[ConsentEvent], at: datetime.datetime) -> None:
    """The same for somebody who proved an address just now, and of whom there is nothing else."""
    bars = _bars_of_keys([(person.pk, person.address_key, True)])
    _agree(person, events, bars, any_bar)
    acts = [Act(*(getattr(event, name) for name in Act._fields)) for event in events]
    _write({person.pk: person}, verdicts(acts, bars, at), [])


def _agree(
    person: Any,
    events: list[ConsentEvent],
    bars: dict[int, list[Suppression]],
    may_lift: Callable[[Suppression], bool],
) -> None:
    purposes = {event.purpose for event in events if event.action == Action.GIVEN}
    bars[person.pk] = lift_rows(bars[person.pk], purposes, may_lift)
    for event in events:
        event.participant_id = person.pk
    ConsentEvent.objects.bulk_create(events)


# The projection


@together
def settle(participant_ids: Iterable[int], *, at: datetime.datetime) -> None:
    """Make the permissions of these people say what their events and suppressions say.

    Events dated after `at` count from their time on. Costs the same statements for any number of
    people. The lock makes two at once wait for each other, so that the later one sees everything.
    """
    people = locked(pk__in=inserting.among(set(participant_ids)))
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
    own = [person.pk for person in people if person.merged_into_id is None]
    events = ConsentEvent.objects.filter(participant__in=inserting.among(own)).order_by("at", "id")
    acts = map(Act._make, events.values_list(*Act._fields))
    rows = ContactPermission.objects.filter(participant__in=inserting.among([p.pk for p in people]))
    _write({person.pk: person for person in people}, verdicts(acts, bars, at), rows)


def _write(
    people: dict[int, Any], wanted: dict[Subject, Verdict], rows: Iterable[ContactPermission]
) -> None:
    """Replace those of people's permissions that say something else; tell the host what changed."""
    said = {(row.participant_id, row.purpose, row.consultation_id): row for row in rows}
    stale = {
        subject: row
        for subject, row in said.items()
        if subject not in wanted or _said(row) != wanted[subject]
    }
    if stale:
        gone = ContactPermission.objects.filter(pk__in=[row.pk for row in stale.values()])
        gone._raw_delete(gone.db)  # Nothing points at a permission, so that none has to be read.
    fresh = {
        subject: verdict
        for subject, verdict in wanted.items()
        if subject not in said or subject in stale
    }
    _add(fresh)
    for subject, verdict in fresh.items():
        if verdict.may_write != (subject in said and said[subject].may_write):
            _tell(people[subject[0]], subject[1])


def _add(fresh: dict[Subject, Verdict]) -> None:
    inserting.insert(
        ContactPermission,
        ["participant", "purpose", "consultation", "may_write", *VERDICT],
        [
            (*subject, verdict.may_write, *(getattr(verdict, name) for name in VERDICT))
            for subject, verdict in fresh.items()
        ],
    )


def _tell_of_newcomers(fresh: dict[Subject, Verdict]) -> None:
    """Tell the host of people who may be written to, if it listens at all."""
    if not signals.consent_changed.has_listeners(ContactPermission):
        return
    may = [subject for subject, verdict in fresh.items() if verdict.may_write]
    people = people_of_register().in_bulk({person_id for person_id, *_rest in may})
    for person_id, purpose, _about in may:
        _tell(people[person_id], purpose)


def _said(row: ContactPermission) -> Verdict:
    return Verdict(**{name: getattr(row, name) for name in VERDICT})


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


def locked_whole(**conditions: Any) -> list[Any]:
    """Lock records with all that are one person with them, in the order of their numbers.

    Whoever locks several takes that order, so that no two wait for each other in a ring. If one
    was merged while we waited for it, what it is part of now is locked as well.
    """
    named = people_of_register().filter(**conditions).order_by()
    roots = named.values_list(Coalesce("merged_into", "pk"))
    parts = people_of_register().filter(merged_into__in=roots).order_by()
    # United, not by OR, for which PostgreSQL reads the whole register.
    whole = named.values_list("pk").union(roots, parts.values_list("pk"))
    while True:
        people = locked(pk__in=whole)
        ids = {None, *(person.pk for person in people)}
        if all(person.merged_into_id in ids for person in people):
            return people


def standing_for(participant_id: int, people: list[Any]) -> int:
    """The record that one of these locked records is part of: itself, unless it was merged."""
    found = (person for person in people if person.pk == participant_id)
    return next((person.merged_into_id or person.pk for person in found), participant_id)


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
