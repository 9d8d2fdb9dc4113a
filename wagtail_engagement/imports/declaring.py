"""Take a sheet in, and note what is declared about it. Nothing of it is in the register yet."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial
from pathlib import PurePath
from typing import IO, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from wagtail.log_actions import log

from . import files, headings, queries, scanning
from .mapping import Field, Mapping, MappingRefused
from .models import ImportBatch, ImportRow
from .spreadsheet import SheetRefused
from .terms import Terms, Verdict

Status = ImportBatch.Status
SHEET_LENGTH = 100

# While somebody may still change what is declared.
OPEN = (Status.DRAFT, Status.PARKED, Status.CHECKED, Status.FAILED)
DECLARED = (
    "sheet",
    "header_row",
    "encoding",
    "delimiter",
    "headers",
    "mapping",
    "interest_words",
    "source",
    "collected_from",
    "collected_to",
    "basis",
    "words",
    "kind",
    "skips_hidden_rows",
    "title",
    "is_sensitive",
)
# What the next sheet of the same make takes over.
REPEATED = (
    "mapping",
    "interest_words",
    "source",
    "collected_from",
    "collected_to",
    "basis",
    "words",
    "kind",
    "skips_hidden_rows",
)


# How far a sheet has come when it is gone through from its first row.
FROM_THE_TOP: dict[str, Any] = {
    "totals": {},
    "rows_done": 0,
    "last_row": 0,
    "owner": "",
    "lease_until": None,
}


class ImportRefused(Exception):
    """This cannot be done with the sheet as it is; the message says what to do."""


def receive(*, file: IO[Any], filename: str, actor: Any, at: datetime.datetime) -> ImportBatch:
    """Keep an uploaded sheet privately, and say if this very file was imported before."""
    name, digest = files.keep(file)
    earlier = ImportBatch.objects.filter(sha256=digest, status=Status.FINISHED)
    finished = earlier.order_by("-finished_at").values_list("finished_at", flat=True).first()
    told = _("This very file was imported on %(day)s")
    with transaction.atomic():
        batch = ImportBatch.objects.create(
            filename=PurePath(filename.replace("\\", "/")).name[-200:],
            stored_as=name,
            sha256=digest,
            status_reason=told % {"day": _day(finished)} if finished else "",
            created_at=at,
            created_by=actor,
        )
        note(batch, "received", actor)
    return batch


@transaction.atomic
def take_sheets(*, batch: ImportBatch, names: Sequence[str], actor: Any) -> list[ImportBatch]:
    """Make each of these sheets of a workbook an import of its own, with a file of its own.

    The first is `batch` where no sheet was chosen for it yet. A sheet that is an import of the
    same upload already is passed over, so that a second press makes nothing twice. Raises
    ImportRefused once the file is gone.
    """
    ImportBatch.objects.select_for_update().get(pk=batch.pk)
    batch.refresh_from_db()
    if batch.file_gone_at or not files.path_of(batch).exists():
        raise ImportRefused(_("The file was deleted. Upload it again."))
    there = set(queries.of_same_file(batch).values_list("sheet", flat=True))
    made = []
    # Those who left come first, so that nobody is mailable until their no comes in.
    first = sorted(names, key=lambda name: not headings.are_leavers(name))
    for name in [each[:SHEET_LENGTH] for each in first]:
        if name in there:
            continue
        if batch.sheet:
            each = _copy_of(batch, name)
            note(each, "received", actor)
        else:
            move(batch, OPEN, sheet=name)
            each = batch
        made.append(each)
    return made


def _copy_of(batch: ImportBatch, sheet: str) -> ImportBatch:
    """Another sheet of the same upload: the clock of its file runs from the same day."""
    return ImportBatch.objects.create(
        filename=batch.filename,
        stored_as=files.again(batch.stored_as),
        sha256=batch.sha256,
        sheet=sheet,
        created_at=batch.created_at,
        created_by=batch.created_by,
    )


@transaction.atomic
def discard(*, batch: ImportBatch, actor: Any, at: datetime.datetime) -> None:
    """Delete a sheet of which nothing was brought in, with its file. Raises ImportRefused."""
    move(batch, OPEN, file_gone_at=at)
    note(batch, "discarded", actor)
    name = batch.stored_as
    batch.delete()
    transaction.on_commit(partial(files.drop, name))


def _day(moment: datetime.datetime) -> str:
    return date_format(timezone.localtime(moment), "j F Y")


@transaction.atomic
def describe(*, batch: ImportBatch, at: datetime.datetime, **declared: Any) -> None:
    """Note what is declared, and forget a check that was made before.

    Takes any of DECLARED, and `everyone` as ids of interests. Raises ImportRefused for what
    cannot be true, and once the import has started.
    """
    everyone = declared.pop("everyone", None)
    if unknown := declared.keys() - set(DECLARED):
        raise TypeError(f"Nothing of that name can be declared: {', '.join(sorted(unknown))}")
    refuse_nonsense({**{n: getattr(batch, n) for n in DECLARED}, **declared}, at)
    if isinstance(declared.get("sheet"), str):
        declared["sheet"] = declared["sheet"][:SHEET_LENGTH]
    if was_checked := batch.status in (Status.CHECKED, Status.FAILED):
        declared.update(status=Status.DRAFT, status_reason="", totals={}, rows_done=0, last_row=0)
    if not ImportBatch.objects.filter(pk=batch.pk, status__in=OPEN).update(**declared):
        raise ImportRefused(_("This sheet is being imported already. Undo that first."))
    if was_checked:
        forget_rows(batch)
    batch.refresh_from_db()
    if everyone is not None:
        batch.everyone.set(everyone)


def forget_rows(batch: ImportBatch) -> None:
    """Forget what became of each row; nothing points at these."""
    rows = ImportRow.objects.filter(batch=batch)
    rows._raw_delete(rows.db)


def refuse_nonsense(told: dict[str, Any], at: datetime.datetime) -> None:
    """Raise ImportRefused for what cannot be true of any sheet."""
    first, last = told["collected_from"], told["collected_to"]
    if first and last and first > last:
        raise ImportRefused(_("The first day of collection is after the last. Turn them round."))
    if any(day and day > timezone.localdate(at) for day in (first, last)):
        raise ImportRefused(_("A day of collection is in the future. Enter the day it was."))
    if told["mapping"]:
        try:
            Mapping.from_json(told["mapping"], told["headers"])
        except MappingRefused as refused:
            raise ImportRefused(str(refused)) from refused
    for name in ("source", "basis", "kind"):
        field: Any = ImportBatch._meta.get_field(name)
        try:
            field.clean(told.get(name) or field.get_default(), None)
        except ValidationError as error:
            raise ImportRefused(f"{field.verbose_name}: {' '.join(error.messages)}") from error


def check_others_again(batch: ImportBatch) -> None:
    """Let sheets that were checked be checked anew, for this one has changed the register."""
    told = _("Checked again, because the register has changed since: another sheet came in or out.")
    others = ImportBatch.objects.filter(status=Status.CHECKED).exclude(pk=batch.pk)
    # What has neither a file nor a form any more cannot be gone through.
    others.exclude(stored_as="", form_page="").update(
        status=Status.CHECKING, status_reason=told, **FROM_THE_TOP
    )


def missing(batch: ImportBatch) -> list[str]:
    """Return a sentence for each thing that has to be said before the sheet can be imported."""
    lacks = []
    if batch.file_gone_at and batch.form_page:
        lacks.append(_("This was begun too long ago. Bring in the form anew."))
    elif batch.file_gone_at or not (batch.stored_as or batch.form_page):
        lacks.append(_("The file was deleted. Upload it again."))
    if not batch.source:
        lacks.append(_("Say where the sheet comes from."))
    fields = batch.mapping.get("fields", {}).values()
    if Field.EMAIL not in fields:
        if not batch.mapping.get("answers"):
            lacks.append(_("Say which column holds the email addresses."))
        return lacks
    if Field.PERMISSION in fields and not batch.mapping.get("polarity"):
        lacks.append(_("Say what yes means in the permission column."))
    if not batch.basis:
        lacks.append(_("Say on which lawful basis the council keeps these addresses."))
    return lacks


def verdict(batch: ImportBatch, at: datetime.datetime, *, some_may: bool = False) -> Verdict:
    """Say what becomes of the people on a sheet, as a word and a sentence.

    `some_may` where some of them may be invited whatever the sheet shows.
    """
    empty = Mapping(fields={})
    terms = Terms(batch=batch, mapping=empty, everyone=(), words={}, now=batch.started_at or at)
    return terms.verdict(some_may=some_may)


def same_as_last(batch: ImportBatch) -> dict[str, Any] | None:
    """Return what was declared about the newest sheet with the same headings; None without one.

    Of a form, what was declared of that form before; its days are known without that.
    """
    found: dict[str, Any] = {}
    headers = batch.headers
    if not headers:
        reading = scanning.Reading(
            path=files.path_of(batch), filename=batch.filename, sheet=batch.sheet
        )
        try:
            preview = scanning.preview(reading)
        except SheetRefused:
            return None
        headers = found["headers"] = preview.headers
        for name in ("sheet", "header_row", "encoding", "delimiter"):
            found[name] = getattr(preview.reading, name)
    same = ImportBatch.objects.filter(headers=headers, status__in=queries.DESCRIBED)
    same = same.filter(form_page=batch.form_page).exclude(pk=batch.pk)
    last = same.order_by("-created_at", "-pk").first()
    if last is None:
        return None
    repeated = set(REPEATED) - ({"collected_from", "collected_to"} if batch.form_page else set())
    found.update({name: getattr(last, name) for name in repeated})
    found["everyone"] = list(last.everyone.values_list("pk", flat=True))
    return found


@transaction.atomic
def park(*, batch: ImportBatch, waits_for: str, actor: Any, at: datetime.datetime) -> None:
    """Put a sheet aside until somebody brings what it waits for. Raises ImportRefused."""
    move(batch, OPEN, status=Status.PARKED, waits_for=waits_for[:200])
    note(batch, "parked", actor)


@transaction.atomic
def unpark(*, batch: ImportBatch, actor: Any, at: datetime.datetime) -> None:
    """Take up a parked sheet again. Raises ImportRefused."""
    move(batch, (Status.PARKED,), status=Status.DRAFT, waits_for="")


def move(batch: ImportBatch, from_states: tuple[str, ...], **changes: Any) -> None:
    """Change a batch if it is in one of these states still, else raise ImportRefused."""
    if not ImportBatch.objects.filter(pk=batch.pk, status__in=from_states).update(**changes):
        batch.refresh_from_db()
        told = _("The sheet is %(state)s now, so this is not possible. Load the page again.")
        raise ImportRefused(told % {"state": batch.get_status_display()})
    batch.refresh_from_db()


def note(batch: ImportBatch, what: str, actor: Any) -> None:
    """Leave an entry in the audit log, without personal data."""
    log(batch, f"wagtail_engagement.import_{what}", user=actor, title=str(batch))
