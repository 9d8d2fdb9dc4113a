"""The import wizard: match columns, read words, declare, check, run, result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from wagtail.admin import messages
from wagtail.admin.auth import permission_required

from .. import conf
from ..consultations.admin import readable_by, responses_url
from ..modeladmin import may
from . import bringing, files, importing, queries, scanning, submissions
from .column_forms import (
    DELIMITERS,
    ENCODINGS,
    ColumnsForm,
    FormColumnsForm,
    ReadingForm,
    WordsForm,
)
from .forms import FormOriginForm, OriginForm, ParkForm, StartForm
from .mapping import Field, Mapping
from .models import ImportBatch
from .spreadsheet import SheetRefused

NAMESPACE = "wagtail_engagement_imports"
TEMPLATES = "wagtail_engagement/imports"
Status = ImportBatch.Status
OPEN = (Status.DRAFT, Status.PARKED, Status.CHECKED, Status.FAILED)

may_import = permission_required("wagtail_engagement.import_participant")
may_see_contact = permission_required("wagtail_engagement.view_participant_pii")


def url(name: str, *args: Any) -> str:
    return reverse(f"{NAMESPACE}:{name}", args=args)


def render(request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
    crumbs = [
        {"url": reverse("wagtailadmin_home"), "label": _("Home")},
        {"url": url("index"), "label": _("Imports")},
        {"url": "", "label": title},
    ]
    frame = {"header_title": title, "header_icon": "upload", "breadcrumbs_items": crumbs}
    return TemplateResponse(request, f"{TEMPLATES}/{template}.html", {**frame, **context})


def step(request: HttpRequest, batch: ImportBatch, current: str, **context: Any) -> HttpResponse:
    """Render one step of the wizard, with the way there."""
    steps = [
        ("columns", _("Fields") if batch.form_page else _("Columns")),
        ("words", _("Words")),
        ("origin", _("Where it comes from")),
        ("check", _("Check")),
        ("result", _("Result")),
    ]
    names = [name for name, _label in steps]
    done = names.index(current)
    links = [url(name, batch.pk) if name in names[:3] else "" for name in names]
    way = [
        (label, links[i] if i < done and batch.status in OPEN else "", i == done)
        for i, (_name, label) in enumerate(steps)
    ]
    return render(request, current, batch.name, batch=batch, way=way, **context)


View = Callable[..., HttpResponseBase]


def of_batch_with_file(view: View) -> View:
    """Hand the batch over while its file is there; else show how far it has come."""

    @may_import
    @wraps(view)
    def guarded(request: HttpRequest, pk: int) -> HttpResponseBase:
        batch = get_object_or_404(ImportBatch, pk=pk)
        if batch.file_gone_at:
            return redirect(url("show", pk))
        if not bringing.may_read(request.user, batch):
            raise PermissionDenied
        try:
            return view(request, batch)
        except (SheetRefused, importing.ImportRefused) as refused:
            messages.error(request, str(refused))
            return redirect(url("index"))

    return guarded


def of_open_batch(view: View) -> View:
    """Hand the batch over while it can still be changed; else show how far it has come."""

    @of_batch_with_file
    @wraps(view)
    def guarded(request: HttpRequest, batch: ImportBatch) -> HttpResponseBase:
        if batch.status not in OPEN:
            return redirect(url("show", batch.pk))
        return view(request, batch)

    return guarded


# What its columns and words mean


def reading_of(batch: ImportBatch, query: Any = None) -> scanning.Reading:
    """How the file is read: as it was saved, then as the address of the screen asks."""
    reading = scanning.Reading(
        path=files.path_of(batch),
        filename=batch.filename,
        sheet=batch.sheet,
        header_row=batch.header_row,
        encoding=batch.encoding,
        delimiter=batch.delimiter,
        skip_hidden_rows=batch.skips_hidden_rows,
        form=batch if batch.form_page else None,
    )
    if not query or batch.form_page:
        return reading
    row = query.get("header_row", "")
    asked: dict[str, Any] = {"header_row": int(row) if row.isdecimal() and len(row) < 7 else None}
    if query.get("encoding") in ENCODINGS:
        asked["encoding"] = query["encoding"]
    if query.get("delimiter") in dict(DELIMITERS):
        asked["delimiter"] = query["delimiter"]
    return replace(reading, **asked)


@may_see_contact
@of_open_batch
def columns(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    try:
        preview = scanning.preview(reading_of(batch, request.GET))
    except SheetRefused:
        if not request.GET:
            raise
        messages.error(request, _("The file cannot be read that way. This is how it was before."))
        return redirect(url("columns", batch.pk))
    if not batch.sheet and len(scanning.usable(preview.workbook)) > 1:
        return redirect(url("sheets", batch.pk))
    is_same = batch.mapping and batch.headers == preview.headers
    guess = Mapping.from_json(batch.mapping) if is_same else preview.guess
    kinds = FormColumnsForm if batch.form_page else ColumnsForm
    form = kinds(request.POST or None, preview=preview, guess=guess, is_saved=bool(is_same))
    if request.method == "POST" and form.is_valid():
        reading, mapping = preview.reading, form.mapping()
        importing.describe(
            batch=batch,
            at=timezone.now(),
            sheet=reading.sheet,
            header_row=reading.header_row,
            encoding=reading.encoding,
            delimiter=reading.delimiter,
            headers=preview.headers,
            mapping=mapping.to_json(),
            skips_hidden_rows=form.cleaned_data.get("hidden_rows") == "skip",
        )
        return redirect(url("words" if _has_words(mapping) else "origin", batch.pk))
    return step(
        request,
        batch,
        "columns",
        form=form,
        delimiter=dict(DELIMITERS).get(preview.reading.delimiter, preview.reading.delimiter),
        preview=preview,
        reading_form=ReadingForm(preview=preview),
        others=[
            (sheet, scanning.why_left_out(sheet))
            for sheet in preview.workbook.sheets
            if sheet.name != preview.sheet.name
        ],
        same=importing.same_as_last(batch),
        days=submissions.days_of(batch.form) if batch.form_page else None,
    )


def _has_words(mapping: Mapping) -> bool:
    """Whether people are named of whom the cells say something that has to be understood."""
    has_people = mapping.columns(Field.EMAIL)
    return bool(has_people and mapping.columns(Field.PERMISSION, Field.INTERESTS))


@require_POST
@of_open_batch
def same(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    """Take the matching and the declarations of the newest sheet with the same headings."""
    declared = importing.same_as_last(batch)
    if declared is None:
        return redirect(url("columns", batch.pk))
    importing.describe(batch=batch, at=timezone.now(), **declared)
    messages.success(request, _("Everything is as for the last sheet. Look at the days again."))
    return redirect(url("origin", batch.pk))


@may_see_contact
@of_open_batch
def words(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    if not batch.mapping:
        return redirect(url("columns", batch.pk))
    mapping = Mapping.from_json(batch.mapping)
    found = scanning.words(reading_of(batch), mapping, batch.headers)
    if not (found.are_any and _has_words(mapping)):
        return redirect(url("origin", batch.pk))
    form = WordsForm(
        request.POST or None,
        words=found,
        mapping=mapping,
        headers=batch.headers,
        known=scanning.suggestions(batch.interest_words),
    )
    if request.method == "POST" and form.is_valid():
        importing.describe(batch=batch, at=timezone.now(), **form.declared())
        return redirect(url("words" if "again" in request.POST else "origin", batch.pk))
    return step(request, batch, "words", form=form)


# What is declared about it


@of_open_batch
def origin(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    if not batch.mapping:
        return redirect(url("columns", batch.pk))
    before = None if batch.form_page or batch.source else queries.described_before(batch)
    kind = FormOriginForm if batch.form_page else OriginForm
    form = kind(request.POST or None, batch=batch, before=before)
    if request.method == "POST" and form.is_valid():
        try:
            importing.describe(batch=batch, at=timezone.now(), **form.declared())
        except importing.ImportRefused as refused:
            form.add_error(None, str(refused))
        else:
            return _check(request, batch)
    context: dict[str, Any] = {
        "form": form,
        "before": before,
        "park_form": ParkForm(initial={"waits_for": batch.waits_for}),
        "quarantine_days": conf.quarantine_days(),
    }
    if batch.basis:
        context["verdict"] = importing.verdict(batch, timezone.now())
    return step(request, batch, "origin", **context)


@require_POST
@of_open_batch
def park(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    form = ParkForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what the sheet is waiting for."))
        return redirect(url("origin", batch.pk))
    waits_for = form.cleaned_data["waits_for"]
    importing.park(batch=batch, waits_for=waits_for, actor=request.user, at=timezone.now())
    messages.success(request, _("The sheet is parked. Nothing of it is in the register."))
    return to_next(batch)


def to_next(batch: ImportBatch) -> HttpResponse:
    """Go on with the next sheet of the same upload, after the last one to the list of imports."""
    following = queries.next_of_upload(batch)
    return redirect(url("show", following.pk) if following else url("index"))


def _check(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    lacks = importing.missing(batch)
    for sentence in lacks:
        messages.error(request, sentence)
    if lacks:
        return redirect(url("origin", batch.pk))
    importing.check(batch=batch, at=timezone.now())
    return redirect(url("show", batch.pk))


@require_POST
@of_open_batch
def check(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    return _check(request, batch)


# How far it has come


@may_import
def show(request: HttpRequest, pk: int) -> HttpResponse:
    """The screen for what comes next. True after a reload, a crash, a month."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    if batch.status in (Status.DRAFT, Status.PARKED) and not batch.file_gone_at:
        return redirect(url("origin" if batch.mapping else "columns", pk))
    invited = queries.who_may_be_invited(batch)
    some_may = bool(invited["may_be_invited"])
    context = {
        **_progress(batch),
        **queries.what_follows(batch),
        **queries.what_goes_in(batch),
        **invited,
        "outcomes": queries.outcomes(batch),
        "has_people": queries.names_people(batch),
        "shows_report": may(request.user, "view_participant_pii"),
        "verdict": importing.verdict(batch, timezone.now(), some_may=some_may),
        "start_form": StartForm(),
        "following": queries.next_of_upload(batch),
    }
    if batch.form_page:
        context |= bringing.what_is_said(batch, at=timezone.now())
        context["read_url"] = _read_url(request, batch)
    is_checking = batch.status in (Status.CHECKING, Status.CHECKED)
    return step(request, batch, "check" if is_checking else "result", **context)


