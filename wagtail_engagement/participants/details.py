"""What is known of a person beside the record itself: names on record, and notes of staff."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import Participant


class ParticipantName(models.Model):
    """A name that somebody gave with the address; a shared mailbox has several."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="names")
    name = models.CharField(_("name"), max_length=200)
    batch = models.ForeignKey(
        "wagtail_engagement.ImportBatch", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    since = models.DateTimeField(default=timezone.now)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("name of a participant")
        verbose_name_plural = _("names of participants")
        constraints = [
            models.UniqueConstraint(fields=["participant", "name"], name="engagement_name_once")
        ]

    def __str__(self) -> str:
        return f"Name {self.pk}"


class ParticipantNote(models.Model):
    """What staff wrote about somebody; the person may ask to read it."""

    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="notes")
    text = models.TextField(_("note"), max_length=2000)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    batch = models.ForeignKey(
        "wagtail_engagement.ImportBatch", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    at = models.DateTimeField(default=timezone.now)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"Note {self.pk}"
