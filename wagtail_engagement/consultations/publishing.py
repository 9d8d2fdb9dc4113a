"""Keeps the row behind a consultation in step with its pages; the row outlives them all."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone, translation

from ..participants import registry
from . import queries
from .models import Consultation, FormVersion
from .questions import Definition


def row_for(page: Any) -> Consultation:
    """Return the row that a page without one belongs to: its sibling's, else a new one.

    A translation or an alias of a consultation is the same consultation; a copy is another.
    """
    source = page.alias_of.specific if page.alias_of_id else None
    if source is None:
        siblings = queries.pages_by(translation_key=page.translation_key)
        source = next((sibling for sibling in siblings if sibling.consultation_id), None)
    if source is not None and source.consultation_id:
        return source.consultation
    return Consultation.objects.create(
        title=page.title, opens_at=page.opens_at, closes_at=page.closes_at
    )


def follow(page: Any) -> None:
    """Write what a fully saved page says onto its row, and freeze its questionnaire if live.

    Drafts of a page that was published never leak: they are saved by field and do not come here.
    """
    row = page.consultation
    pages = queries.pages_of(row)
    with transaction.atomic():
        if not page.alias_of_id and (page.live or not row.is_live) and _speaks(page, pages):
            _copy_onto(row, page)
        row.is_live = any(other.live for other in pages)
        row.save()
        if page.live:
            freeze(page)


def _speaks(page: Any, pages: list[Any]) -> bool:
    """Of several translations the one in the default locale, else the oldest, has the word."""
    own = [other for other in pages if not other.alias_of_id]
    default = queries.default_locale_id()
    first = min(own, key=lambda other: (other.locale_id != default, other.pk), default=page)
    return first.pk == page.pk


def _copy_onto(row: Consultation, page: Any) -> None:
    row.title = page.title
    row.summary = page.summary
    row.opens_at = page.opens_at
    row.closes_at = page.closes_at
    row.decision_expected_on = page.decision_expected_on
    row.is_sensitive = page.is_sensitive
    row.area = page.area
    row.owner = page.owner
    if page.live and page.has_outcome and not row.answered_at:
        row.answered_at = timezone.now()
        registry.end_wishes_for_result(consultation_id=row.pk, at=row.answered_at)
    elif page.live and not page.has_outcome:
        row.answered_at = None
    row.interests.set(page.interests.all())


def definition_of(page: Any) -> Definition:
    """Return a page's questionnaire in the page's own language, whoever looks at it.

    A site of one language is not asked for the page's: that would be a query for every visitor.
    """
    is_translated = getattr(settings, "WAGTAIL_I18N_ENABLED", False)
    with translation.override(
        page.locale.language_code if is_translated else settings.LANGUAGE_CODE
    ):
        return Definition.of_stream(page.questions)


def freeze(page: Any) -> FormVersion:
    """Return the version of the questionnaire that the page shows, writing it if it is new."""
    return version_of(page.consultation, definition_of(page))


def version_of(row: Consultation, definition: Definition) -> FormVersion:
    """Return the version of a questionnaire that says just this, writing it if it is new."""
    known = FormVersion.objects.filter(consultation=row, digest=definition.digest).first()
    if known is not None:
        return known
    last = FormVersion.objects.filter(consultation=row).aggregate(top=Max("number"))["top"] or 0
    version, _created = FormVersion.objects.get_or_create(
        consultation=row,
        digest=definition.digest,
        defaults={"number": last + 1, "definition": definition.items},
    )
    return version


def page_gone(consultation_id: int) -> None:
    """Note that a page of a consultation was deleted; its row and its answers stay."""
    row = Consultation.objects.filter(pk=consultation_id).first()
    if row is not None:
        Consultation.objects.filter(pk=row.pk).update(
            is_live=any(page.live for page in queries.pages_of(row))
        )
