"""What is written to the journal, and when.

Changes that must outlive a restored database (who left, objected, was erased; what was started)
are entries in a table, made with the change itself, and go to the file once it is committed. What
the file cannot take waits in the table, so that nobody is kept from leaving by a full disk. What is
handed to a mail server goes to the file before it leaves, or it does not leave.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.db import transaction
from django.utils import timezone

from .. import addresses, conf, journal
from . import sealing
from .models import JournalEntry, Seal

logger = logging.getLogger(__name__)

_is_replaying: ContextVar[bool] = ContextVar("is_replaying", default=False)


class NotWritten(Exception):
    """The journal does not know of a message, so that it must not leave."""


@contextmanager
def replaying() -> Iterator[None]:
    """Do again what the journal says without telling it once more."""
    before = _is_replaying.set(True)
    try:
        yield
    finally:
        _is_replaying.reset(before)


def is_kept() -> bool:
    """Whether the site keeps a journal that is to be told of what happens now."""
    return bool(conf.journal()) and not _is_replaying.get()


def whose(address: str) -> journal.Entry:
    """An address as the journal knows it: by its keyed hash."""
    mark, key_id = addresses.fingerprint(address)
    return {"to": mark, "key": key_id}


# With a change


def note(entries: Iterable[journal.Entry], *, at: datetime.datetime) -> None:
    """Tell the journal of changes once the transaction that makes them is committed.

    An entry may have an `at` of its own.
    """
    if not is_kept():
        return
    rows = [JournalEntry(said={"at": at.isoformat(), **entry}) for entry in entries]
    JournalEntry.objects.bulk_create(rows)
    if rows:
        transaction.on_commit(partial(_write, rows), robust=True)


def _write(rows: Collection[JournalEntry]) -> bool:
    """Write entries of the table to the file; return whether that worked."""
    seal = Seal.objects.first()
    if seal is None or not seal.journal:
        return False  # The first round of a worker begins the journal, and writes these.
    lines = [{**row.said, "entry": str(row.uuid)} for row in rows]
    try:
        journal.append(conf.journal(), name=seal.journal, entries=lines)
    except journal.Unwritable as error:
        logger.warning("The journal cannot be written (%s); what happens is kept for it.", error)
        return False
    # Its week begins now: the line has still to be read by a worker who knows of the entry.
    written = JournalEntry.objects.filter(pk__in=[row.pk for row in rows])
    written.update(is_written=True, at=timezone.now())
    return True


def write_waiting(*, before: datetime.datetime, most: int = 1000) -> int:
    """Write entries that waited since before some moment; return how many still wait."""
    waiting = JournalEntry.objects.filter(is_written=False)
    while rows := list(waiting.filter(at__lt=before).order_by("pk")[:most]):
        if not _write(rows):
            break
    return waiting.count()


# With a message


def handed_over(rows: Iterable[Any]) -> None:
    """Tell the journal which deliveries are about to be handed over, before any of them leaves.

    Raises NotWritten: none of them may leave then, and sending waits until it can be written.
    """
    if not conf.journal():
        return
    at = timezone.now().isoformat()
    lines = [
        {
            "do": "handed",
            "at": at,
            "delivery": str(row.uuid),
            "invitation": str(row.invitation.uuid),
            **whose(row.participant.email),
        }
        for row in rows
    ]
    try:
        _append(lines, lasts=True)
    except journal.Unwritable as error:
        sealing.refuse(Seal.Trouble.UNWRITABLE)
        raise NotWritten(str(error)) from error


def not_taken(rows: Iterable[Any], *, for_good: bool) -> None:
    """Tell the journal that the mail server took none of these, before they go back to wait."""
    if not conf.journal():
        return
    said = {"do": "refused" if for_good else "back", "at": timezone.now().isoformat()}
    lines = [{**said, "delivery": str(row.uuid)} for row in rows]
    try:
        _append(lines)
    except journal.Unwritable:
        JournalEntry.objects.bulk_create(JournalEntry(said=line) for line in lines)


def _append(lines: list[journal.Entry], *, lasts: bool = False) -> None:
    name = Seal.objects.values_list("journal", flat=True).first() or ""
    journal.append(conf.journal(), name=name, entries=lines, lasts=lasts)
