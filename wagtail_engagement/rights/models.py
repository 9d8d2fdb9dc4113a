"""Requests of people about their own data, and what the retention clock removed."""

from __future__ import annotations

import datetime
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..consultations.models import new_reference
from ..participants.models import Participant, RegisterMail


def a_month_from_now() -> datetime.datetime:
    """The law's time limit for an answer: one month (UK GDPR article 12)."""
    return timezone.now() + datetime.timedelta(days=30)


class RightsRequest(models.Model):
    """What a person asked for. It outlives the person, and then holds nothing of them."""

    class Kind(models.TextChoices):
        ACCESS = "access", _("a copy of their data")
        ERASURE = "erasure", _("erasure")

    class State(models.TextChoices):
        OPEN = "open", _("to be handled")
        CHECKING = "checking", _("waiting for the person to say that it is theirs")
        CONFIRMED = "confirmed", _("confirmed by the person")
        DONE = "done", _("done")
        LAPSED = "lapsed", _("nobody confirmed it")

    class Identity(models.TextChoices):
        MAIL = "mail", _("by a link mailed to their address")
        LETTER = "letter", _("by letter or in person")

    # It waits for staff in these states; in the others for the person, or for nobody.
    WITH_STAFF = (State.OPEN, State.CONFIRMED)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(max_length=8, unique=True, default=new_reference, editable=False)
    kind = models.CharField(_("asks for"), max_length=10, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.OPEN)
    identity = models.CharField(
        _("identity checked"), max_length=8, choices=Identity.choices, blank=True
    )
    participant = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, related_name="requests"
    )
    mail = models.ForeignKey(
        RegisterMail, on_delete=models.SET_NULL, null=True, related_name="requests"
    )
    keeps_responses = models.BooleanField(default=True)
    receipt = models.JSONField(default=dict)
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_at = models.DateTimeField(_("answer by"), default=a_month_from_now)
    closed_at = models.DateTimeField(null=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("request")
        verbose_name_plural = _("requests")
        ordering = ["due_at", "id"]
        indexes = [
            models.Index(
                fields=["due_at"], condition=Q(closed_at=None), name="engagement_request_open"
            )
        ]

    def __str__(self) -> str:
        return f"Request {self.reference}"


class RetentionRun(models.Model):
    """What one run of the retention clocks removed: counts, and nothing of anybody."""

    at = models.DateTimeField(default=timezone.now)
    counts = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("run of the retention clocks")
        verbose_name_plural = _("runs of the retention clocks")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"Retention run {self.pk}"
