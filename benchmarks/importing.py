"""Bringing a sheet into the register, against what a developer would else reach for."""

from __future__ import annotations

import csv
import datetime
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files import File
from django.core.validators import validate_email
from django.db import connection, transaction
from django.utils import timezone
from taggit.models import TaggedItem

from wagtail_engagement.consent.models import ConsentEvent, ContactPermission
from wagtail_engagement.imports import importing
from wagtail_engagement.imports.models import ImportBatch, ImportRow
from wagtail_engagement.participants.details import ParticipantName
from wagtail_engagement.participants.models import Interest, Participant, ParticipantInterest

from . import sheets
from .plain.models import PlainContact

# Rows of the sheet, rows for import-export (which needs minutes for more), and rounds.
SIZES = {"small": (300, 100, 1), "full": (100_000, 5_000, 3)}
CHUNK = 2_000

Ready = tuple[str, list[list[Any]]]
# Prepares what is no part of the comparison, and returns what is timed.
Variant = Callable[[Path], Callable[[], None]]
GOALS = {"floor": "at least 0.5", "bulk_create": "at least %s", "import-export": "at least 60"}
BULK_GOAL = {"postgresql": 2, "sqlite": 5}
AGAIN_GOAL = 4


def run(size: str) -> list[str]:
    """Print how many times as fast as each other way ours is; return what was wrong."""
    rows, slow_rows, rounds = SIZES[size]
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        sheet, short = Path(folder) / "sheet.csv", Path(folder) / "short.csv"
        wanted = {sheet: sheets.write(sheet, rows=rows), short: sheets.write(short, rows=slow_rows)}
        vocabulary()
        _compare(sheet, rows, rounds, {"floor": _floor, "bulk_create": _bulk_create}, wanted, wrong)
        _compare(short, slow_rows, rounds, {"import-export": _import_export}, wanted, wrong)
    return wrong


def _compare(
    sheet: Path,
    rows: int,
    rounds: int,
    rivals: dict[str, Variant],
    wanted: dict[Path, dict[str, set[str]]],
    wrong: list[str],
) -> None:
    took: dict[str, list[float]] = {name: [] for name in ("ours", "ours, again", *rivals)}
    for _round in range(rounds):
        for name, variant in {"ours": _ours, **rivals}.items():
            empty()
            took[name].append(_timed(variant, sheet))
            if _stored(name) != _pairs(wanted[sheet]):
                wrong.append(f"{name} stored other people or topics than the sheet of {rows} has")
            if name == "ours":
                took["ours, again"].append(_timed(_ours, sheet))
    _show(rows, {name: statistics.median(times) for name, times in took.items()})


def _show(rows: int, took: dict[str, float]) -> None:
    ours, again = took.pop("ours"), took.pop("ours, again")
    print(f"\n{rows:,} rows{'':24}our rate : its rate")
    for name, middle in took.items():
        goal = GOALS[name] % BULK_GOAL[connection.vendor] if "%" in GOALS[name] else GOALS[name]
        print(f"{name:30}{middle / ours:12.2f}   goal {goal}")
        if name == "bulk_create":
            print(f"{'the same sheet again':30}{middle / again:12.2f}   goal at least {AGAIN_GOAL}")


def _timed(variant: Variant, sheet: Path) -> float:
    way = variant(sheet)
    start = time.perf_counter()
    way()
    return time.perf_counter() - start


# What is stored


def vocabulary() -> None:
    """The topics that the sheets name."""
    for name in sheets.TOPICS:
        Interest.objects.get_or_create(name=name, defaults={"slug": name.lower().replace(" ", "-")})


def empty() -> None:
    """Everything that an import writes, without the guards of proof."""
    for model in (ImportRow, ContactPermission, ParticipantInterest, ParticipantName, ConsentEvent):
        model._base_manager.all()._raw_delete(connection.alias)
    Participant.objects.all()._raw_delete(connection.alias)
    ImportBatch.objects.all().delete()
    TaggedItem.objects.all()._raw_delete(connection.alias)
    PlainContact.objects.all()._raw_delete(connection.alias)


def _pairs(people: dict[str, set[str]]) -> set[tuple[str, str]]:
    return {(email, topic) for email, topics in people.items() for topic in topics}


def _stored(name: str) -> set[tuple[str, str]]:
    if name == "import-export":
        return set(PlainContact.objects.values_list("email", "tags__name"))
    links = ParticipantInterest.objects.values_list("participant__address_key", "interest__name")
    return set(links)


# The ways


def _ours(sheet: Path) -> Callable[[], None]:
    return partial(bring_in, sheet)


