"""Screens beside the wizard: what is brought in, and how lists overlap before anything is."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages
from wagtail.log_actions import log

from ..exports import csv_download
from . import bringing, comparing, importing, queries, scanning
from .forms import BringForm, CompareForm, SheetsForm
from .models import ImportBatch
from .scanning import why_left_out
from .spreadsheet import SheetRefused
from .views import may_import, of_batch_with_file, of_open_batch, reading_of, render, url

SALT = "wagtail_engagement.comparison"
HALF_A_DAY = 12 * 60 * 60


@may_import
def compare(request: HttpRequest) -> HttpResponseBase:
    """Show how sheets overlap. They are read once and kept nowhere."""
    form = CompareForm(request.POST or None, request.FILES or None)
    context: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        column = form.cleaned_data["column"]
        with scanning.for_a_moment(form.cleaned_data["sheets"]) as readings:
            sheets = [comparing.Sheet(reading, column) for reading in readings]
            try:
                found = comparing.compare(sheets, at=timezone.now())
            except SheetRefused as refused:
                form.add_error("sheets", str(refused))
            else:
                context |= _report(found)
                log(
                    request.user,
                    "wagtail_engagement.lists_compared",
                    user=request.user,
                    title=_("Lists"),
                    data={"sheets": len(found.lists)},
                )
    return render(request, "compare", _("Compare lists"), **context)


def _report(found: comparing.Comparison) -> dict[str, Any]:
    rows = [list(row) for row in comparing.table(found)]
    return {
        "found": found,
        "bars": _bars(found),
        "matrix": list(zip(found.lists, found.overlaps, strict=True)),
        "counts": signing.dumps(rows, salt=SALT, compress=True),
        "today": timezone.localdate(),
    }


def _bars(found: comparing.Comparison) -> list[tuple[int, int, int]]:
    """On how many lists, how many addresses, and the length of the bar in hundredths."""
    most = max(found.on_lists.values(), default=1)
    return [(n, number, round(100 * number / most)) for n, number in found.on_lists.items()]


@may_import
@require_POST
def compare_counts(request: HttpRequest) -> HttpResponseBase:
    """Hand out the counts of a comparison that this site has just shown."""
    try:
        text = request.POST.get("counts", "")
        rows = signing.loads(text, salt=SALT, max_age=HALF_A_DAY)
    except signing.BadSignature:
        messages.error(request, _("These counts are too old. Compare the lists again."))
        return redirect(url("compare"))
    return csv_download(rows, filename="lists-compared")


@of_batch_with_file
def sheets(request: HttpRequest, batch: ImportBatch) -> HttpResponseBase:
    """Choose the sheets of a workbook; each becomes an import of its own."""
    workbook = scanning.look(reading_of(batch))
    taken = {each.sheet: each for each in queries.of_same_file(batch) if each.sheet}
    usable = scanning.usable(workbook)
    offered = [sheet for sheet in usable if sheet.name not in taken]
    form = SheetsForm(request.POST or None, sheets=offered)
    if request.method == "POST" and form.is_valid():
        names = form.cleaned_data["sheets"]
        made = importing.take_sheets(batch=batch, names=names, actor=request.user)
        if len(made) > 1:
            text = _("%(number)s sheets are here. This is the first; the next one follows it.")
            messages.success(request, text % {"number": len(made)})
        return redirect(url("show", made[0].pk if made else batch.pk))
    return render(
        request,
        "sheets",
        batch.filename,
        batch=batch,
        form=form,
        taken=[taken[sheet.name] for sheet in usable if sheet.name in taken],
        left_out=[(sheet, why) for sheet in workbook.sheets if (why := why_left_out(sheet))],
    )


@require_POST
@of_open_batch
def discard(request: HttpRequest, batch: ImportBatch) -> HttpResponseBase:
    following = queries.next_of_upload(batch)
    importing.discard(batch=batch, actor=request.user, at=timezone.now())
    messages.success(request, _("“%(sheet)s” is deleted.") % {"sheet": batch.name})
    return redirect(url("show", following.pk) if following else url("index"))


@may_import
def bring(request: HttpRequest) -> HttpResponseBase:
    """Start an import from the answers to a form page that the site already has."""
    pages = bringing.forms_of(request.user)
    form = BringForm(request.POST or None, pages=pages)
    if request.method == "POST" and form.is_valid():
        try:
            batch = bringing.bring(
                page=form.cleaned_data["page"], actor=request.user, at=timezone.now()
            )
        except importing.ImportRefused as refused:
            form.add_error("page", str(refused))
        else:
            return redirect(url("columns", batch.pk))
    return render(request, "bring", _("Bring in a form"), form=form, there_are=pages.exists())
