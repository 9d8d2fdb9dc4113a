"""A form that a site has had for years, with what people filled in, and its way through the import."""

from __future__ import annotations

import datetime
from typing import Any

from django.utils import timezone
from wagtail.contrib.forms.models import FormSubmission

from tests import factories
from tests.formpages.models import FormField, FormPage
from tests.site import home
from wagtail_engagement.imports import bringing, importing, scanning
from wagtail_engagement.imports.column_forms import FormColumnsForm
from wagtail_engagement.imports.views import reading_of

from . import sheets

ASKED = {
    "email": ("Your email", "email", ""),
    "your_name": ("Your name", "singleline", ""),
    "postcode": ("Postcode", "singleline", ""),
    "write_to_me": ("May we email you about consultations?", "checkbox", ""),
    "plots": ("How many plots should there be?", "number", ""),
    "since": ("Gardener since", "date", ""),
    "crops": ("What do you grow?", "checkboxes", "Beans\nLeeks, long\nKale"),
    "site": ("Which site?", "radio", "Mill Lane,Top Field"),
    "more": ("Anything else?", "multiline", ""),
}
ANN = {
    "email": "ann@example.org",
    "your_name": "Ann Lee",
    "postcode": "BN1 1AA",
    "write_to_me": True,
    "plots": "12.5",
    "since": "2019-04-01",
    "crops": ["Beans", "Leeks, long"],
    "site": "Mill Lane",
    "more": "More water.\n=HYPERLINK(1)",
}
BO = {**dict.fromkeys(ASKED, ""), "write_to_me": False, "crops": [], "plots": None, "more": "No."}


def form(*filled: dict[str, Any], asked: Any = None, **page: Any) -> Any:
    """A form page with fields, filled in this often, a day after another from 60 days ago."""
    made = home().add_child(instance=FormPage(**{"title": "Allotment survey", **page}))
    for name, (label, kind, choices) in (asked or ASKED).items():
        FormField.objects.create(
            page=made, clean_name=name, label=label, field_type=kind, choices=choices
        )
    fill_in(made, *filled)
    return made


def fill_in(page: Any, *filled: dict[str, Any], days_ago: int = 60) -> None:
    begun = timezone.now() - datetime.timedelta(days=days_ago)
    for number, data in enumerate(filled):
        row = FormSubmission.objects.create(page=page, form_data=data)
        sent = begun + datetime.timedelta(days=number)
        FormSubmission.objects.filter(pk=row.pk).update(submit_time=sent)


def described(page: Any, *, mapping: Any = None, actor: Any = None, **told: Any) -> Any:
    """A form that is being brought in as it is proposed, declared as a careful person would."""
    batch = bringing.bring(page=page, actor=actor or factories.UserFactory(), at=timezone.now())
    preview = scanning.preview(reading_of(batch))
    proposed = FormColumnsForm(preview=preview, guess=preview.guess)
    sent = {name: proposed[name].initial for name in proposed.fields}
    chosen = FormColumnsForm({**sent, **(mapping or {})}, preview=preview, guess=preview.guess)
    assert chosen.is_valid(), chosen.errors
    facts = {"basis": "consent", "words": sheets.WORDS, "headers": preview.headers}
    importing.describe(
        batch=batch, at=timezone.now(), mapping=chosen.mapping().to_json(), **{**facts, **told}
    )
    return batch


def brought_in(page: Any, **told: Any) -> Any:
    batch = described(page, **told)
    importing.start(batch=batch, actor=batch.created_by, at=timezone.now())
    while sheets.work():
        pass
    batch.refresh_from_db()
    return batch
