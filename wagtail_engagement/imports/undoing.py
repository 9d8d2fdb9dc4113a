"""Take out of the register again what one sheet brought, whoever it concerns.

People whom only this sheet concerns go. From the others goes what it added; what they did by
themselves, and what other sheets say, stands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Min, Q, QuerySet

from .. import addresses
from ..consent import barring, settling
from ..consent.models import (
    ConsentEvent,
    ContactPermission,
    LawfulBasis,
    Purpose,
    Suppression,
)
from ..participants.details import ParticipantName, ParticipantNote
from ..participants.merges import PossibleDuplicate
from ..participants.models import Participant, ParticipantInterest
from . import bringing
from .declaring import check_others_again, forget_rows
from .judging import best_name
from .knowing import SOURCE
from .mapping import Field, Mapping
from .models import ImportBatch, ImportRow
from .storing import source_of

if TYPE_CHECKING:
    from .running import Turn

CHUNK = 500

Action = ConsentEvent.Action
Channel = ConsentEvent.Channel
Status = ImportBatch.Status

# What a sheet has said in these states is in the register.
_STANDS = (Status.RUNNING, Status.FINISHED, Status.FAILED)
# What follows from the rest by itself and is no reason to keep a person.
_DERIVED = (ContactPermission, PossibleDuplicate)
# What says which sheet it comes from.
_OF_SHEETS = (ParticipantName, ParticipantNote)


def undo_rows(turn: Turn) -> None:
    """Go through the people of a sheet until none is left or the turn is over; then its answers.

    Each chunk forgets its rows in its own transaction, so that a kill loses and repeats nothing.
    """
    batch = turn.batch
    with transaction.atomic():
        turn.advance(Status.UNDOING)
        bringing.hand_on(batch)
    while not turn.is_over():
        with transaction.atomic():
            named = batch.rows.filter(participant__isnull=False).order_by("number")[:CHUNK]
            found = list(named.values_list("pk", "participant"))
            people = {person for _row, person in found}
            # People before the batch, as erasure locks them, so that neither waits for the other.
            settling.locked_whole(pk__in=people)
            turn.advance(Status.UNDOING)
            taken = len(found) or bringing.take_back(batch, most=CHUNK)
            if not taken:
                forget_rows(batch)
                turn.advance(
                    Status.UNDOING,
                    status=Status.UNDONE,
                    finished_at=turn.clock(),
                    owner="",
                    lease_until=None,
                )
                check_others_again(batch)
                return
            _take_out(batch, people, turn.clock())
            rows = ImportRow.objects.filter(pk__in=[row for row, _person in found])
            rows._raw_delete(rows.db)
        turn.done += taken


def _take_out(batch: ImportBatch, ids: set[int], at: Any) -> None:
    # What a sheet said of a record that was merged since stays with that record.
    merged = Participant.objects.filter(merged_into__in=ids).values_list("pk", flat=True)
    people = {person.pk: person for person in settling.locked(pk__in=ids.union(merged))}
    _lift(batch, people, at)
    gone = _of_nobody_else(batch, people)
    _remove(gone)
    there = people.keys() - gone
    stay = {pk for pk in there if not people[pk].merged_into_id}
    _leave_to_others(batch, there)
    mine = {"participant__in": there, "batch": batch}
    ParticipantInterest.objects.filter(_of_sheet(batch), participant__in=there).delete()
    ParticipantNote.objects.filter(**mine).delete()
    _take_names(batch, [people[pk] for pk in there])
    _take_duty(batch, stay)
    said = ConsentEvent.objects.filter(**mine, channel=Channel.IMPORT)
    retracted = said.filter(action=Action.RETRACTED).values("participant")
    concerned = said.exclude(participant__in=retracted).values_list("participant", flat=True)
    settling.record_many(
        [
            ConsentEvent(
                participant_id=pk,
                purpose=Purpose.INVITE,
                action=Action.RETRACTED,
                channel=Channel.IMPORT,
                batch=batch,
                at=at,
            )
            for pk in sorted(set(concerned))
        ],
        at=at,
    )
    _hand_on(batch, stay)


def _of_nobody_else(batch: ImportBatch, people: dict[int, Any]) -> set[int]:
    """The people whom the sheet brought and no other row of any table speaks of."""
    alone = {pk for pk, person in people.items() if person.batch_id == batch.pk}
    alone -= {pk for pk in alone if people[pk].merged_into_id}
    for relation in Participant._meta.related_objects:
        model, name = relation.related_model, relation.field.name
        if model in _DERIVED or not alone:
            continue
        rows: QuerySet[Any] = model._base_manager.filter(**{f"{name}__in": alone})
        if model is ParticipantInterest:
            rows = rows.exclude(_of_sheet(batch))
        elif model is ConsentEvent:
            rows = rows.exclude(channel=Channel.SYSTEM).exclude(
                Q(batch=batch) | Q(batch__status=Status.UNDONE)
            )
        elif model is ImportRow:
            # A sheet that was only checked has brought nothing.
            rows = rows.filter(batch__status__in=_STANDS).exclude(batch=batch)
        elif model in _OF_SHEETS:
            rows = rows.exclude(batch=batch)
        alone -= set(rows.order_by().values_list(name, flat=True))
    return alone


def _of_sheet(batch: ImportBatch) -> Q:
    """Interests that the person has neither confirmed nor taken away since."""
    return Q(batch=batch, origin=ParticipantInterest.Origin.IMPORTED, removed_at=None)


def _remove(ids: Collection[int]) -> None:
    """Delete people with all that hangs on them; nobody but the sheet ever spoke of them."""
    events = ConsentEvent.objects.filter(participant__in=ids)
    events._raw_delete(events.db)
    Participant.objects.filter(pk__in=ids).delete()


def _leave_to_others(batch: ImportBatch, ids: Collection[int]) -> None:
    """What another sheet that stands says too is that sheet's from now on."""
    rows = ImportRow.objects.filter(
        participant__in=ids, batch__status__in=bringing.STANDING, repeats__isnull=False
    ).exclude(batch=batch)
    names: dict[Any, int] = {}
    topics: dict[Any, int] = {}
    # The oldest of them comes last and wins.
    for row in rows.order_by("-batch"):
        said: Any = row.repeats
        names |= {(row.participant_id, name): row.batch_id for name in said["names"]}
        topics |= {(row.participant_id, topic): row.batch_id for topic in said["interests"]}
    mine = ParticipantName.objects.filter(participant__in=ids, batch=batch)
    _move(mine, lambda row: names.get((row.participant_id, row.name)))
    links = ParticipantInterest.objects.filter(_of_sheet(batch), participant__in=ids)
    _move(links, lambda row: topics.get((row.participant_id, row.interest_id)))


