"""Keeps invented rows until their time comes, then writes them in bulk and settles their people."""

from __future__ import annotations

import datetime
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from django.db.models import Model

from wagtail_engagement.consent import settling
from wagtail_engagement.models import (
    Answer,
    Claim,
    ConsentEvent,
    ConsultationResponse,
    Link,
    Participant,
    ParticipantInterest,
    RegisterMail,
    ResponseContact,
    Suppression,
)

# A row is written after the rows that it points at.
ORDER = (
    Participant,
    RegisterMail,
    Claim,
    ConsultationResponse,
    ResponseContact,
    Answer,
    ConsentEvent,
    ParticipantInterest,
    Suppression,
    Link,
)
RENEWED = {
    Participant: ["confirmed_at"],
    ParticipantInterest: ["origin", "renewed_at", "removed_at"],
}
CHUNK = 500


class Ledger:
    def __init__(self) -> None:
        self._waiting: list[tuple[datetime.datetime, Model]] = []
        self._renewed: dict[int, Model] = {}
        self._touched: dict[int, Participant] = {}

    def add(self, at: datetime.datetime, *rows: Model) -> None:
        """Write rows once the history has come to this time."""
        self._waiting += [(at, row) for row in rows]

    def touch(self, person: Participant) -> None:
        """Settle a person at the next writing; for suppressions, which name nobody."""
        self._touched[id(person)] = person

    def renew(self, row: Model) -> None:
        """Write again what changed on a row that may be in the table already."""
        self._renewed[id(row)] = row

    def write_until(self, at: datetime.datetime) -> None:
        """Write everything before a time, oldest first, and make the permissions say so."""
        due: dict[type[Model], list[tuple[datetime.datetime, Model]]] = defaultdict(list)
        later = []
        for time, row in self._waiting:
            if time < at:
                due[type(row)].append((time, row))
            else:
                later.append((time, row))
        self._waiting = later
        for model in ORDER:
            rows = [row for _time, row in sorted(due[model], key=lambda pair: pair[0])]
            model._default_manager.bulk_create(rows, batch_size=CHUNK)
        for model, fields in RENEWED.items():
            changed = [row for row in self._renewed.values() if row.pk and type(row) is model]
            model._default_manager.bulk_update(changed, fields, batch_size=CHUNK)
        self._renewed = {key: row for key, row in self._renewed.items() if not row.pk}
        self._settle([row for _time, row in due[ConsentEvent]], at)

    def _settle(self, events: list[Any], at: datetime.datetime) -> None:
        ids = {event.participant_id for event in events}
        ids |= {person.pk for person in self._touched.values() if person.pk}
        self._touched = {key: row for key, row in self._touched.items() if not row.pk}
        for some in _chunks(sorted(ids)):
            settling.settle(some, at=at)
        while settling.settle_due(at=at):
            pass  # As the worker does from day to day.


def _chunks(ids: list[int]) -> Iterator[list[int]]:
    for start in range(0, len(ids), CHUNK):
        yield ids[start : start + CHUNK]
