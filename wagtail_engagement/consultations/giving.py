"""Consultations change hands, with their pages: publishing copies the owner of the page."""

from __future__ import annotations

from typing import Any

from django.db import transaction

from . import queries
from .models import Consultation


@transaction.atomic
def give(*, numbers: list[int], to: Any) -> None:
    """Make somebody the owner of consultations and of all their pages."""
    Consultation.objects.filter(pk__in=numbers).update(owner=to)
    for model in queries.page_models():
        model.objects.filter(consultation__in=numbers).update(owner=to)
