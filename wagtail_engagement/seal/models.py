"""The seal of a database, and entries on their way into the journal."""

from __future__ import annotations

import uuid

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Seal(models.Model):
    """Whose database this is, and how far it knows the journal. One row.

    `sealing`, and `reconciling` for the offset, alone write it.
    """

    class Trouble(models.TextChoices):
        """Why nothing is sent, where that is not seen from the settings and the file."""

        OLDER = "older", _("older than its journal")
        UNWRITABLE = "unwritable", _("the journal cannot be written")

    only = models.BooleanField(default=True, unique=True, editable=False)
    host = models.CharField(max_length=255)
    environment = models.CharField(max_length=60, blank=True)
    proof = models.CharField(max_length=64)
    key_id = models.CharField(max_length=32)
    sealed_at = models.DateTimeField(default=timezone.now)
    journal = models.CharField(max_length=36, blank=True)
    offset = models.BigIntegerField(default=0)
    trouble = models.CharField(max_length=12, choices=Trouble.choices, blank=True)

    class Meta:
        verbose_name = _("seal of the database")
        verbose_name_plural = _("seals of the database")

    def __str__(self) -> str:
        return f"Seal of {self.host}"


class JournalEntry(models.Model):
    """What the journal is told, written with the change itself and kept for a week.

    It proves that this very database knows of the line with the same uuid, and waits here for as
    long as the file cannot be written. It holds keyed hashes, no address.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    said = models.JSONField(default=dict)
    is_written = models.BooleanField(default=False)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("entry of the journal")
        verbose_name_plural = _("entries of the journal")
        indexes = [
            models.Index(
                fields=["at"],
                condition=models.Q(is_written=False),
                name="engagement_entry_unwritten",
            )
        ]

    def __str__(self) -> str:
        return f"Journal entry {self.pk}"
