"""Screens beside the wizard: what is brought in, and how lists overlap before anything is."""

from __future__ import annotations

import datetime
from typing import Any

from django.core import signing
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages
from wagtail.log_actions import log

from ..consultations.queries import forms_of
from ..exports import csv_download
from . import bringing, comparing, importing, queries, scanning, submissions
from .column_forms import SheetsForm
from .forms import BringForm, CompareForm, UploadForm
from .models import ImportBatch
from .scanning import why_left_out
from .spreadsheet import SheetRefused
from .views import may_import, of_batch_with_file, of_open_batch, reading_of, render, url

SALT = "wagtail_engagement.comparison"
HALF_A_DAY = 12 * 60 * 60
PAGE_SIZE = 50


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
        "measures": comparing.measures(found).items(),
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


@may_import
def upload(request: HttpRequest) -> HttpResponseBase:
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        refused = _refused(form.cleaned_data["sheets"])
        for sentence in refused:
            form.add_error("sheets", sentence)
        if not refused:
            now = timezone.now()  # One for all: by it they are known as one upload.
            taken = [_receive(request, file, now) for file in form.cleaned_data["sheets"]]
            if len(taken) > 1:
                text = _("%(number)s files are here. This is the first; the next one follows it.")
                messages.success(request, text % {"number": len(taken)})
            return redirect(url("columns", taken[0].pk))
    return render(request, "upload", _("Bring in sheets"), form=form)


def _refused(uploaded: list[Any]) -> list[str]:
    """Return a sentence for each file that cannot be read, before any of them is kept."""
    found = []
    with scanning.for_a_moment(uploaded) as readings:
        for reading in readings:
            try:
                scanning.look(reading)
            except SheetRefused as why:
                told = {"file": reading.filename, "why": why}
                found.append(_("“%(file)s” was not taken. %(why)s") % told)
    return found


def _receive(request: HttpRequest, file: Any, at: datetime.datetime) -> ImportBatch:
    file.seek(0)
    batch = importing.receive(file=file, filename=file.name, actor=request.user, at=at)
    if batch.status_reason:
        messages.warning(request, f"{file.name}: {batch.status_reason}")
    return batch


@of_batch_with_file
def sheets(request: HttpRequest, batch: ImportBatch) -> HttpResponseBase:
    """Choose the sheets of a workbook; each becomes an import of its own."""
    if batch.form_page:
        return redirect(url("show", batch.pk))
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
    """List the form pages of the site, and start an import from one of them."""
    pages = forms_of(request.user).order_by("title", "pk")
    form = BringForm(request.POST or None, pages=pages)
    if request.method == "POST" and form.is_valid():
        page, now = form.cleaned_data["page"], timezone.now()
        try:
            batch = bringing.bring(page=page, actor=request.user, at=now)
        except (importing.ImportRefused, SheetRefused) as refused:
            messages.error(request, str(refused))
        else:
            return redirect(url("columns", batch.pk))
    shown = Paginator(pages.specific(), PAGE_SIZE).get_page(request.GET.get("p"))
    return render(
        request,
        "bring",
        _("Bring in a form"),
        form=form,
        page=shown,
        rows=_forms(shown.object_list),
    )


def _forms(pages: Any) -> list[tuple[Any, dict[str, Any], ImportBatch | None]]:
    """Each form with its numbers, and the newest import of it."""
    found = list(pages)
    numbers = submissions.counted(found)
    keys = [str(page.pk) for page in found]
    newest = {b.form_page: b for b in ImportBatch.objects.filter(form_page__in=keys).order_by("pk")}
    return [(page, numbers.get(page.pk, {}), newest.get(str(page.pk))) for page in found]
