"""Two records that are one person become one, and two again for as long as that can be undone."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from ..consent import barring, settling
from ..consent.models import ConsentEvent, ContactPermission, Purpose, Suppression
from .details import ParticipantName
from .merges import Merge, PossibleDuplicate
from .models import Link, Participant, ParticipantInterest

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Standing = ContactPermission.Reason

UNDOABLE = datetime.timedelta(days=30)
# What stays with the record whose address it is about, or is about the two records themselves.
# Every other table that names a person, also one of a host site, is carried over.
STAYS = frozenset(
    f"wagtail_engagement.{name}"
    for name in ("consentevent", "contactpermission", "possibleduplicate", "merge")
)
# Links that show what we hold end with a merge. To leave stays possible with any.
ENDED = (Link.Purpose.CHOICES, Link.Purpose.FRESH, Link.Purpose.IDENTITY)
FILLED = ("name", "area", "must_be_notified", "summaries_since")
INTEREST_FIELDS = ("origin", "consultation_id", "batch_id", "removed_at")
# From the weakest to the strongest reason to believe that somebody cares.
STRENGTH = ("inferred", "imported", "staff", "declared")


class CannotMerge(Exception):
    """These records cannot be merged, or not be taken apart; the message says why."""


@transaction.atomic
def merge(*, kept: Participant, merged: Participant, actor: Any, at: datetime.datetime) -> Merge:
    """Make one record part of another; the stricter permission of the two wins.

    The merged record stays as a name for the other: its address still finds the person, its
    events stay with it as proof, and it has no permissions. Raises CannotMerge.
    """
    kept, merged = _both(kept.pk, merged.pk)
    if kept.merged_into_id or merged.merged_into_id:
        raise CannotMerge(_("One of these records was merged just now. Open the list again."))
    row = Merge.objects.create(kept=kept, merged=merged, at=at, by=actor)
    events = _stricter(row, at)
    row.moved = {
        "last_event": ConsentEvent.objects.aggregate(last=Max("pk"))["last"] or 0,
        "interests": _join_interests(kept.pk, merged.pk, at),
        "person": _fill(kept, merged),
        "made": _keep_name(kept, merged, at),
        "links": _end_links(merged, at),
        "rows": {
            label: ids
            for label, field in carried_tables().items()
            if (ids := _carry(field, kept.pk, merged.pk))
        },
    }
    row.save(update_fields=["moved"])
    merged.merged_into, merged.kept_until = kept, None
    merged.save(update_fields=["merged_into", "kept_until"])
    settling.record_many(events, at=at)
    settling.settle([kept.pk, merged.pk], at=at)
    pair = Q(first=kept, second=merged) | Q(first=merged, second=kept)
    PossibleDuplicate.objects.filter(pair).update(
        state=PossibleDuplicate.State.MERGED, decided_by=actor, decided_at=at
    )
    return row


@transaction.atomic
def unmerge(*, merge: Merge, actor: Any, at: datetime.datetime) -> None:
    """Make two records of one again, within 30 days; what came since stays with the kept one.

    Somebody who stopped our mail since then has stopped it for both. Raises CannotMerge.
    """
    kept, merged = _both(merge.kept_id, merge.merged_id)
    row = Merge.objects.select_for_update().get(pk=merge.pk)
    if row.undone_at or at >= undoable_until(row):
        raise CannotMerge(_("This merge can no longer be taken back."))
    later = Merge.objects.filter(undone_at=None, pk__gt=row.pk)
    if later.filter(Q(kept=kept) | Q(merged=kept)).exists():
        raise CannotMerge(_("Take back the later merge of this participant first."))
    for label, ids in row.moved["rows"].items():
        field = carried_tables()[label]
        still = field.model._base_manager.filter(pk__in=ids, **{field.name: kept})
        still.update(**{field.name: merged})
    ParticipantName.objects.filter(pk__in=row.moved["made"]).delete()
    for pk, end in row.moved["links"]:
        Link.objects.filter(pk=pk, expires_at=row.at).update(expires_at=end)
    _part_interests(row)
    merged.merged_into = None
    merged.save(update_fields=["merged_into"])
    _unfill(kept, merged, row)
    events = [*_retracted(row, at), *_stopped_since(row, at)]
    row.undone_at, row.moved = at, {}
    row.save(update_fields=["undone_at", "moved"])
    settling.record_many(events, at=at)
    _bar_both(kept, merged, since=row.at, at=at)
    settling.settle([kept.pk, merged.pk], at=at)
    pair = Q(first=kept, second=merged) | Q(first=merged, second=kept)
    PossibleDuplicate.objects.filter(pair).update(
        state=PossibleDuplicate.State.APART, decided_by=actor, decided_at=at
    )


def undoable_until(row: Merge) -> datetime.datetime:
    """When a merge is for good."""
    return row.at + UNDOABLE


def close_old(*, at: datetime.datetime) -> int:
    """Forget what would be needed to take old merges back; return of how many."""
    return Merge.objects.filter(at__lte=at - UNDOABLE).exclude(moved={}).update(moved={})


def carried_tables() -> dict[str, Any]:
    """Every foreign key to a person whose rows go with the person, by table and column."""
    relations: Any = Participant._meta.get_fields(include_hidden=True)
    return {
        f"{relation.field.model._meta.label_lower}.{relation.field.name}": relation.field
        for relation in relations
        if relation.auto_created
        and (relation.one_to_many or relation.one_to_one)
        and relation.field.model._meta.label_lower not in STAYS
    }


# Rows


def _both(*ids: int) -> list[Participant]:
    found = {person.pk: person for person in settling.locked_whole(pk__in=ids)}
    if not found.keys() >= set(ids) or len(set(ids)) < 2:
        raise CannotMerge(_("Choose two different participants."))
    return [found[pk] for pk in ids]


def _carry(field: Any, kept: int, merged: int) -> list[int]:
    """Give the rows of one table to the kept record, but for those that it has already."""
    rows: QuerySet[Any] = field.model._base_manager.filter(**{field.name: merged})
    for constraint in field.model._meta.total_unique_constraints:
        if field.name in constraint.fields:
            same = {name: OuterRef(name) for name in constraint.fields if name != field.name}
            taken = field.model._base_manager.filter(**{field.name: kept}, **same)
            rows = rows.exclude(Exists(taken))
    ids = list(rows.values_list("pk", flat=True))
    field.model._base_manager.filter(pk__in=ids).update(**{field.name: kept})
    return ids


def _fill(kept: Participant, merged: Participant) -> dict[str, Any]:
    """Take over what the kept record has not; it is kept as long as the longer of the two."""
    filled = [name for name in FILLED if getattr(merged, name) and not getattr(kept, name)]
    for name in filled:
        setattr(kept, name, getattr(merged, name))
    ends = [kept.kept_until, merged.kept_until]
    before = [end.isoformat() if end else None for end in ends]
    kept.kept_until = max(end for end in ends if end) if all(ends) else None
    kept.save(update_fields=[*filled, "kept_until"])
    return {"filled": filled, "kept_until": before}


def _unfill(kept: Participant, merged: Participant, row: Merge) -> None:
    facts = row.moved["person"]
    for name in facts["filled"]:
        if getattr(kept, name) == getattr(merged, name):
            field: Any = Participant._meta.get_field(name)
            setattr(kept, name, field.get_default())
    ends = [end and datetime.datetime.fromisoformat(end) for end in facts["kept_until"]]
    kept.kept_until, merged.kept_until = ends
    kept.save(update_fields=[*facts["filled"], "kept_until"])
    merged.save(update_fields=["kept_until"])


def _keep_name(kept: Participant, merged: Participant, at: datetime.datetime) -> list[int]:
    """Note the other record's name, where it is another one."""
    if not merged.name or merged.name == kept.name:
        return []
    row, is_new = ParticipantName.objects.get_or_create(
        participant=kept, name=merged.name, defaults={"since": at}
    )
    return [row.pk] if is_new else []


