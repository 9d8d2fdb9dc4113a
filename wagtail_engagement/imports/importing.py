"""The import of a sheet: received, described, checked, started, undone, and what a worker does.

What is declared is noted by `declaring`; `running` goes through the rows and `undoing` back.
"""

from __future__ import annotations

import datetime
import logging
import os
import secrets
import time
from collections.abc import Callable
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from .. import conf, mail, nudge
from . import files, running, undoing
from .declaring import (
    FROM_THE_TOP,
    OPEN,
    ImportRefused,
    describe,
    discard,
    missing,
    move,
    note,
    park,
    receive,
    refuse_nonsense,
    same_as_last,
    take_sheets,
    unpark,
    verdict,
)
from .knowing import Register
from .mapping import MappingRefused
from .models import ImportBatch, ImportRow
from .running import Tally, Turn
from .spreadsheet import SheetRefused
from .storing import row_of, store
from .terms import Terms, Verdict

__all__ = [
    "ImportRefused",
    "Verdict",
    "check",
    "decide_review",
    "delete_due_files",
    "describe",
    "discard",
    "due_files",
    "end_reviews",
    "finish_now",
    "missing",
    "park",
    "receive",
    "refuse_nonsense",
    "same_as_last",
    "start",
    "take_sheets",
    "undo",
    "unpark",
    "unseen_rows",
    "verdict",
    "work",
]

logger = logging.getLogger(__name__)

Status = ImportBatch.Status
Outcome = ImportRow.Outcome

# Files of this size are checked while somebody waits for the page: about 2,000 rows.
CHECKED_AT_ONCE = 200_000  # bytes
SUBMISSIONS_AT_ONCE = 2_000


# What staff do


def check(*, batch: ImportBatch, at: datetime.datetime) -> None:
    """Let every row be judged without storing anything: a small sheet now, others by a worker.

    Raises ImportRefused while something is not declared yet.
    """
    if lacks := missing(batch):
        raise ImportRefused(" ".join(lacks))
    move(batch, OPEN, status=Status.CHECKING, status_reason="", **FROM_THE_TOP)
    if _is_long(batch):
        nudge.after_commit()
        return
    owner = f"page:{secrets.token_hex(8)}"
    if _claim(owner, at, batch.pk):
        batch.owner = owner
        _take(Turn(batch=batch, owner=owner, clock=_clock(at)))
        batch.refresh_from_db()


def _is_long(batch: ImportBatch) -> bool:
    if batch.form_page:
        return batch.form["submissions"] > SUBMISSIONS_AT_ONCE
    path = files.path_of(batch)
    return path.exists() and path.stat().st_size > CHECKED_AT_ONCE


@transaction.atomic
def start(*, batch: ImportBatch, actor: Any, at: datetime.datetime) -> None:
    """Let a worker bring the sheet in, as attested by `actor`; a second press finds it begun.

    Raises ImportRefused with a sentence.
    """
    if lacks := missing(batch):
        raise ImportRefused(" ".join(lacks))
    move(
        batch,
        (Status.DRAFT, Status.CHECKED),
        status=Status.RUNNING,
        status_reason="",
        attested_by=actor,
        attested_at=at,
        started_at=at,
        **FROM_THE_TOP,
    )
    note(batch, "started", actor)
    nudge.after_commit()


@transaction.atomic
def undo(*, batch: ImportBatch, actor: Any, at: datetime.datetime) -> None:
    """Let a worker take out again what the sheet brought. Raises ImportRefused."""
    # Another `last_row` also stops a worker who is still bringing rows in.
    move(
        batch,
        (Status.RUNNING, Status.FINISHED),
        status=Status.UNDOING,
        status_reason="",
        owner="",
        lease_until=None,
    )
    note(batch, "undone", actor)
    nudge.after_commit()


