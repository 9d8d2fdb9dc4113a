"""Bring in a form that the site already has: its submissions become a sheet to import."""

from __future__ import annotations

import datetime
import tempfile
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from wagtail.models import Page

from ..exports import csv_lines
from .importing import ImportRefused, receive
from .models import ImportBatch

IN_MEMORY = 2**20  # bytes; longer sheets wait on disk


def forms_of(user: Any) -> QuerySet[Any]:
    """Return the form pages whose submissions somebody may read; none without Wagtail's forms."""
    if not apps.is_installed("wagtail.contrib.forms"):
        return Page.objects.none()
    from wagtail.contrib.forms.utils import get_forms_for_user

    return get_forms_for_user(user).order_by("title")


def bring(*, page: Any, actor: Any, at: datetime.datetime) -> ImportBatch:
    """Take the submissions of a form page as a sheet. Raises ImportRefused where it has none."""
    form = page.specific
    submissions = form.get_submission_class().objects.filter(page=form).order_by("pk")
    if not submissions.exists():
        raise ImportRefused(_("Nobody has filled in this form yet. Choose another one."))
    name = f"{form.title[:150].strip()}.csv"
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as file:
        file.writelines(csv_lines(_rows(form, submissions)))
        file.seek(0)
        return receive(file=file, filename=name, actor=actor, at=at)


def _rows(form: Any, submissions: QuerySet[Any]) -> Iterator[list[object]]:
    """Yield the headings and one row a submission, the days as they are written here."""
    fields = list(form.get_data_fields())
    yield [label for _name, label in fields]
    for submission in submissions.iterator(chunk_size=1000):
        data = submission.get_data()
        yield [_text(data.get(name)) for name, _label in fields]


def _text(value: object) -> object:
    return "; ".join(map(str, value)) if isinstance(value, (list, tuple)) else value
