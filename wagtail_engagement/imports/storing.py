"""Write what some rows bring, in few statements for any number of them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Collection, Sequence
from typing import Any

from django.db import models
from django.db.models import Exists, OuterRef

from .. import inserting
from ..consent import barring, settling
from ..consent.judging import Act
from ..consent.models import ConsentEvent, ContactPermission, Purpose, Suppression
from ..participants.details import ParticipantName, ParticipantNote
from ..participants.models import Participant, ParticipantInterest
from .judging import Changes, Judged
from .knowing import SOURCE, Known
from .mapping import Mapping
from .models import ImportBatch, ImportRow
from .terms import Terms

Kind = Participant.Kind
Action = ConsentEvent.Action
Outcome = ImportRow.Outcome


def source_of(batch: ImportBatch) -> str:
    """Return how do-not-contact names a sheet as what it was told by."""
    return f"{SOURCE}{batch.uuid}"


def store(changes: Changes, terms: Terms, *, at: datetime.datetime) -> None:
    """Write changes and settle as of `at` whom they concern; the caller's transaction holds it."""
    batch, now = terms.batch, terms.now
    _keep_people(changes, terms)
    new = {known.pk: known.key for known in changes.newcomers}
    _insert(
        ParticipantName,
        ["participant", "name"],
        [(known.pk, name) for known, name in changes.names],
        same={"batch": batch.pk, "since": now},
        new=new,
    )
    ParticipantNote.objects.bulk_create(
        ParticipantNote(
            participant_id=known.pk,
            text=text,
            batch=batch,
            by_id=batch.attested_by_id,
            at=now,
        )
        for known, text in changes.notes
    )
    _keep_interests(changes, batch, new)
    if changes.leavers:
        barring.suppress_many(
            emails=[known.email for known in changes.leavers],
            reason=Suppression.Reason.UNSUBSCRIBED,
            purpose=Purpose.INVITE,
            source=source_of(batch),
            at=at,
        )
    settling.record_acts(
        _acts(changes, batch),
        newcomers=new,
        actor_id=batch.attested_by_id,
        at=at,
    )
    _free({known.pk for known, *_rest in changes.events} - new.keys())


def _keep_people(changes: Changes, terms: Terms) -> None:
    # In one order everywhere, so that two sheets with the same people do not block each other.
    changes.newcomers.sort(key=lambda known: known.key)
    _let_in(changes.newcomers, terms)
    Participant.objects.bulk_update(
        [
            Participant(
                pk=pk,
                name=known.name,
                area=known.area,
                kind=_kind(known),
                must_be_notified=known.must_be_notified,
            )
            for pk, known in changes.touched.items()
        ],
        ["name", "area", "kind", "must_be_notified"],
        batch_size=500,
    )
    duty = [pk for pk, known in changes.touched.items() if known.must_be_notified]
    Participant.objects.filter(pk__in=duty).update(kept_until=None)


def _let_in(newcomers: list[Known], terms: Terms) -> None:
    """Add people, who go by themselves unless something says that we may write to them."""
    inserting.insert(
        Participant,
        ["uuid", "address_key", "email", "name", "kind", "area", "must_be_notified", "kept_until"],
        [
            (
                uuid.uuid4(),
                known.key,
                known.email,
                known.name,
                _kind(known),
                known.area,
                known.must_be_notified,
                None if _has_reason(known) else terms.kept_until,
            )
            for known in newcomers
        ],
        same={"batch": terms.batch.pk, "joined_at": terms.now},
    )
    keys = inserting.among([known.key for known in newcomers])
    added = Participant.objects.filter(address_key__in=keys)
    numbers = dict(added.values_list("address_key", "pk"))
    for known in newcomers:
        known.person_id = numbers[known.key]


def _has_reason(known: Known) -> bool:
    """Whether a newcomer is to stay: the law names them, or their yes stands."""
    return known.must_be_notified or bool(known.told_yes_at and not known.is_out)


def _kind(known: Known) -> str:
    return (Kind.ORGANISATION if known.is_organisation else Kind.PERSON).value


def _insert(
    model: type[models.Model],
    names: list[str],
    rows: list[tuple[Any, ...]],
    *,
    same: dict[str, Any],
    new: Collection[int],
) -> None:
    """Insert what people have not got yet; newcomers have nothing, and go in faster."""
    theirs = [row for row in rows if row[0] in new]
    inserting.insert(model, names, theirs, same=same)
    others = [row for row in rows if row[0] not in new]
    inserting.insert(model, names, others, same=same, ignore_conflicts=True)


def _keep_interests(changes: Changes, batch: ImportBatch, new: Collection[int]) -> None:
    """Add interests; what a person took away stays away, and what they chose stays chosen."""
    _insert(
        ParticipantInterest,
        ["participant", "interest", "since", "renewed_at"],
        [(known.pk, pk, since, since) for known, pk, since in changes.interests],
        same={"origin": ParticipantInterest.Origin.IMPORTED.value, "batch": batch.pk},
        new=new,
    )
    ParticipantInterest.objects.bulk_create(
        [
            ParticipantInterest(
                participant_id=known.pk,
                interest_id=pk,
                origin=ParticipantInterest.Origin.IMPORTED,
                batch=batch,
                since=since,
                renewed_at=since,
            )
            for (_who, pk), (known, since) in changes.renewals.items()
        ],
        update_conflicts=True,
        unique_fields=["participant", "interest"],
        update_fields=["renewed_at"],
    )


def _acts(changes: Changes, batch: ImportBatch) -> list[Act]:
    return [
        Act(
            participant_id=known.pk,
            purpose=Purpose.INVITE,
            action=action,
            channel=ConsentEvent.Channel.IMPORT,
            at=moment,
            batch_id=batch.pk,
            evidence=f"row {number}",
        )
        for known, action, moment, number in changes.events
    ]


def _free(ids: Collection[int]) -> None:
    """Keep those who were to go and may now be written to."""
    may_write = ContactPermission.objects.filter(participant=OuterRef("pk"), may_write=True)
    going = Participant.objects.filter(pk__in=inserting.among(ids), kept_until__isnull=False)
    going.filter(Exists(may_write)).update(kept_until=None)


def keep_rows(
    batch: ImportBatch,
    judged: Sequence[Judged],
    cells: dict[int, list[str]],
    mapping: Mapping,
) -> None:
    """Write down what became of rows; values only of those that somebody has to look at."""
    inserting.insert(
        ImportRow,
        ["number", "outcome", "column", "reason", "participant", "values", "repeats"],
        [
            (
                each.number,
                str(each.outcome),
                each.column,
                each.reason,
                each.known.person_id if each.known else None,
                _values(cells[each.number], mapping) if each.outcome == Outcome.REVIEW else None,
                each.repeats,
            )
            for each in judged
        ],
        same={"batch": batch.pk},
    )


def _values(cells: list[str], mapping: Mapping) -> dict[str, str]:
    """The cells of the columns that are stored, by index."""
    return {str(i): cells[i] for i in sorted(mapping.fields) if i < len(cells)}


def row_of(values: dict[str, str]) -> list[str]:
    """Return cells as long as a row, from the values that were kept of it."""
    kept = {int(index): text for index, text in values.items()}
    return [kept.get(index, "") for index in range(max(kept, default=-1) + 1)]
