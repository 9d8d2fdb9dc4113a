"""Hints at records that may be one person. A hint waits for a person, and acts on nothing itself."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from itertools import combinations
from typing import Any
from zlib import crc32

from django.db.models import QuerySet

from . import lookalikes
from .merges import PossibleDuplicate
from .models import Participant

Hint = PossibleDuplicate.Hint
State = PossibleDuplicate.State

UNDECIDED = datetime.timedelta(days=30)
# People are compared in so many passes that one holds about this many of them in memory.
AT_A_TIME = 200_000
# A name that more people of an area have tells nothing.
COMMON = 3
# A mailbox with more spellings is a family of tags, of which the first are hint enough.
MOST_SPELLINGS = 5
LOOKED_UP_AT_ONCE = 400

Row = tuple[int, str, str, str]
Pair = tuple[int, int, str]


def find(*, at: datetime.datetime, limit: int = 500) -> int:
    """Note up to `limit` new pairs that may be one person; return how many.

    Reads the whole register some times over, so that memory stays constant (some 15 s and 100 MB
    for 1,000,000 people, in six passes). A pair that was noted before is never noted again.
    """
    passes = 1 + Participant.objects.current().count() // AT_A_TIME
    noted = 0
    for number in range(passes):
        for pairs in _batches(_pairs_of(number, passes)):
            fresh = _not_noted(pairs)[: limit - noted]
            PossibleDuplicate.objects.bulk_create(
                [
                    PossibleDuplicate(first_id=first, second_id=second, hint=hint, found_at=at)
                    for first, second, hint in fresh
                ],
                ignore_conflicts=True,
            )
            noted += len(fresh)
            if noted >= limit:
                return noted
    return noted


def waiting() -> QuerySet[PossibleDuplicate]:
    """Pairs to look at, oldest first."""
    found = PossibleDuplicate.objects.filter(
        state=State.OPEN, first__merged_into=None, second__merged_into=None
    )
    return found.select_related("first", "second")


def ends_at(pair: PossibleDuplicate) -> datetime.datetime:
    """When the pair stays apart if nobody looks."""
    return pair.found_at + UNDECIDED


def keep_apart(*, pair: PossibleDuplicate, actor: Any, at: datetime.datetime) -> bool:
    """Say that two records are two people; False if somebody decided before."""
    return _decide(PossibleDuplicate.objects.filter(pk=pair.pk), State.APART, actor, at) > 0


def lapse(*, at: datetime.datetime) -> int:
    """Keep apart what nobody looked at for 30 days, and return how many pairs."""
    old = PossibleDuplicate.objects.filter(found_at__lte=at - UNDECIDED)
    return _decide(old, State.APART, None, at)


def _decide(
    pairs: QuerySet[PossibleDuplicate], state: str, actor: Any, at: datetime.datetime
) -> int:
    return pairs.filter(state=State.OPEN).update(state=state, decided_by=actor, decided_at=at)


def _pairs_of(number: int, passes: int) -> Iterator[Pair]:
    """Pairs among the people whose normal form, or name and area, falls into one pass."""
    mailboxes: dict[str, list[Row]] = defaultdict(list)
    names: dict[str, list[Row]] = defaultdict(list)
    people = Participant.objects.current().filter(kind=Participant.Kind.PERSON).order_by()
    rows = people.values_list("pk", "address_key", "name", "area")
    for row in rows.iterator(chunk_size=5_000):
        for table, text in ((mailboxes, lookalikes.normal(row[1])), (names, _named(row))):
            if text and crc32(text.encode()) % passes == number:
                table[text].append(row)
    for group in mailboxes.values():
        for one, other in combinations(sorted(group)[:MOST_SPELLINGS], 2):
            yield one[0], other[0], lookalikes.differ_by(one[1], other[1])
    for group in names.values():
        if len(group) <= COMMON:
            for one, other in combinations(sorted(group), 2):
                yield one[0], other[0], Hint.NAME


def _named(row: Row) -> str:
    """Name and area as one text, "" where one is not known."""
    _pk, _key, name, area = row
    words = " ".join(name.casefold().split())
    return f"{words}|{area.casefold()}" if words and area else ""


def _batches(pairs: Iterator[Pair]) -> Iterator[list[Pair]]:
    batch: list[Pair] = []
    for pair in pairs:
        batch.append(pair)
        if len(batch) == LOOKED_UP_AT_ONCE:
            yield batch
            batch = []
    yield batch


def _not_noted(pairs: list[Pair]) -> list[Pair]:
    """The pairs of a batch that no hint names yet, each once."""
    firsts = {first for first, _second, _hint in pairs}
    known = set(
        PossibleDuplicate.objects.filter(first__in=firsts).values_list("first_id", "second_id")
    )
    fresh = {(first, second): hint for first, second, hint in reversed(pairs)}
    return [(*pair, hint) for pair, hint in reversed(fresh.items()) if pair not in known]
