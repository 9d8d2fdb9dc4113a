"""The rows of an export of answers."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from . import routes
from .models import Consultation, ConsultationResponse, FormVersion
from .questions import Definition

CONTACT = {
    "name": gettext_lazy("Name"),
    "email": gettext_lazy("Email address"),
    "postcode": gettext_lazy("Postcode"),
}


def export_rows(
    consultation: Consultation, rows: QuerySet[ConsultationResponse], *, with_contact: bool
) -> Iterator[list[object]]:
    """Yield the heading and one row a response; a question keeps its column over all versions."""
    versions = list(FormVersion.objects.filter(consultation=consultation).order_by("-number"))
    definitions = {version.pk: Definition(version.definition) for version in versions}
    labels: dict[str, str] = {}
    for version in versions:
        for question in definitions[version.pk].questions:
            labels.setdefault(question["key"], question["label"])
    contact = ["name", "email", *(["postcode"] if consultation.form_page else [])]
    contact_heading = [CONTACT[name] for name in contact] if with_contact else []
    first = [_("Reference"), _("Received"), _("Arrived by"), _("Link"), _("Language")]
    named = routes.names(consultation)
    yield [*first, *labels.values(), *contact_heading]
    for row in rows.select_related("contact").iterator(chunk_size=1000):
        said = answers_by_key(definitions[row.form_version_id], row.answers)
        who = getattr(row, "contact", None)
        left = [getattr(who, name, "") for name in contact]
        yield [
            row.reference,
            row.submitted_at,
            row.get_route_display(),
            named.get(row.route_key, ""),
            row.language,
            *(said.get(key, "") for key in labels),
            *(left if with_contact else []),
        ]


def answers_by_key(definition: Definition, answers: dict[str, Any]) -> dict[str, object]:
    """Answers in words by question; numbers stay numbers, so that -5 is not taken for a formula."""
    said: dict[str, object] = {}
    for question, (_label, words) in zip(
        definition.questions, definition.readable(answers), strict=True
    ):
        is_number = question["kind"] == "number" and words
        said[question["key"]] = Decimal(words) if is_number else words
    return said