def bring_in(sheet: Path) -> None:
    """Bring a sheet in as its wizard and a worker do."""
    now = timezone.now()
    actor, _is_new = get_user_model().objects.get_or_create(username="bench")
    with sheet.open("rb") as file:
        batch = importing.receive(file=File(file), filename=sheet.name, actor=actor, at=now)
    importing.describe(
        batch=batch,
        sheet="",
        header_row=1,
        encoding="utf-8",
        delimiter=",",
        headers=sheets.HEADERS,
        mapping={
            "fields": {"0": "email", "1": "name", "2": "interests", "3": "permission"},
            "polarity": "in",
        },
        source="A benchmark",
        collected_from=now.date() - datetime.timedelta(days=30),
        collected_to=now.date() - datetime.timedelta(days=1),
        basis="consent",
        words="May we email you?",
        at=now,
    )
    importing.start(batch=batch, actor=actor, at=now)
    while importing.work(at=timezone.now(), owner="bench", stopping=lambda: False):
        pass


def _read(sheet: Path) -> Iterable[tuple[str, str, list[str]]]:
    with sheet.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            email = row["Email address"].strip().lower()
            validate_email(email)
            yield email, row["Full name"], row["Interests"].split("; ")


def _bulk_create(sheet: Path) -> Callable[[], None]:
    """What a careful developer writes: two bulk inserts for each chunk of the sheet."""
    return partial(_store_in_bulk, sheet)


def _store_in_bulk(sheet: Path) -> None:
    topics = dict(Interest.objects.values_list("name", "pk"))
    chunk: list[tuple[str, str, list[str]]] = []
    with transaction.atomic():
        for line in _read(sheet):
            chunk.append(line)
            if len(chunk) == CHUNK:
                _store(chunk, topics)
                chunk = []
        _store(chunk, topics)


def _store(chunk: list[tuple[str, str, list[str]]], topics: dict[str, int]) -> None:
    people = {email: name for email, name, _topics in chunk}
    Participant.objects.bulk_create(
        [Participant(address_key=key, email=key, name=name) for key, name in people.items()],
        ignore_conflicts=True,
    )
    known = Participant.objects.filter(address_key__in=people).values_list("address_key", "pk")
    keys = dict(known)
    ParticipantInterest.objects.bulk_create(
        [
            ParticipantInterest(
                participant_id=keys[email], interest_id=topics[topic], origin="imported"
            )
            for email, _name, chosen in chunk
            for topic in chosen
        ],
        ignore_conflicts=True,
    )


def _floor(sheet: Path) -> Callable[[], None]:
    """Ready rows into the two tables and nothing else: what storing alone costs.

    Without the events, permissions, names and the report by row that an import also writes.
    """
    topics = dict(Interest.objects.values_list("name", "pk"))
    people: dict[str, tuple[int, str]] = {}
    pairs: set[tuple[int, int]] = set()
    for email, name, chosen in _read(sheet):
        pk, _name = people.setdefault(email, (len(people) + 1, name))
        pairs |= {(pk, topics[topic]) for topic in chosen}
    now = timezone.now()
    rows = [Participant(pk=pk, address_key=e, email=e, name=n) for e, (pk, n) in people.items()]
    links = [
        ParticipantInterest(
            participant_id=pk, interest_id=topic, origin="imported", since=now, renewed_at=now
        )
        for pk, topic in pairs
    ]
    ready = [_ready(Participant, rows), _ready(ParticipantInterest, links)]
    return partial(_pour, ready)


@transaction.atomic
def _pour(ready: list[Ready]) -> None:
    for target, lines in ready:
        _write(target, lines)


def insert(model: Any, rows: list[Any]) -> None:
    """COPY where there is one, else executemany."""
    _write(*_ready(model, rows))


def _ready(model: Any, rows: list[Any]) -> Ready:
    """The table and columns, and the values as the database takes them."""
    fields = [f for f in model._meta.concrete_fields if not (f.primary_key and rows[0].pk is None)]
    names = ", ".join(connection.ops.quote_name(field.column) for field in fields)
    table = connection.ops.quote_name(model._meta.db_table)
    values = [
        [field.get_db_prep_save(field.pre_save(row, True), connection) for field in fields]
        for row in rows
    ]
    return f"{table} ({names})", values


def _write(target: str, lines: list[list[Any]]) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {target} FROM STDIN") as copy:
                for line in lines:
                    copy.write_row(line)
        elif lines:
            holes = ", ".join(["%s"] * len(lines[0]))
            cursor.executemany(f"INSERT INTO {target} VALUES ({holes})", lines)


def _import_export(sheet: Path) -> Callable[[], None]:
    """django-import-export with taggit, as its documentation has it."""
    return partial(_import_by_rows, sheet)


def _import_by_rows(sheet: Path) -> None:
    import tablib

    from .plain.resources import PlainContactResource

    with sheet.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    data = tablib.Dataset(headers=["email", "name", "topics"])
    for line in lines:
        data.append([line["Email address"].lower(), line["Full name"], line["Interests"]])
    result = PlainContactResource().import_data(data, raise_errors=True)
    assert not result.has_errors()
