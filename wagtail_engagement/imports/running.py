"""Go through the rows of a sheet in chunks: to see what would happen, or to let it happen.

A chunk is one transaction which also says how far the sheet has come. So a worker that is killed
leaves nothing half-done, and the next begins where it stopped.
"""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from . import bringing, columns, files, scanning, spreadsheet, submissions
from .bringing import Answers
from .declaring import check_others_again, forget_rows
from .judging import Changes, Judge, Judged, first_look
from .knowing import Known, Register, who_says_no
from .models import MAY_BE_INVITED, SAID, ImportBatch, ImportRow
from .storing import keep_rows, store
from .terms import Terms

CHUNK = 2_500
TRIES = 3
MOST_WORDS = 1_000
# Longer than a reader may need for its first row.
LEASE = datetime.timedelta(minutes=5)

Status = ImportBatch.Status
Rows = list[tuple[int, list[str]]]


class LeaseLost(Exception):
    """Somebody else goes on with this sheet, or its import was stopped."""


@dataclass
class Tally:
    """How many rows became what, and the words that are no interest here."""

    outcomes: Counter[str] = field(default_factory=Counter)
    words: Counter[str] = field(default_factory=Counter)
    said: Counter[str] = field(default_factory=Counter)

    def add(self, judged: list[Judged]) -> None:
        self.outcomes.update(str(each.outcome) for each in judged)
        for each in judged:
            for word in each.unmeant:
                if word in self.words or len(self.words) < MOST_WORDS:
                    self.words[word] += 1

    def totals(self) -> dict[str, int]:
        """Return the number of rows for each outcome, none left out; they add up to all rows.

        Beside them, of a form, what is said.
        """
        rows = {outcome: self.outcomes[outcome] for outcome in ImportRow.Outcome.values}
        return {**rows, **self.said}

    def go_on_from(self, totals: dict[str, int]) -> None:
        """Begin with what an earlier turn has counted."""
        self.outcomes.update(totals)
        self.said.update({name: totals[name] for name in SAID if name in totals})


@dataclass
class Turn:
    """One worker's turn at one sheet."""

    batch: ImportBatch
    owner: str
    clock: Callable[[], datetime.datetime]
    stopping: Callable[[], bool] = bool
    limit: int | None = None
    tally: Tally = field(default_factory=Tally)
    done: int = 0
    noes: set[str] = field(default_factory=set)

    def is_over(self) -> bool:
        return self.stopping() or (self.limit is not None and self.done >= self.limit)

    def advance(self, now: str, /, **changes: Any) -> None:
        """Note how far the sheet is, if its status is `now` still.

        Raises LeaseLost, which undoes the chunk.
        """
        batch = self.batch
        changes.setdefault("lease_until", self.clock() + LEASE)
        mine = ImportBatch.objects.filter(
            pk=batch.pk, owner=self.owner, status=now, last_row=batch.last_row
        )
        if not mine.update(**changes):
            raise LeaseLost
        for name, value in changes.items():
            setattr(batch, name, value)


def chunks(
    batch: ImportBatch,
    *,
    limits: spreadsheet.Limits,
    start: int = 1,
    path: Path | None = None,
) -> Iterator[Rows]:
    """Yield the rows of a sheet, of which `path` is the file where it was not uploaded.

    Raises SheetRefused, also where the file is gone.
    """
    rows = (
        submissions.rows(batch, start=start)
        if batch.form_page
        else _rows_of_file(batch, path or files.path_of(batch), limits, start)
    )
    while chunk := list(islice(rows, CHUNK)):
        yield chunk


def _rows_of_file(
    batch: ImportBatch, path: Path, limits: spreadsheet.Limits, start: int
) -> Iterator[tuple[int, list[str]]]:
    if not path.exists():
        raise spreadsheet.SheetRefused(_("The file is no longer here. Upload it again."))
    return spreadsheet.rows(
        path,
        filename=batch.filename,
        sheet=batch.sheet,
        header_row=batch.header_row,
        limits=limits,
        encoding=batch.encoding or None,
        delimiter=batch.delimiter or None,
        skip_hidden_rows=batch.skips_hidden_rows,
        start=start,
    )


def judge_rows(
    rows: Rows,
    terms: Terms,
    register: Register,
    *,
    permission: str = "",
    noes: Collection[str] = (),
) -> tuple[Changes, list[Judged]]:
    """Decide about rows in their order; `permission` is what staff read in them.

    `noes` are the people of whom rows further down say no.
    """
    read = [
        (
            number,
            columns.read_row(
                cells,
                terms.mapping,
                terms.batch.headers,
                vocabulary=terms.long_names,
                today=terms.today,
            ),
        )
        for number, cells in rows
    ]
    named = [row for _number, row in read if row.email]
    register.read((row.email for row in named), (row.postcode for row in named))
    changes = Changes()
    judge = Judge(terms, register, changes, noes)
    judged = []
    for number, row in read:
        each = first_look(number, row) or judge.judge(number, row, permission)
        each.row = row
        judged.append(each)
    return changes, judged


