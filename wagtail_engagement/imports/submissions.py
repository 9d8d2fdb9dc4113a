"""The submissions of a form page of the site, read like the rows of a sheet.

They are read from the site's own table whenever they are needed, and copied nowhere. A row's
number is that of its submission.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from django.db.models import Count, ForeignKey, Max, Min, QuerySet
from django.utils.translation import gettext as _

from ..consultations.queries import form_pages
from . import questions
from .models import ImportBatch
from .questions import Seen
from .spreadsheet import Sheet, SheetRefused, Workbook

CHUNK = 1_000
SAMPLES = 5
DAY = "submit_time"  # as Wagtail calls it


def page_of(batch: ImportBatch) -> Any:
    """Return the form page of a batch. Raises SheetRefused where it is gone."""
    page = form_pages().filter(pk=batch.form_page).first()
    if page is None:
        raise SheetRefused(_("The form is no longer here. Nobody can read its submissions."))
    return page.specific


def of(page: Any) -> QuerySet[Any]:
    """Return the submissions of a form page, oldest first, with what their own code may read."""
    model = page.get_submission_class()
    beside = [
        each.name
        for each in model._meta.concrete_fields
        if isinstance(each, ForeignKey) and each.name != "page"
    ]
    rows = model._default_manager.filter(page=page).order_by("pk")
    return rows.select_related(*beside) if beside else rows


def counted(pages: Iterable[Any]) -> dict[Any, dict[str, Any]]:
    """Return submissions, first and last (when) by the key of each page that has any.

    One query for each kind of submission.
    """
    by_model: dict[Any, list[Any]] = {}
    for page in pages:
        by_model.setdefault(page.get_submission_class(), []).append(page.pk)
    found: dict[Any, dict[str, Any]] = {}
    for model, keys in by_model.items():
        rows = model._default_manager.filter(page__in=keys).order_by().values("page")
        numbers = {"submissions": Count("pk"), "first": Min(DAY), "last": Max(DAY)}
        found.update({row.pop("page"): row for row in rows.annotate(**numbers)})
    return found


def _pages_of(rows: QuerySet[Any], after: int = 0) -> Iterator[Any]:
    """Yield submissions after a number, a thousand a query."""
    while found := list(rows.filter(pk__gt=after)[:CHUNK]):
        yield from found
        after = found[-1].pk


def survey(page: Any) -> dict[str, Any]:
    """Return what is found in a form, as a batch keeps it; {} where nobody has filled it in.

    Keys: upto (the last submission), submissions, first and last (when), fields (of `questions`;
    the first is the day). Raises SheetRefused.
    """
    asked = {field.clean_name: field for field in page.get_form_fields()}
    labels = {str(name): str(label) for name, label in page.get_data_fields()}
    seen = {name: Seen(_type(asked.get(name))) for name in labels if name != DAY}
    first = last = upto = None
    count = 0
    for submission in _pages_of(of(page)):
        data = submission.get_data()
        for name in submission.form_data.keys() - seen.keys() - {DAY}:
            seen[name] = Seen("")  # Such a field is in the form no more.
        for name, each in seen.items():
            each.add(data.get(name))
        sent, upto = submission.submit_time, submission.pk
        first, last = min(first or sent, sent), max(last or sent, sent)
        count += 1
    if first is None or last is None:
        return {}
    if not isinstance(upto, int):
        told = _("The submissions of this form are not numbered, so that it cannot be brought in.")
        raise SheetRefused(told)
    day = {"name": DAY, "type": DAY, "label": labels.get(DAY) or _("Submission date")}
    return {
        "upto": upto,
        "submissions": count,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "fields": [day, *(_field(page, asked.get(n), n, labels, each) for n, each in seen.items())],
    }


def _field(page: Any, field: Any, name: str, labels: dict[str, str], seen: Seen) -> dict[str, Any]:
    gone = _("%(name)s (no longer in the form)") % {"name": name.replace("_", " ").capitalize()}
    return questions.field(
        name,
        labels.get(name, gone),
        form=str(page.pk),
        seen=seen,
        choices=_choices(page, field),
    )


def _type(field: Any) -> str:
    return getattr(field, "field_type", "")


def _choices(page: Any, field: Any) -> list[str]:
    """What can be chosen today, read as the form itself reads it."""
    if not getattr(field, "choices", ""):
        return []
    read = page.form_builder([field]).get_formatted_field_choices(field)
    return [str(value) for value, _label in read]


def days_of(form: dict[str, Any]) -> tuple[datetime.date, datetime.date]:
    """Return the days of the first and the last submission, in the site's own time."""
    first, last = (
        datetime.date.fromisoformat(
            questions.when(datetime.datetime.fromisoformat(form[name]))[:10]
        )
        for name in ("first", "last")
    )
    return first, last


def headings(batch: ImportBatch) -> list[str]:
    """Return the labels of the fields of a form, the day first."""
    day, *others = batch.form["fields"]
    return [day["label"], *(field["question"]["label"] for field in others)]


def rows(batch: ImportBatch, *, start: int = 1) -> Iterator[tuple[int, list[str]]]:
    """Yield number and cells of each submission that was there when the form was looked at.

    Raises SheetRefused where the form is gone or has other fields since.
    """
    fields = [(field["name"], field["type"]) for field in batch.form["fields"]]
    known = {name for name, _type in fields}
    page = page_of(batch)
    for submission in _pages_of(of(page).filter(pk__lte=batch.form["upto"]), start - 1):
        if submission.form_data.keys() - known:
            raise changed()
        data = submission.get_data()
        cells = [questions.text(data.get(name), kind) for name, kind in fields[1:]]
        yield submission.pk, [questions.when(submission.submit_time), *cells]


def changed() -> SheetRefused:
    return SheetRefused(_("The form was changed since it was looked at. Bring it in again."))


def moment(cells: list[str]) -> datetime.datetime:
    """Return when the submission of a row was sent, to the microsecond."""
    return datetime.datetime.fromisoformat(cells[0])


def uuid_of(page: Any, number: int) -> uuid.UUID:
    """Return by what a submission is known for ever, whatever becomes of this import."""
    label = page.get_submission_class()._meta.label_lower
    return uuid.uuid5(uuid.NAMESPACE_OID, f"form submission {label} {number}")


def workbook(batch: ImportBatch) -> Workbook:
    """Describe a form as if it were a workbook of one sheet."""
    samples = [cells for _number, cells in islice(rows(batch), SAMPLES)]
    heads = headings(batch)
    sheet = Sheet(
        name=batch.filename,
        rows=batch.form["submissions"],
        columns=len(heads),
        header_row=None,
        headers=heads,
        samples=samples,
        hidden_rows=[],
        hidden_columns=[],
        is_hidden=False,
        notes=[],
    )
    return Workbook("form", "", "", [sheet], encoding_is_certain=True)
