"""What providers report, kept until it is applied, and known for a while after, so that it counts once."""

from __future__ import annotations

import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .kinds import Kind
from .models import Delivery


class ProviderEventQuerySet(models.QuerySet["ProviderEvent"]):
    def waiting(self, at: datetime.datetime) -> ProviderEventQuerySet:
        """Events that are due to be applied."""
        return self.filter(applied_at=None, retry_at__lte=at)


class ProviderEvent(models.Model):
    """One report of a provider. `receiving` adds these rows, `tracking` applies them.

    The payload holds an address and is emptied once the event is applied.
    """

    key = models.CharField(max_length=64, unique=True, editable=False)
    provider = models.CharField(_("provider"), max_length=30)
    kind = models.CharField(_("what it says"), max_length=12, choices=Kind.choices, blank=True)
    delivery = models.ForeignKey(
        Delivery, on_delete=models.SET_NULL, null=True, related_name="events"
    )
    payload = models.TextField(blank=True, editable=False)
    happened_at = models.DateTimeField(_("happened"), null=True)
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    retry_at = models.DateTimeField(default=timezone.now)
    applied_at = models.DateTimeField(_("applied"), null=True)

    objects = ProviderEventQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("report of a mail provider")
        verbose_name_plural = _("reports of mail providers")
        ordering = ["id"]
        indexes = [
            models.Index(
                fields=["retry_at", "id"],
                condition=Q(applied_at=None),
                name="engagement_event_waiting",
            ),
            models.Index(fields=["received_at"], name="engagement_event_received"),
        ]

    def __str__(self) -> str:
        return f"Report {self.pk}"
