"""Who of the council writes, and what each sender may send at once."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from .. import mail


class TeamQuerySet(models.QuerySet["Team"]):
    def in_use(self) -> TeamQuerySet:
        """Teams that invitations can be written for today."""
        return self.filter(is_dissolved=False)


class Team(models.Model):
    """A part of the council that invites people under its own name."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    sender_name = models.CharField(
        _("sender name"),
        max_length=80,
        help_text=_("Shown as the sender, before the council's own address."),
    )
    reply_to = models.EmailField(
        _("answers go to"),
        blank=True,
        help_text=_("A shared mailbox, so that answers are read when somebody is away."),
    )
    mailbox = models.EmailField(
        _("shared mailbox"),
        blank=True,
        help_text=_("Told when an invitation of the team has to wait for somebody."),
    )
    cap_share = models.PositiveSmallIntegerField(
        _("most invitations to one person"),
        null=True,
        blank=True,
        help_text=_(
            "From this team, within the days of the council's limit. Empty: only that limit counts."
        ),
    )
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("members"),
        blank=True,
        related_name="engagement_teams",
    )
    is_dissolved = models.BooleanField(
        _("dissolved"),
        default=False,
        help_text=_("No longer offered. What it sent keeps its name."),
    )

    objects = TeamQuerySet.as_manager()

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]
        permissions = [
            ("manage_team", _("Can manage teams")),
            ("reassign_work", _("Can give what belongs to a colleague to another")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def sender(self) -> mail.Sender:
        """Whose name a message bears, and where answers go."""
        return mail.Sender(self.sender_name, self.reply_to)


def usual_team(*, actor: Any, owner: Any = None) -> Team | None:
    """The team that somebody writes for: one shared with the owner of the consultation, else their
    own, else the owner's. None where neither has any."""
    own = list(actor.engagement_teams.in_use()) if actor else []
    owners = list(owner.engagement_teams.in_use()) if owner else []
    shared = [team for team in own if team in owners]
    return next(iter([*shared, *own, *owners]), None)


class SendingLimit(models.Model):
    """What one sender may still send now, and whether the mail server asked us to wait.

    Shared by every worker. `tokens` holds for each unit of time how many messages are left in its
    bucket, as of `filled_at`.
    """

    sender = models.CharField(max_length=254, unique=True)
    tokens = models.JSONField(default=dict)
    filled_at = models.DateTimeField()
    wait_until = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0)
    trouble = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("sending limit")
        verbose_name_plural = _("sending limits")

    def __str__(self) -> str:
        return f"Sending limit {self.pk}"