def _end_links(merged: Participant, at: datetime.datetime) -> list[Any]:
    """End what would show the kept person to who reads the other address; return the old ends."""
    ended = Link.objects.filter(participant=merged, purpose__in=ENDED, used_at=None)
    ended = ended.filter(Q(expires_at=None) | Q(expires_at__gt=at))
    ends = [[pk, end and end.isoformat()] for pk, end in ended.values_list("pk", "expires_at")]
    ended.update(expires_at=at)
    return ends


# Interests that both have: the stronger reason wins, and what was taken away stays away


def _join_interests(kept: int, merged: int, at: datetime.datetime) -> list[Any]:
    """Change the kept record's rows, and return each with its values before and after."""
    theirs = {
        row.interest_id: row for row in ParticipantInterest.objects.filter(participant=merged)
    }
    changed = []
    for row in ParticipantInterest.objects.filter(participant=kept, interest__in=theirs):
        other = theirs[row.interest_id]
        before = _facts(row)
        if STRENGTH.index(other.origin) > STRENGTH.index(row.origin):
            row.origin, row.batch_id = other.origin, other.batch_id
            row.consultation_id = other.consultation_id
        row.removed_at = row.removed_at or other.removed_at
        if _facts(row) != before:
            row.save()
            changed.append([row.pk, before, _facts(row)])
    return changed


def _part_interests(merge: Merge) -> None:
    changed = {pk: (before, after) for pk, before, after in merge.moved["interests"]}
    for row in ParticipantInterest.objects.filter(pk__in=changed):
        before, after = changed[row.pk]
        if _facts(row) == after:
            for name, value in zip(INTEREST_FIELDS, before, strict=True):
                setattr(row, name, value)
            row.save()


def _facts(row: ParticipantInterest) -> list[Any]:
    values = [getattr(row, name) for name in INTEREST_FIELDS]
    return [v.isoformat() if isinstance(v, datetime.datetime) else v for v in values]


