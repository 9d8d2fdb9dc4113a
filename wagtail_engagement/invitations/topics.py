"""Who cares about which topics, as conditions on rows that name a `participant`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db.models import Exists, OuterRef, Q

from ..participants.models import Interest, ParticipantInterest

Origin = ParticipantInterest.Origin


def chosen() -> Any:
    """Topics that a person chose and has kept."""
    return kept().filter(origin=Origin.DECLARED)


def kept() -> Any:
    return ParticipantInterest.objects.filter(participant=OuterRef("participant"), removed_at=None)


def chose(interest_ids: Iterable[int]) -> Q:
    return Q(Exists(chosen().filter(interest__in=list(interest_ids))))


def cares_about(interest_ids: Iterable[int]) -> Q:
    """People who chose one of these; taking part tells us only about people who chose nothing."""
    these = list(interest_ids)
    shown = kept().filter(interest__in=these).exclude(origin=Origin.DECLARED)
    return chose(these) | Q(Exists(shown.exclude(Exists(chosen()))))


def named_nothing(interest_ids: Iterable[int]) -> Q:
    """People of whom we know no topic, unless they took one of these away."""
    taken_away = ParticipantInterest.objects.filter(
        participant=OuterRef("participant"),
        interest__in=list(interest_ids),
        removed_at__isnull=False,
    )
    return ~Q(Exists(kept())) & ~Q(Exists(taken_away))


def groups(interests: Iterable[Interest]) -> list[frozenset[int]]:
    """Each interest with every one that was merged into the same, at whichever end it stands."""
    into = dict(Interest.objects.values_list("pk", "merged_into_id"))
    family: dict[int, set[int]] = defaultdict(set)
    for pk in into:
        family[_root(pk, into)].add(pk)
    return [frozenset(family[_root(interest.pk, into)]) for interest in interests]


def _root(pk: int, into: dict[int, int | None]) -> int:
    seen = {pk}
    while (above := into.get(pk)) is not None and above not in seen:
        seen.add(above)
        pk = above
    return pk