def _read_url(request: HttpRequest, batch: ImportBatch) -> str:
    """Where the answers of a form are read, "" for whoever may not."""
    found = readable_by(request.user).filter(form_page=batch.form_page).first()
    return responses_url(found) if found else ""


@may_import
def numbers(request: HttpRequest, pk: int) -> HttpResponse:
    """The part of the screen that moves; its script asks for it every few seconds."""
    batch = get_object_or_404(ImportBatch, pk=pk)
    context = {"batch": batch, **_progress(batch)}
    return TemplateResponse(request, f"{TEMPLATES}/_numbers.html", context)


def _progress(batch: ImportBatch) -> dict[str, Any]:
    return {
        "is_moving": batch.status in ImportBatch.LIVE,
        "nobody_works": queries.is_waiting_for_a_worker(batch, at=timezone.now()),
    }


@require_POST
@of_open_batch
def start(request: HttpRequest, batch: ImportBatch) -> HttpResponse:
    form = StartForm(request.POST)
    if not form.is_valid():
        messages.error(request, form.errors["attested"][0])
        return redirect(url("show", batch.pk))
    try:
        importing.start(batch=batch, actor=request.user, at=timezone.now())
    except importing.ImportRefused as refused:
        messages.error(request, str(refused))
    return redirect(url("show", batch.pk))


@may_import
@require_POST
def undo(request: HttpRequest, pk: int) -> HttpResponse:
    batch = get_object_or_404(ImportBatch, pk=pk)
    try:
        importing.undo(batch=batch, actor=request.user, at=timezone.now())
    except importing.ImportRefused as refused:
        messages.error(request, str(refused))
    return redirect(url("show", pk))
