"""Imports that wait for somebody change hands. Who attested a sheet stays said."""

from __future__ import annotations

from typing import Any

from .models import ImportBatch


def give(*, numbers: list[int], to: Any) -> None:
    """Make somebody the one whom these imports wait for."""
    ImportBatch.objects.filter(pk__in=numbers).update(created_by=to)
