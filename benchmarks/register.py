"""Finding people by permission and interest in a large register, against taggit's own filter."""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.utils import timezone
from taggit.models import Tag, TaggedItem

from wagtail_engagement.consent.models import ContactPermission
from wagtail_engagement.modeladmin import NumberPaginator
from wagtail_engagement.participants.listing import ParticipantFilterSet
from wagtail_engagement.participants.models import Interest, Participant, ParticipantInterest

from .importing import empty, insert
from .plain.models import PlainContact

SIZES = {"small": 2_000, "full": 1_000_000}
# How many in a hundred care about it.
TOPICS = {"rare": 1, "middling": 7, "popular": 24}
MAY_BE_INVITED = 60
PAGE = 50
PAGE_GOALS = {"rare": 1 / 6, "middling": 1 / 20, "popular": 1 / 20}
COUNT_GOAL = 0.6
ROUNDS = 3
AT_ONCE = 50_000


def run(size: str) -> list[str]:
    """Print what a page and a count of each topic take, as a share of taggit's; return faults."""
    people = SIZES[size]
    empty()
    topics = _fill(people)
    wrong = []
    print(f"\n{people:,} people{'':10}{'page':>9}{'goal':>9}{'count':>9}{'goal':>9}")
    for name, (interest, tag) in topics.items():
        ours, plain = _ours(interest), _plain(tag)
        numbers = ours.numbers()
        pages = NumberPaginator(Participant.objects.all(), PAGE, numbers=numbers)
        if not numbers.count() == ours.qs.count() == plain.count():
            wrong.append(f"{name}: {ours.qs.count()} people found, and {plain.count()} by taggit")
        page = _share(lambda o=pages: list(_first(o)), lambda p=plain: list(p.all()[:PAGE]))
        count = _share(lambda n=numbers: n.all().count(), plain.count)
        print(f"{name:20}{page:14.3f}{PAGE_GOALS[name]:9.3f}{count:9.2f}{COUNT_GOAL:9.2f}")
    empty()
    return wrong


def _share(ours: Callable[[], Any], plain: Callable[[], Any]) -> float:
    took: dict[Any, list[float]] = {ours: [], plain: []}
    for _round in range(ROUNDS):
        for call in (ours, plain):
            start = time.perf_counter()
            call()
            took[call].append(time.perf_counter() - start)
    return statistics.median(took[ours]) / statistics.median(took[plain])


def _first(pages: NumberPaginator) -> Any:
    """The people of the first page, without the count, which is timed by itself."""
    return pages.object_list.filter(pk__in=pages.numbers.all()[:PAGE])


def _ours(interest: Interest) -> Any:
    """The listing of participants as its screen asks for it."""
    asked = {"interest": interest.pk, "invitations": "granted"}
    listed = Participant.objects.current()
    found = ParticipantFilterSet(asked, queryset=listed)
    found.is_valid()
    return found


def _plain(tag: Tag) -> Any:
    found = PlainContact.objects.filter(opted_in=True, tags__name__in=[tag.name])
    return found.distinct().order_by("-id")


def _fill(people: int) -> dict[str, tuple[Interest, Tag]]:
    topics = {}
    for name in TOPICS:
        interest, _is_new = Interest.objects.get_or_create(slug=name, defaults={"name": name})
        tag, _is_new = Tag.objects.get_or_create(slug=name, defaults={"name": name})
        topics[name] = (interest, tag)
    chance = random.Random(1)
    for start in range(1, people + 1, AT_ONCE):
        numbers = range(start, min(start + AT_ONCE, people + 1))
        _fill_some(numbers, topics, chance)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return topics


def _fill_some(
    numbers: range, topics: dict[str, tuple[Interest, Tag]], chance: random.Random
) -> None:
    now = timezone.now()
    agreed = {number: chance.randrange(100) < MAY_BE_INVITED for number in numbers}
    cares = [
        (number, pair)
        for number in numbers
        for name, pair in topics.items()
        if chance.randrange(100) < TOPICS[name]
    ]
    insert(Participant, [_participant(number) for number in numbers])
    insert(PlainContact, [_contact(number, agreed[number]) for number in numbers])
    insert(
        ContactPermission,
        [
            ContactPermission(
                participant_id=number,
                purpose="invite",
                may_write=True,
                reason="granted",
                is_by_consent=True,
                since=now,
            )
            for number in numbers
            if agreed[number]
        ],
    )
    insert(ParticipantInterest, list(_links(cares)))
    kind = ContentType.objects.get_for_model(PlainContact)
    insert(
        TaggedItem,
        [TaggedItem(tag=tag, content_type=kind, object_id=number) for number, (_i, tag) in cares],
    )


def _participant(number: int) -> Participant:
    email = f"person.{number}@example.org"
    return Participant(pk=number, address_key=email, email=email)


def _contact(number: int, agreed: bool) -> PlainContact:
    return PlainContact(pk=number, email=f"person.{number}@example.org", opted_in=agreed)


def _links(cares: list[tuple[int, tuple[Interest, Tag]]]) -> Iterator[ParticipantInterest]:
    for number, (interest, _tag) in cares:
        yield ParticipantInterest(participant_id=number, interest=interest, origin="declared")