def rehearse(
    rows: Iterator[Rows], terms: Terms, register: Register
) -> Iterator[tuple[list[Judged], Rows]]:
    """Judge a whole sheet and write nothing; what one row would bring is known to the next.

    `register` remembers it, at about 1 KB for each person of the sheet.
    """
    for chunk in rows:
        yield judge_rows(chunk, terms, register)[1], chunk


def check(turn: Turn) -> None:
    """See what would become of each row. Starts anew where an earlier try was cut off."""
    batch = turn.batch
    turn.advance(Status.CHECKING, last_row=0, rows_done=0, totals={})
    forget_rows(batch)
    terms = Terms.of(batch, at=turn.clock())
    answers = bringing.answers_of(batch, now=terms.now, about=terms.about)
    register = Register(batch_id=batch.pk, now=terms.now)
    people: dict[int, Known] = {}
    for judged, rows in rehearse(chunks(batch, limits=scanning.limits()), terms, register):
        if turn.stopping():
            return
        turn.tally.add(judged)
        turn.tally.said.update(answers.count(rows) if answers else {})
        people.update((id(each.known), each.known) for each in judged if each.known)
        with transaction.atomic():
            turn.advance(
                Status.CHECKING, last_row=rows[-1][0], rows_done=batch.rows_done + len(rows)
            )
            keep_rows(batch, judged, dict(rows), terms.mapping)
        turn.done += len(rows)
    turn.advance(
        Status.CHECKING,
        status=Status.CHECKED,
        rows_total=batch.rows_done,
        totals={
            **turn.tally.totals(),
            MAY_BE_INVITED: sum(_may_be_invited(known, terms) for known in people.values()),
        },
        owner="",
        lease_until=None,
    )


def _may_be_invited(known: Known, terms: Terms) -> bool:
    """Whether a yes stands that has not run out, and no no of any kind."""
    says_no = known.is_out or known.stopped_self or known.is_barred or known.has_left
    return known.yes_at is not None and not says_no and not terms.is_too_old(known.yes_at)


def run(turn: Turn) -> None:
    """Bring rows in, from where the last worker stopped, until all are in or the turn is over."""
    batch = turn.batch
    terms = Terms.of(batch, at=turn.clock())
    if not batch.last_row:
        forget_rows(batch)
    turn.tally.go_on_from(batch.totals)
    answers = bringing.answers_of(batch, now=terms.now, about=terms.about)
    if terms.may_say_both and not _look_ahead(turn, terms):
        return
    for rows in chunks(batch, limits=spreadsheet.COMMAND, start=batch.last_row + 1):
        if turn.is_over():
            return
        _bring_in(turn, rows, terms, answers)
    with transaction.atomic():
        turn.advance(
            Status.RUNNING,
            status=Status.FINISHED,
            finished_at=turn.clock(),
            rows_total=batch.rows_done,
            totals=turn.tally.totals(),
            owner="",
            lease_until=None,
        )
        check_others_again(batch)


def _look_ahead(turn: Turn, terms: Terms) -> bool:
    """Learn who says no further down, so that nobody is mailable between two chunks who is not.

    Holds about 100 bytes for each of them. Returns False where the worker is told to stop.
    """
    for rows in chunks(turn.batch, limits=spreadsheet.COMMAND, start=turn.batch.last_row + 1):
        if turn.stopping():
            return False
        turn.advance(Status.RUNNING)
        turn.noes |= who_says_no(rows, terms)
    return True


def _bring_in(turn: Turn, rows: Rows, terms: Terms, answers: Answers | None) -> None:
    """Store one chunk; once more if somebody came in by themselves meanwhile."""
    for left in reversed(range(TRIES)):
        before = (turn.batch.last_row, turn.batch.rows_done, turn.batch.totals)
        try:
            with transaction.atomic():
                so_far = _store(turn, rows, terms, answers)
            break
        except IntegrityError:
            turn.batch.last_row, turn.batch.rows_done, turn.batch.totals = before
            if not left:
                raise
    turn.tally = so_far
    turn.done += len(rows)


def _store(turn: Turn, rows: Rows, terms: Terms, answers: Answers | None) -> Tally:
    batch = turn.batch
    # People before the batch, as erasure locks them, so that the two do not wait for each other.
    register = Register(batch_id=batch.pk, now=terms.now, locks=True)
    changes, judged = judge_rows(rows, terms, register, noes=turn.noes)
    # Before anything is written: it keeps any other worker out until this transaction ends.
    turn.advance(Status.RUNNING, last_row=rows[-1][0], rows_done=batch.rows_done + len(rows))
    store(changes, terms, at=turn.clock())
    keep_rows(batch, judged, dict(rows), terms.mapping)
    so_far = deepcopy(turn.tally)
    so_far.add(judged)
    if answers:
        so_far.said.update(answers.store(rows, judged, at=turn.clock()))
    turn.advance(Status.RUNNING, totals=so_far.totals())
    return so_far
