"""Comparing the database with its journal, and bringing an older copy up to it.

`look` runs at the start of every round of a worker. It reads what was added to the journal since
and moves on if this database knows all of it. If not, it is an older copy, and nothing is sent
until `reconcile` has done again what was forgotten.
"""

from __future__ import annotations

import datetime
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from itertools import chain

from django.db import transaction
from wagtail.log_actions import log

from .. import conf, journal
from ..invitations import rebuilding
from ..seal import journalling, sealing
from ..seal.models import JournalEntry, Seal
from . import replaying

logger = logging.getLogger(__name__)

AT_ONCE = 20_000  # lines
WEEK = datetime.timedelta(days=7)
# By then whoever made an entry has written it, or never will.
A_MINUTE = datetime.timedelta(minutes=1)
MENDED = (Seal.Trouble.OLDER, Seal.Trouble.UNWRITABLE)

Chunk = tuple[int, list[journal.Entry | None]]


class CannotReconcile(Exception):
    """The journal is not there, or the database is another site's; the message says what to do."""


def look(*, at: datetime.datetime) -> None:
    """Read the journal's tail, and refuse to send if this database has forgotten any of it."""
    seal = sealing.bind(at=at)
    if not conf.journal() or sealing.why_not() is not None:
        return
    for end, entries in _chunks(seal.offset):
        if _forgets(entries, end):
            sealing.refuse(Seal.Trouble.OLDER)
            logger.error("This database is older than its journal. Run engagement_reconcile.")
            return
        Seal.objects.filter(pk=seal.pk, journal=seal.journal, offset__lt=end).update(offset=end)
    journalling.write_waiting(before=at - A_MINUTE)
    old = JournalEntry.objects.filter(is_written=True, at__lt=at - WEEK)
    if old.exists():
        old.delete()


def _chunks(start: int) -> Iterator[Chunk]:
    entries: list[journal.Entry | None] = []
    end = start
    for end, entry in journal.read(conf.journal(), start):  # noqa: B007
        entries.append(entry)
        if len(entries) == AT_ONCE:
            yield end, entries
            entries = []
    if entries:
        yield end, entries


def _forgets(entries: list[journal.Entry | None], end: int) -> bool:
    """Whether a line says what this database does not know. Lines that say nothing do not count."""
    lines = [entry for entry in entries if entry and replaying.is_of_use(entry)]
    told = replaying.known_entries(lines)
    JournalEntry.objects.filter(uuid__in=told, is_written=False).update(is_written=True)
    if any("entry" in entry and entry["entry"] not in told for entry in lines):
        return True
    handed, _not_taken = replaying.net(
        [entry for entry in lines if entry["do"] in replaying.OF_MESSAGES]
    )
    untold = rebuilding.untold(handed)
    return bool(untold) and bool(untold - _taken_back(end))


def _taken_back(start: int) -> set[uuid.UUID]:
    """Messages that the mail server did not take, which is written before they wait again.

    Also what is written behind these lines, or waits to be: the table was read after them.
    """
    waiting = JournalEntry.objects.filter(is_written=False).values_list("said", flat=True)
    later = (entry for _end, entry in journal.read(conf.journal(), start))
    return {
        uuid.UUID(entry["delivery"])
        for entry in chain(waiting, later)
        if entry and entry.get("do") == replaying.BACK and replaying.is_of_use(entry)
    }


def reconcile(*, at: datetime.datetime, is_dry: bool = False) -> Counter[str]:
    """Do again what the journal says and this database has forgotten; count lines by outcome.

    May be stopped at any time, and goes on where it was. With `is_dry` everything is done and then
    taken back. Raises CannotReconcile.
    """
    seal = sealing.bind(at=at)
    refusal = sealing.why_not()
    if not conf.journal() or (refusal and refusal.code not in MENDED):
        raise CannotReconcile(refusal.text if refusal else "This site keeps no journal.")
    with journalling.replaying():
        if not is_dry:
            return _catch_up(seal, at)
        with transaction.atomic():
            counts = _catch_up(seal, at)
            transaction.set_rollback(True)
    return counts


def _catch_up(seal: Seal, at: datetime.datetime) -> Counter[str]:
    mine = Seal.objects.filter(pk=seal.pk)
    mine.update(trouble=Seal.Trouble.OLDER)  # Nobody sends until all of it is done.
    counts: Counter[str] = Counter()
    for end, entries in _chunks(seal.offset):
        with transaction.atomic():
            if mine.select_for_update().get().offset >= end:
                continue  # Somebody else did the same just now.
            counts += replaying.replay(entries, at=at)
            mine.update(offset=end)
    rebuilding.leave_out_doubles()
    rebuilding.count_again()
    mine.update(trouble="")
    if counts[replaying.DONE]:
        log(seal, "wagtail_engagement.database_reconciled", title=str(seal), data=dict(counts))
    return counts
