"""Who may be the same person, and who was made one; tables only."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import Participant


class PossibleDuplicate(models.Model):
    """Two records that may be one person: a hint for staff, which acts on nothing by itself."""

    class Hint(models.TextChoices):
        TAG = "tag", _("same address but for what follows a plus sign")
        DOTS = "dots", _("same address but for dots")
        DOMAIN = "domain", _("same mailbox under two names of one provider")
        LOOKALIKE = "lookalike", _("addresses that look alike")
        NAME = "name", _("same name and area")
        MOVED = "moved", _("one asked to move to the address of the other")

    class State(models.TextChoices):
        OPEN = "open", _("to look at")
        MERGED = "merged", _("merged")
        APART = "apart", _("kept apart")

    first = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    second = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    hint = models.CharField(_("why"), max_length=10, choices=Hint.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.OPEN)
    found_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("possible duplicate")
        verbose_name_plural = _("possible duplicates")
        ordering = ["found_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["first", "second"], name="engagement_duplicate_once")
        ]
        indexes = [
            models.Index(
                fields=["found_at"], condition=Q(state="open"), name="engagement_duplicate_open"
            )
        ]

    def __str__(self) -> str:
        return f"Possible duplicate {self.pk}"


class Merge(models.Model):
    """That one record was made part of another, and what is needed to take it back.

    `moved` maps the label of a table to the ids of rows that changed their person, and is emptied
    once the merge can no longer be taken back.
    """

    kept = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    merged = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    moved = models.JSONField(default=dict)
    at = models.DateTimeField(default=timezone.now)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    undone_at = models.DateTimeField(null=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("merge")
        verbose_name_plural = _("merges")
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"Merge {self.pk}"


class AddressChange(models.Model):
    """A new address that somebody asked us to write to, until they confirm it there.

    Afterwards it holds the address that was left, until the mail that tells it so is forgotten.
    """

    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, related_name="address_changes"
    )
    email = models.EmailField(max_length=254)
    address_key = models.CharField(max_length=254)
    mail = models.ForeignKey(
        "wagtail_engagement.RegisterMail", on_delete=models.CASCADE, related_name="+"
    )
    asked_at = models.DateTimeField(default=timezone.now)
    confirmed_at = models.DateTimeField(null=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("change of address")
        verbose_name_plural = _("changes of address")

    def __str__(self) -> str:
        return f"Change of address {self.pk}"
