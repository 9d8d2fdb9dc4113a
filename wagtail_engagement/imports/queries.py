"""What there is to see of an import: its totals, its rows, its days."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from .. import conf
from ..consent.models import ContactPermission, Purpose
from ..invitations.queries import WORKER_IS_LATE, worker_seen_at
from . import files, spreadsheet, submissions
from .mapping import LABELS, Field
from .models import MAY_BE_INVITED, ImportBatch, ImportRow

Outcome = ImportRow.Outcome
# Rows of which nothing comes in.
LEFT_OUT = (Outcome.REFUSED, Outcome.NO_ADDRESS)
STOPPED = ContactPermission.Reason.STOPPED

# What was declared of a sheet in these states was checked.
DESCRIBED = (
    ImportBatch.Status.CHECKED,
    ImportBatch.Status.RUNNING,
    ImportBatch.Status.FINISHED,
)

# Rows of people that are known after the import.
BROUGHT_IN = (Outcome.NEW, Outcome.ADDED, Outcome.UNCHANGED, Outcome.SUPPRESSED)

# Problems first.
MEANINGS = {
    Outcome.REFUSED: gettext_lazy(
        "They cannot be read, or are no rows of data. The report says why."
    ),
    Outcome.NO_ADDRESS: gettext_lazy("Nobody can be written to by email. No person is stored."),
    Outcome.REVIEW: gettext_lazy("Nobody can tell whether they say yes or no. You decide."),
    Outcome.SUPPRESSED: gettext_lazy("They asked us not to write, and a sheet never changes that."),
    Outcome.UNCHANGED: gettext_lazy("The register knows all of this already."),
    Outcome.ADDED: gettext_lazy("The person is known; an interest, a name or a choice is added."),
    Outcome.NEW: gettext_lazy("People or organisations that were not in the register."),
}


def path_of(batch: ImportBatch) -> Path:
    """Return where the uploaded file lies."""
    return files.path_of(batch)


def of_same_file(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """The imports of the sheets of one workbook that was uploaded once, this one among them."""
    return of_same_upload(batch).filter(sha256=batch.sha256)


def of_same_upload(batch: ImportBatch) -> QuerySet[ImportBatch]:
    """The imports of all sheets that somebody chose together, in their order."""
    rows = ImportBatch.objects.filter(created_at=batch.created_at, created_by=batch.created_by_id)
    return rows.order_by("pk")


def next_of_upload(batch: ImportBatch) -> ImportBatch | None:
    """The sheet of the same upload that nobody has finished with yet, None after the last."""
    open_ones = (ImportBatch.Status.DRAFT, ImportBatch.Status.CHECKED)
    rows = of_same_upload(batch).filter(status__in=open_ones, file_gone_at=None)
    return rows.exclude(pk=batch.pk).first()


def described_before(batch: ImportBatch) -> ImportBatch | None:
    """The newest sheet of the same upload whose origin was declared, None where there is none."""
    rows = of_same_upload(batch).exclude(pk=batch.pk).exclude(source="")
    return rows.filter(status__in=DESCRIBED).last()


def outcomes(batch: ImportBatch) -> list[tuple[str, str, int]]:
    """Return label, meaning and number of rows for each outcome, problems first; they add up."""
    return [
        (Outcome(outcome).label.capitalize(), str(meaning), batch.totals.get(outcome, 0))
        for outcome, meaning in MEANINGS.items()
    ]


def what_follows(batch: ImportBatch) -> dict[str, Any]:
    """Return the days on which something happens by itself, and how many rows wait for somebody.

    Keys: to_review, review_until, kept_until, file_until.
    """
    quarantine = datetime.timedelta(days=conf.quarantine_days())
    kept = datetime.timedelta(days=conf.import_file_days())
    return {
        "to_review": batch.totals.get(Outcome.REVIEW, 0),
        "review_until": batch.finished_at and batch.finished_at + quarantine,
        "kept_until": batch.started_at and batch.started_at + quarantine,
        "file_until": batch.created_at + kept,
    }


def what_goes_in(batch: ImportBatch) -> dict[str, int]:
    """Return how many rows of people an import takes up, and how many rows say no.

    Keys: goes_in, said_no. A row that is taken up has a column only where it says no in it.
    """
    said_no = batch.rows.filter(outcome__in=BROUGHT_IN, column__isnull=False)
    return {
        "goes_in": sum(batch.totals.get(outcome, 0) for outcome in BROUGHT_IN),
        "said_no": said_no.count(),
    }


def names_people(batch: ImportBatch) -> bool:
    """Return whether a column holds addresses, without which nobody comes into the register."""
    return Field.EMAIL in batch.mapping.get("fields", {}).values()


def is_waiting_for_a_worker(batch: ImportBatch, *, at: datetime.datetime) -> bool:
    """Return whether a sheet waits and no worker has been seen lately."""
    is_held = batch.lease_until is not None and batch.lease_until > at
    seen = worker_seen_at()
    is_late = seen is None or at - seen > WORKER_IS_LATE
    return batch.status in ImportBatch.LIVE and not is_held and is_late


def heading(batch: ImportBatch, column: int | None) -> str:
    """Return the heading of a column, its number from 1 where it has none, "" for no column."""
    if column is None:
        return ""
    named = batch.headers[column].strip() if column < len(batch.headers) else ""
    return " ".join(named.split()) or str(column + 1)


def stored_columns(batch: ImportBatch) -> list[int]:
    """Return the indices of the columns that are stored, from left to right."""
    fields = batch.mapping.get("fields", {})
    return sorted(int(column) for column, value in fields.items() if value != Field.IGNORE)


def shown_values(row: ImportRow, batch: ImportBatch) -> list[tuple[str, str]]:
    """Return heading and text of the cells that were kept of a row."""
    kept = sorted((int(column), text) for column, text in (row.values or {}).items())
    fields = batch.mapping.get("fields", {})
    return [
        (heading(batch, column) or str(LABELS.get(fields.get(str(column)), "")), text)
        for column, text in kept
        if text.strip()
    ]


def refused(batch: ImportBatch) -> list[dict[str, Any]]:
    """Return row, column and reason of each row that was not imported."""
    rows = batch.rows.filter(outcome__in=LEFT_OUT).order_by("number")
    return [
        {"row": number, "column": heading(batch, column) or None, "reason": reason}
        for number, column, reason in rows.values_list("number", "column", "reason")
    ]


def report(batch: ImportBatch) -> Iterator[list[Any]]:
    """Yield headings, then what became of each row, with its cells while the file is there.

    Only of columns that are stored: nobody asked for the others. Cells are read from the file
    again, for they are stored nowhere else.
    """
    stored = stored_columns(batch)
    headers = [heading(batch, column) for column in stored]
    yield [_("Row"), _("What becomes of it"), _("Column"), _("Why"), *headers]
    cells = _cells(batch)
    number, line = next(cells, (0, []))
    rows = batch.rows.order_by("number").values_list("number", "outcome", "column", "reason")
    for wanted, outcome, column, reason in rows.iterator(chunk_size=2000):
        while line and number < wanted:
            number, line = next(cells, (0, []))
        cells_of = dict(enumerate(line)) if number == wanted else {}
        shown = [cells_of.get(column, "") for column in stored] if cells_of else []
        yield [wanted, str(Outcome(outcome).label), heading(batch, column), reason, *shown]


def _cells(batch: ImportBatch) -> Iterator[tuple[int, list[str]]]:
    """The rows of the file; none where it is gone or cannot be read any more."""
    path = files.path_of(batch)
    if batch.file_gone_at or not (batch.form_page or path.exists()):
        return
    try:
        if batch.form_page:
            yield from submissions.rows(batch)
            return
        yield from spreadsheet.rows(
            path,
            filename=batch.filename,
            sheet=batch.sheet,
            header_row=batch.header_row,
            limits=spreadsheet.COMMAND,
            encoding=batch.encoding or None,
            delimiter=batch.delimiter or None,
            skip_hidden_rows=batch.skips_hidden_rows,
        )
    except spreadsheet.SheetRefused:
        return


def who_may_be_invited(batch: ImportBatch) -> dict[str, int]:
    """Return how many people of a sheet may be invited today, and how many asked us to stop.

    Keys: may_be_invited, barred. One statement. Of a sheet that was checked, how many could be.
    """
    if batch.status != ImportBatch.Status.FINISHED:
        return {"may_be_invited": batch.totals.get(MAY_BE_INVITED, 0)}
    told = ContactPermission.objects.filter(
        purpose=Purpose.INVITE, consultation=None, participant__import_rows__batch=batch
    )
    return told.aggregate(
        may_be_invited=Count("participant", filter=Q(may_write=True), distinct=True),
        barred=Count("participant", filter=Q(reason=STOPPED), distinct=True),
    )