@transaction.atomic
def decide_review(
    *,
    row: ImportRow,
    accept: bool,
    permission: str | None,
    actor: Any,
    at: datetime.datetime,
) -> None:
    """Bring in a row that nobody but a person can read, or leave it out; its values go.

    `permission` ("in", "out" or "unknown") is what it says. Raises ImportRefused where the sheet
    is not imported, or somebody else has decided.
    """
    batch = ImportBatch.objects.select_for_update().get(pk=row.batch_id)
    waiting = ImportRow.objects.filter(pk=row.pk, outcome=Outcome.REVIEW, values__isnull=False)
    if batch.status != Status.FINISHED or not waiting.exists():
        raise ImportRefused(_("This row does not wait for anybody. Load the page again."))
    if accept:
        terms = Terms.of(batch, at=at)
        cells = row_of(row.values or {})
        register = Register(batch_id=batch.pk, now=terms.now, locks=True)
        changes, [judged] = running.judge_rows(
            [(row.number, cells)], terms, register, permission=permission or "unknown"
        )
        store(changes, terms, at=at)
        row.outcome, row.reason, row.column = judged.outcome, judged.reason, judged.column
        row.repeats = judged.repeats
        row.participant_id = judged.known.person_id if judged.known else None
    else:
        row.outcome, row.reason = Outcome.REFUSED, _("Left out after somebody looked at it")
    row.values, row.decided_at, row.decided_by = None, at, actor
    row.save()
    batch.totals[Outcome.REVIEW] -= 1
    batch.totals[row.outcome] = batch.totals.get(row.outcome, 0) + 1
    batch.save(update_fields=["totals"])
    note(batch, "row_decided", actor)


# What a worker does


def work(
    *,
    at: datetime.datetime,
    owner: str,
    stopping: Callable[[], bool] = bool,
    limit: int | None = None,
) -> int:
    """Check, bring in or undo sheets that wait, about `limit` rows; return how many rows.

    `owner` names this worker and no other. `stopping` is asked before each chunk of rows.
    """
    clock = _clock(at)
    done = 0
    while not stopping() and (limit is None or done < limit):
        batch = _claim(owner, clock())
        if batch is None:
            break
        left = None if limit is None else limit - done
        turn = Turn(batch=batch, owner=owner, clock=clock, stopping=stopping, limit=left)
        _take(turn)
        done += max(turn.done, 1)
    return done


def finish_now(*, batch: ImportBatch, at: datetime.datetime) -> Tally:
    """Bring in a started sheet to its end, here and now; return what became of its rows."""
    owner = f"command:{os.getpid()}:{secrets.token_hex(4)}"
    if not _claim(owner, at, batch.pk):
        raise ImportRefused(_("A worker is bringing this sheet in already."))
    batch.refresh_from_db()
    turn = Turn(batch=batch, owner=owner, clock=_clock(at))
    try:
        _take(turn)
    finally:
        _give_back(turn)
    batch.refresh_from_db()
    return turn.tally


def _clock(at: datetime.datetime) -> Callable[[], datetime.datetime]:
    """Tell the time from `at` on, for leases that outlast one call."""
    began = time.monotonic()
    return lambda: at + datetime.timedelta(seconds=time.monotonic() - began)


def _claim(owner: str, at: datetime.datetime, pk: int | None = None) -> ImportBatch | None:
    """Take the oldest sheet that waits and that no other worker holds."""
    waiting = ImportBatch.objects.filter(status__in=ImportBatch.LIVE)
    waiting = waiting.filter(Q(lease_until=None) | Q(lease_until__lte=at)).order_by("pk")
    if pk is not None:
        waiting = waiting.filter(pk=pk)
    for batch in waiting[:10]:
        mine = waiting.filter(pk=batch.pk).order_by()
        if mine.update(owner=owner, lease_until=at + running.LEASE):
            batch.refresh_from_db()
            return batch
    return None


