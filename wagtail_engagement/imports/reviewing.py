"""Screens for single rows of an import: those that a person has to read, and the report."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages
from wagtail.log_actions import log

from ..exports import csv_download
from ..modeladmin import may
from . import bringing, importing, queries
from .forms import DecideForm
from .models import ImportBatch, ImportRow
from .views import may_import, may_see_contact, render, url

PAGE_SIZE = 50


@may_import
def review(request: HttpRequest, pk: int) -> HttpResponseBase:
    """List the rows that nobody but a person can read, with what stands in them."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    rows = batch.rows.filter(outcome=ImportRow.Outcome.REVIEW)
    page = Paginator(rows, PAGE_SIZE).get_page(request.GET.get("p"))
    shows_contact = may(request.user, "view_participant_pii")
    if shows_contact and page.object_list:
        action = "wagtail_engagement.import_rows_viewed"
        log(batch, action, user=request.user, title=str(batch))
    return render(
        request,
        "review",
        _("Rows to look at in %(file)s") % {"file": batch.name},
        batch=batch,
        page=page,
        rows=[(row, queries.shown_values(row, batch) if shows_contact else []) for row in page],
        may_decide=batch.status == ImportBatch.Status.FINISHED,
    )


@may_import
@require_POST
def decide(request: HttpRequest, pk: int, row_pk: int) -> HttpResponseBase:
    row = get_object_or_404(ImportRow, pk=row_pk, batch=pk)
    form = DecideForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose in, out, or leave it out."))
        return redirect(url("review", pk))
    decision = form.cleaned_data["decision"]
    try:
        importing.decide_review(
            row=row,
            accept=decision != "leave",
            permission=None if decision == "leave" else decision,
            actor=request.user,
            at=timezone.now(),
        )
    except importing.ImportRefused as refused:
        messages.error(request, str(refused))
    return redirect(url("review", pk))


@may_import
@may_see_contact
def report(request: HttpRequest, pk: int) -> HttpResponseBase:
    """Hand out what became of each row, problems included, as a file."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    if not bringing.may_read(request.user, batch):
        raise PermissionDenied
    if batch.status == ImportBatch.Status.UNDONE or batch.status in ImportBatch.LIVE:
        messages.error(request, _("There is a report when the sheet has been checked or imported."))
        return redirect(url("show", pk))
    action = "wagtail_engagement.import_report_downloaded"
    log(batch, action, user=request.user, title=str(batch))
    return csv_download(queries.report(batch), filename=f"import-{batch.pk}-rows")