def _move(rows: QuerySet[Any], owner: Callable[[Any], int | None]) -> None:
    found = [row for row in rows if owner(row)]
    for row in found:
        row.batch_id = owner(row)
    rows.model._base_manager.bulk_update(found, ["batch"])


def _take_names(batch: ImportBatch, people: list[Any]) -> None:
    """Take the sheet's names; somebody who bore one gets the best that is left."""
    ids = [person.pk for person in people]
    mine = ParticipantName.objects.filter(participant__in=ids, batch=batch)
    borne = set(mine.values_list("participant", "name"))
    mine.delete()
    left: dict[int, set[str]] = defaultdict(set)
    for pk, name in ParticipantName.objects.filter(participant__in=ids).values_list(
        "participant", "name"
    ):
        left[pk].add(name)
    renamed = [person for person in people if (person.pk, person.name) in borne]
    for person in renamed:
        person.name = best_name(left[person.pk])
    Participant.objects.bulk_update(renamed, ["name"])


def _take_duty(batch: ImportBatch, ids: Collection[int]) -> None:
    """Who stays is an organisation, and must be notified, only where another sheet says so."""
    rows = ImportRow.objects.filter(participant__in=ids, batch__status__in=_STANDS)
    rows = rows.exclude(batch=batch)
    stay = Participant.objects.filter(pk__in=ids)
    if batch.basis == LawfulBasis.LEGAL_OBLIGATION:
        bound = rows.filter(batch__basis=LawfulBasis.LEGAL_OBLIGATION)
        stay.exclude(pk__in=bound.values("participant")).update(must_be_notified=False)
    if _may_name_organisations(batch):
        others = ImportBatch.objects.filter(pk__in=rows.values("batch"))
        told = rows.filter(batch__in=[each.pk for each in others if _may_name_organisations(each)])
        free = stay.filter(must_be_notified=False).exclude(pk__in=told.values("participant"))
        free.update(kind=Participant.Kind.PERSON)


def _may_name_organisations(batch: ImportBatch) -> bool:
    column = Mapping.from_json(batch.mapping).columns(Field.KIND)
    return bool(column) or batch.kind == Participant.Kind.ORGANISATION


def _lift(batch: ImportBatch, people: dict[int, Any], at: Any) -> None:
    """Take the sheet's entries off do-not-contact, where nobody else said no.

    Where another sheet did, the entry is that sheet's from now on.
    """
    marks = {
        mark: pk
        for pk, person in people.items()
        for mark in addresses.fingerprints(person.address_key)
    }
    mine = Suppression.objects.filter(fingerprint__in=marks, source=source_of(batch))
    entries = {marks[entry.fingerprint]: entry for entry in mine}
    others: dict[int, str] = {}
    told = ConsentEvent.objects.filter(participant__in=entries, purpose=Purpose.INVITE)
    undone = set(told.filter(action=Action.RETRACTED).values_list("participant", "batch")) | {
        (pk, batch.pk) for pk in entries
    }
    noes = told.filter(action__in=(Action.WITHDRAWN, Action.OBJECTED)).order_by("at", "id")
    for pk, by, uuid, channel in noes.values_list("participant", "batch", "batch__uuid", "channel"):
        if not by or (pk, by) not in undone:
            others[pk] = f"{SOURCE}{uuid}" if by else channel
    barring.take_back(
        entries=list(entries.values()),
        sources={entries[pk].pk: source for pk, source in others.items()},
    )


def _hand_on(batch: ImportBatch, ids: Collection[int]) -> None:
    """Who stays was brought in by the oldest other sheet that names them, else came alone."""
    mine = Participant.objects.filter(pk__in=ids, batch=batch)
    others = ImportRow.objects.filter(participant__in=mine, batch__status__in=_STANDS)
    others = others.exclude(batch=batch)
    oldest = dict(others.values_list("participant").annotate(Min("batch")).order_by())
    changed = [
        Participant(pk=pk, batch_id=oldest.get(pk)) for pk in mine.values_list("pk", flat=True)
    ]
    Participant.objects.bulk_update(changed, ["batch"])
