"""Sheets of invented people, the same for every way of bringing them in."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TOPICS = [f"Topic {number:02}" for number in range(50)]
HEADERS = ["Email address", "Full name", "Interests", "May we email you?"]
TOPICS_OF_ONE = 5


def write(path: Path, *, rows: int, seed: int = 1) -> dict[str, set[str]]:
    """Write a sheet of which one row in ten repeats an address; return everybody's topics."""
    people: dict[str, set[str]] = defaultdict(set)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for email, name, topics in _lines(rows, seed):
            people[email.lower()] |= set(topics)
            writer.writerow([email, name, "; ".join(topics), "yes"])
    return people


def write_long(path: Path, *, rows: int, seed: int = 1) -> tuple[int, int]:
    """Write such a sheet of any length; return how many people and how many interests it has."""
    chosen: dict[int, int] = defaultdict(int)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADERS)
        for email, name, topics in _lines(rows, seed):
            number = int(email.split("@")[0].split(".")[1])
            for topic in topics:
                chosen[number] |= 1 << TOPICS.index(topic)
            writer.writerow([email, name, "; ".join(topics), "yes"])
    return len(chosen), sum(bits.bit_count() for bits in chosen.values())


def _lines(rows: int, seed: int) -> Iterator[tuple[str, str, list[str]]]:
    chance = random.Random(seed)
    for number in range(rows):
        repeats = number > 10 and chance.random() < 0.1
        which = chance.randrange(number) if repeats else number
        email = f"Person.{which}@Example.org" if repeats else f"person.{which}@example.org"
        yield email, f"Person {which}", chance.sample(TOPICS, TOPICS_OF_ONE)
