"""Interests that staff give to many people at once, and take away again."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from django.db import transaction
from django.db.models import QuerySet

from .models import Interest, ParticipantInterest

Origin = ParticipantInterest.Origin


@transaction.atomic
def tag(
    *, participant_ids: Collection[int], interests: Collection[Interest], at: datetime.datetime
) -> int:
    """Give people these interests, and return how many links are new.

    What somebody has is left as it is, and so is what they took away: that is theirs to undo.
    """
    there = set(_links(participant_ids, interests).values_list("participant_id", "interest_id"))
    fresh = [
        ParticipantInterest(
            participant_id=person_id,
            interest=interest,
            origin=Origin.STAFF,
            since=at,
            renewed_at=at,
        )
        for person_id in participant_ids
        for interest in interests
        if (person_id, interest.pk) not in there
    ]
    ParticipantInterest.objects.bulk_create(fresh, ignore_conflicts=True)
    return len(fresh)


@transaction.atomic
def untag(*, participant_ids: Collection[int], interests: Collection[Interest]) -> int:
    """Take interests away that we gave, and return how many; what people chose stays theirs."""
    ours = _links(participant_ids, interests).filter(removed_at=None)
    return ours.exclude(origin=Origin.DECLARED).delete()[0]


def _links(
    participant_ids: Collection[int], interests: Collection[Interest]
) -> QuerySet[ParticipantInterest]:
    return ParticipantInterest.objects.filter(
        participant__in=participant_ids, interest__in=interests
    )
