"""Signs of life of workers, and what a team's mailbox was told."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from .models import Invitation


class WorkerSign(models.Model):
    """The last sign of life of each worker, so that a stopped one is noticed."""

    name = models.CharField(max_length=60, unique=True)
    seen_at = models.DateTimeField()
    # Messages handed over in its last round, and how many seconds that took.
    sent = models.PositiveIntegerField(default=0)
    seconds = models.FloatField(default=0)

    class Meta:
        verbose_name = _("sign of a worker")
        verbose_name_plural = _("signs of workers")

    def __str__(self) -> str:
        return self.name


class TeamNotice(models.Model):
    """A mail to a team's shared mailbox: one of its invitations waits for somebody.

    It stands for as long as that is so, and goes when it is over; the next time makes a new one.
    """

    class Event(models.TextChoices):
        PAUSED = "paused", _("paused by itself")
        ASKED = "asked", _("waits for a second person")
        FAILED = "failed", _("its reminder could not start")

    invitation = models.ForeignKey(Invitation, on_delete=models.CASCADE, related_name="notices")
    event = models.CharField(max_length=6, choices=Event.choices)
    made_at = models.DateTimeField()
    retry_at = models.DateTimeField()
    attempt = models.PositiveSmallIntegerField(default=0)
    settled_at = models.DateTimeField(null=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("notice to a team")
        verbose_name_plural = _("notices to teams")
        constraints = [
            models.UniqueConstraint(fields=["invitation", "event"], name="engagement_notice_once"),
        ]

    def __str__(self) -> str:
        return f"Team notice {self.pk}"