# Permissions: the stricter wins, and a wish to hear a result goes along


def _stricter(row: Merge, at: datetime.datetime) -> list[ConsentEvent]:
    """The events that make the kept record no freer than either of the two was."""
    mine = _permissions(row.kept_id)
    theirs = _permissions(row.merged_id)
    barred = {
        purpose
        for bar in settling.bars_of([row.merged])[row.merged_id]
        if bar.reason != Suppression.Reason.BOUNCED
        for purpose in ([bar.purpose] if bar.purpose else Purpose.values)
    }
    stopped = {key for key, standing in theirs.items() if standing.reason == Standing.STOPPED}
    stopped |= {key for key in (*mine, *theirs) if key[0] in barred}
    stopped |= {(Purpose.INVITE.value, None)} if Purpose.INVITE in barred else set()
    paused = {
        key: standing.recheck_at
        for key, standing in theirs.items()
        if standing.reason == Standing.PAUSED and not _is_paused_longer(mine.get(key), standing)
    }
    wished = [
        key
        for key, standing in theirs.items()
        if key[0] == Purpose.RESULT and standing.may_write and key not in mine
    ]
    return [
        *(_event(row, key, Action.WITHDRAWN, at) for key in sorted(stopped, key=str)),
        *(_event(row, key, Action.PAUSED, at, until=end) for key, end in paused.items()),
        *(_event(row, key, Action.GIVEN, at, wording_id=_shown(row, key)) for key in wished),
    ]


def _is_paused_longer(mine: ContactPermission | None, theirs: ContactPermission) -> bool:
    if mine is None or mine.reason != Standing.PAUSED:
        return False
    return bool(mine.recheck_at and theirs.recheck_at and mine.recheck_at >= theirs.recheck_at)


def _permissions(person_id: int) -> dict[tuple[str, int | None], ContactPermission]:
    rows = ContactPermission.objects.filter(participant=person_id)
    return {(row.purpose, row.consultation_id): row for row in rows}


def _shown(row: Merge, key: tuple[str, int | None]) -> int | None:
    """The words under which the merged record wished to hear a result."""
    given = ConsentEvent.objects.filter(
        participant=row.merged_id, purpose=key[0], consultation=key[1], action=Action.GIVEN
    )
    return given.order_by("-at", "-id").values_list("wording", flat=True).first()


def _event(
    row: Merge, key: tuple[str, int | None], action: str, at: datetime.datetime, **more: Any
) -> ConsentEvent:
    return ConsentEvent(
        participant_id=row.kept_id,
        purpose=key[0],
        consultation_id=key[1],
        action=action,
        channel=Channel.MERGE,
        evidence=_evidence(row),
        at=at,
        **more,
    )


def _evidence(row: Merge) -> str:
    return f"merge {row.pk}"


def _written(row: Merge) -> QuerySet[ConsentEvent]:
    return ConsentEvent.objects.filter(
        participant=row.kept_id, channel=Channel.MERGE, evidence=_evidence(row)
    )


def _retracted(row: Merge, at: datetime.datetime) -> list[ConsentEvent]:
    """What makes the events of a merge count for nothing."""
    keys = set(_written(row).values_list("purpose", "consultation_id"))
    return [_event(row, key, Action.RETRACTED, at) for key in sorted(keys, key=str)]


def _stopped_since(row: Merge, at: datetime.datetime) -> list[ConsentEvent]:
    """What the person stopped while the two were one, said of the other record too."""
    told = ConsentEvent.objects.filter(participant=row.kept_id)
    undone = told.filter(action=Action.RETRACTED, batch__isnull=False).values("batch")
    # By number too, for a sheet dates what it says by its own days.
    since = told.filter(
        Q(pk__gt=row.moved["last_event"]) | Q(at__gte=row.at),
        action__in=(Action.WITHDRAWN, Action.OBJECTED),
    ).exclude(Q(channel=Channel.MERGE) | Q(batch__in=undone))
    keys = set(since.values_list("purpose", "consultation_id"))
    about = {(p, c if p == Purpose.RESULT else None) for p, c in keys}
    return [
        ConsentEvent(
            participant_id=row.merged_id,
            purpose=purpose,
            consultation_id=consultation_id,
            action=Action.WITHDRAWN,
            channel=Channel.MERGE,
            evidence=_evidence(row),
            at=at,
        )
        for purpose, consultation_id in sorted(about, key=str)
    ]


def _bar_both(
    kept: Participant, merged: Participant, *, since: datetime.datetime, at: datetime.datetime
) -> None:
    """Let what came to stand against one address while the two were one stand against both."""
    bars = settling.bars_of([kept, merged])
    for one, other in ((kept, merged), (merged, kept)):
        for bar in bars[one.pk]:
            if bar.at >= since and bar.reason != Suppression.Reason.BOUNCED:
                barring.suppress(
                    address=other.email,
                    reason=bar.reason,
                    purpose=bar.purpose,
                    source=bar.source,
                    at=at,
                )
