"""Sheets for tests: written as CSV, declared as a careful person would, and brought in."""

from __future__ import annotations

import csv
import datetime
import io

from django.utils import timezone

from tests import factories
from wagtail_engagement.consent.models import Purpose
from wagtail_engagement.imports import importing, spreadsheet
from wagtail_engagement.imports.columns import guess
from wagtail_engagement.models import Participant

HEADERS = ["Email", "Name", "Interests", "OK to contact?", "Date added", "Postcode", "Notes"]
MAPPING = {
    "fields": {
        "0": "email",
        "1": "name",
        "2": "interests",
        "3": "permission",
        "4": "date",
        "5": "postcode",
        "6": "notes",
    },
    "polarity": "in",
}
WORDS = "May we email you about consultations?"


def row(
    email="ann@example.com", name="Ann Lee", topics="", said="yes", day="", postcode="", note=""
):
    return [email, name, topics, said, day, postcode, note]


def ago(days):
    return timezone.localdate() - datetime.timedelta(days=days)


def declared(**more):
    """What is declared about a sheet; by default by the book, and last month."""
    told = {"source": "Summer fair", "basis": "consent", "words": WORDS, "kind": "person"}
    days = {"collected_from": ago(30), "collected_to": ago(20)}
    return {"mapping": MAPPING, "headers": HEADERS, "header_row": 1, **told, **days, **more}


def csv_of(rows, headers=HEADERS):
    text = io.StringIO()
    csv.writer(text).writerows([headers, *rows])
    return io.BytesIO(text.getvalue().encode())


def received(*rows, actor=None, **more):
    """A sheet with these rows, described and not yet started."""
    actor = actor or factories.UserFactory()
    now = timezone.now()
    batch = importing.receive(file=csv_of(rows), filename="fair.csv", actor=actor, at=now)
    importing.describe(batch=batch, at=now, encoding="utf-8", delimiter=",", **declared(**more))
    return batch


def started(*rows, **more):
    batch = received(*rows, **more)
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    return batch


def work(at=None, **more):
    return importing.work(at=at or timezone.now(), owner="a worker", **more)


def brought_in(*rows, **more):
    """A sheet with these rows, imported to its end."""
    batch = started(*rows, **more)
    while work():
        pass
    batch.refresh_from_db()
    return batch


def undone(batch):
    importing.undo(batch=batch, actor=batch.created_by, at=timezone.now())
    while work():
        pass
    batch.refresh_from_db()


def file_in(path, *, topics=None, **more):
    """Import a real file as it is guessed, with the meaning of its words."""
    now, actor = timezone.now(), factories.UserFactory()
    book = spreadsheet.inspect(path, filename=path.name)
    for sheet in book.sheets:
        mapping = guess(sheet.headers, sheet.samples, sheet.hidden_columns)
        if not mapping.columns("email"):
            continue
        with path.open("rb") as file:
            batch = importing.receive(file=file, filename=path.name, actor=actor, at=now)
        told = {
            "sheet": sheet.name,
            "header_row": sheet.header_row,
            "encoding": book.encoding,
            "delimiter": book.delimiter,
            "headers": sheet.headers,
            "mapping": mapping.to_json(),
            "interest_words": topics or {},
        }
        importing.describe(batch=batch, at=now, **{**declared(), **told, **more})
        importing.start(batch=batch, actor=actor, at=now)
    while work():
        pass
    batch.refresh_from_db()
    return batch


def counts(batch):
    """The outcomes that occurred."""
    return {outcome: number for outcome, number in batch.totals.items() if number}


def person(address):
    return Participant.objects.get(address_key=address)


def standing(address):
    """Why somebody may or may not be invited; "" where nothing was ever said."""
    row = person(address).permissions.filter(purpose=Purpose.INVITE).first()
    return row.reason if row else ""


def register():
    """All that must not depend on the order of files and rows."""
    found = {}
    for who in Participant.objects.all():
        said = {(row.purpose, row.may_write, row.reason) for row in who.permissions.all()}
        names = frozenset(who.names.values_list("name", flat=True))
        topics = frozenset(
            who.interest_links.filter(removed_at=None).values_list("interest__name", flat=True)
        )
        found[who.address_key] = (who.name, names, topics, frozenset(said), who.kind)
    return found