def _take(turn: Turn) -> None:
    """Go on with a sheet. A fault ends its import, and what it had brought goes again."""
    ways = {
        Status.CHECKING: running.check,
        Status.RUNNING: running.run,
        Status.UNDOING: undoing.undo_rows,
    }
    try:
        ways[Status(turn.batch.status)](turn)
    except running.LeaseLost:
        return
    except (SheetRefused, MappingRefused) as refused:
        _fail(turn, str(refused))
    except (OperationalError, InterfaceError):
        raise  # The database is away. The lease ends, and another worker goes on.
    except Exception as error:  # noqa: BLE001
        # Not the traceback: it could show an address.
        logger.error("An import stopped after row %s: %s", turn.batch.last_row, mail.scrub(error))
        if turn.batch.status == Status.UNDOING:
            return  # Tried again when the lease ends.
        told = _("Something below row %(row)s could not be handled. Nothing of the sheet is kept.")
        _fail(turn, told % {"row": turn.batch.last_row})
    _give_back(turn)


def _give_back(turn: Turn) -> None:
    """Let another worker go on at once; nothing where the sheet is done."""
    mine = ImportBatch.objects.filter(pk=turn.batch.pk, owner=turn.owner)
    mine.update(owner="", lease_until=None)


def _fail(turn: Turn, why: str) -> None:
    """End the import of a sheet; where rows are in the register already, take them out."""
    mine = ImportBatch.objects.filter(pk=turn.batch.pk, owner=turn.owner)
    row = mine.filter(status=Status.RUNNING, rows_done__gt=0)
    if not row.update(status=Status.UNDOING, status_reason=why[:250]):
        mine.filter(status__in=(Status.CHECKING, Status.RUNNING)).update(
            status=Status.FAILED, status_reason=why[:250]
        )


# What ends by itself


def due_files(*, at: datetime.datetime) -> QuerySet[ImportBatch]:
    """Sheets whose files are kept for long enough; of a form, its cells are shown no longer."""
    before = at - datetime.timedelta(days=conf.import_file_days())
    rows = ImportBatch.objects.filter(created_at__lte=before)
    has_cells = ~Q(stored_as="") | (~Q(form_page="") & Q(file_gone_at=None))
    return rows.filter(has_cells).exclude(status__in=ImportBatch.LIVE)


def unseen_rows(*, at: datetime.datetime) -> QuerySet[ImportRow]:
    """Rows that waited for somebody for as long as people without a reason are kept."""
    before = at - datetime.timedelta(days=conf.quarantine_days())
    return ImportRow.objects.filter(
        outcome=Outcome.REVIEW, batch__status=Status.FINISHED, batch__finished_at__lte=before
    )


def delete_due_files(*, at: datetime.datetime) -> int:
    """Delete files whose time is over, and values that nobody looked at; return how many files.

    A row that waited for somebody for as long as people without a reason are kept is left out.
    """
    end_reviews(at=at)
    count = 0
    for batch in due_files(at=at).order_by("pk"):
        files.drop(batch.stored_as)
        ImportBatch.objects.filter(pk=batch.pk).update(stored_as="", file_gone_at=at)
        if batch.status in OPEN:
            batch.rows.filter(values__isnull=False).update(values=None)
        count += 1
    return count


def end_reviews(*, at: datetime.datetime) -> int:
    """Leave out the rows that nobody looked at, and return how many."""
    total = 0
    for pk in list(unseen_rows(at=at).order_by().values_list("batch", flat=True).distinct()):
        with transaction.atomic():
            batch = ImportBatch.objects.select_for_update().get(pk=pk)
            count = batch.rows.filter(outcome=Outcome.REVIEW).update(
                outcome=Outcome.REFUSED, reason=_("Nobody looked at it in time"), values=None
            )
            batch.totals[Outcome.REVIEW] = 0
            batch.totals[Outcome.REFUSED] = batch.totals.get(Outcome.REFUSED, 0) + count
            batch.save(update_fields=["totals"])
        total += count
    return total
