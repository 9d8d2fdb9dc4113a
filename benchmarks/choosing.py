"""Who is invited where not everybody is: how many of those who are chosen answer then.

Every way of choosing sees the same three years and meets the same next invitation: who would
answer it is decided once, before anybody is chosen, and by what none of the ways can see.
"""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from django.db import connection
from django.utils import timezone

from wagtail_engagement.invitations import drawing
from wagtail_engagement.invitations.audience import INCLUDED, Audience
from wagtail_engagement.invitations.models import Invitation

from .history import Person, World, forget, leaning

# People of the register, and how many invented worlds.
SIZES = {"small": (800, 1), "full": (10_000, 9)}
SHARE = 10  # One in so many of those who could be invited is.
OURS, AT_RANDOM = "most likely to take part", "at random"


@dataclass(frozen=True)
class Outcome:
    """What came of one way of choosing, in hundredths of those who were invited."""

    answered: float
    new_voices: float
    furthest_area: float


def run(size: str) -> list[str]:
    """Print what each way brings; return what was wrong."""
    people, worlds = SIZES[size]
    found: dict[str, list[Outcome]] = {}
    wrong: list[str] = []
    for seed in range(1, worlds + 1):
        for name, outcome in _try(World(people=people, seed=seed), wrong).items():
            found.setdefault(name, []).append(outcome)
    forget()
    _show(people, worlds, found)
    return wrong


def _try(world: World, wrong: list[str]) -> dict[str, Outcome]:
    draft = world.next_invitation()
    audience = Audience.of(draft, at=timezone.now())
    (topic,) = (world.topics.index(interest) for interest in audience.interests)
    known = {person.number: person for person in world.people}
    could = [known[pk] for (pk,) in audience.numbers(INCLUDED).values_list("person")]
    answers = {p.number for p in could if world.answers(p, topic, world.now, asked=True)}
    places = len(could) // SHARE
    limited = replace(audience, at_most=places)

    def recent(person: Person) -> tuple[bool, float, float]:
        last = person.tied_last
        return last is None, -(last.timestamp() if last else 0), world.chance.random()

    ways: dict[str, Callable[[], Iterable[int]]] = {
        AT_RANDOM: lambda: _drawn(limited, wrong),
        "who answered last": lambda: _first(sorted(could, key=recent), places),
        "the same, and one in five at random": lambda: _with_new_voices(
            sorted(could, key=recent), places, world
        ),
        OURS: lambda: _drawn(replace(limited, chosen_by=Invitation.Chosen.LIKELY), wrong),
        "if everything were known": lambda: _first(
            sorted(could, key=lambda person: -leaning(person, topic, world.now)), places
        ),
    }
    outcomes = {}
    for name, choose in ways.items():
        chosen = set(choose())
        if len(chosen) != places or not chosen <= {person.number for person in could}:
            wrong.append(f"{name}: {len(chosen)} of {places} places, or people from outside")
        outcomes[name] = _outcome(chosen, could, answers)
    return outcomes


def _first(people: list[Person], places: int) -> list[int]:
    return [person.number for person in people[:places]]


def _with_new_voices(people: list[Person], places: int, world: World) -> list[int]:
    first = places - math.ceil(places * drawing.NEW_VOICES)
    others = world.chance.sample(people[first:], places - first)
    return _first([*people[:first], *others], places)


def _drawn(audience: Audience, wrong: list[str]) -> list[int]:
    """Whom the package invites, by the very statement that freezes an audience."""
    with connection.cursor() as cursor:
        cursor.execute(*drawing.invited(audience))
        rows = cursor.fetchall()
    at_random = sum(code == "random" for _pk, code in rows)
    if at_random < len(rows) * drawing.NEW_VOICES:
        wrong.append(f"only {at_random} of {len(rows)} are drawn at random")
    return [pk for pk, _code in rows]


def _outcome(chosen: set[int], could: list[Person], answers: set[int]) -> Outcome:
    mine = [person for person in could if person.number in chosen]
    new = [person for person in mine if not person.was_asked and person.last is None]
    all_areas, areas = Counter(p.area for p in could), Counter(p.area for p in mine)
    furthest = max(
        abs(areas[area] / len(mine) - number / len(could)) for area, number in all_areas.items()
    )
    return Outcome(
        answered=100 * len(chosen & answers) / len(mine),
        new_voices=100 * len(new) / len(mine),
        furthest_area=100 * furthest,
    )


def _show(people: int, worlds: int, found: dict[str, list[Outcome]]) -> None:
    print(f"\n{people:,} people, one in {SHARE} of those who could be is invited, {worlds} worlds")
    print(
        f"{'of 100 invited':38}{'answer':>8}{'lowest':>8}{'highest':>9}{'new':>7}{'area off':>10}"
    )
    for name, outcomes in found.items():
        answered = [outcome.answered for outcome in outcomes]
        new = statistics.median(outcome.new_voices for outcome in outcomes)
        off = statistics.median(outcome.furthest_area for outcome in outcomes)
        middle, lowest, highest = statistics.median(answered), min(answered), max(answered)
        print(f"{name:38}{middle:8.1f}{lowest:8.1f}{highest:9.1f}{new:7.1f}{off:10.1f}")
