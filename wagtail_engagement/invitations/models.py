"""Invitations, and one row for every person that an invitation goes to."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.fields import RichTextField
from wagtail.models import PreviewableMixin

from .. import conf, mail
from ..consultations.models import Consultation, new_reference
from ..participants.models import Interest, Participant
from .teams import Team

MAIL_FEATURES = ["bold", "italic", "link", "ul", "ol"]


class Invitation(PreviewableMixin, models.Model):
    """A mailing about one consultation. Once started, neither text nor audience changes."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        SENDING = "sending", _("Sending")
        PAUSED = "paused", _("Paused")
        STOPPED = "stopped", _("Stopped")
        FINISHED = "finished", _("Finished")

    class Match(models.TextChoices):
        ANY = "any", _("any of these interests")
        ALL = "all", _("all of these interests")

    class Start(models.TextChoices):
        NOW = "now", _("Now")
        OPENING = "opening", _("When the consultation opens")
        TIME = "time", _("At a time that I choose")

    STARTED = (
        Status.SCHEDULED,
        Status.SENDING,
        Status.PAUSED,
        Status.STOPPED,
        Status.FINISHED,
    )
    # What the editor decides, besides the interests; `sending.amend` alone changes it.
    AMENDABLE = (
        "match",
        "not_invited_days",
        "is_promotional",
        "beyond_cap_reason",
        "team",
        "subject",
        "preheader",
        "opening",
    )

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(max_length=8, unique=True, default=new_reference, editable=False)
    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, related_name="invitations"
    )
    match = models.CharField(
        _("people interested in"), max_length=3, choices=Match.choices, default=Match.ANY
    )
    interests = models.ManyToManyField(
        Interest,
        verbose_name=_("interests"),
        blank=True,
        related_name="+",
        help_text=_(
            "Choose none to invite everyone who agreed, except people who chose other topics."
        ),
    )
    not_invited_days = models.PositiveSmallIntegerField(
        _("leave out people invited in the last (days)"), default=conf.invited_days
    )
    is_promotional = models.BooleanField(
        _("it also promotes a paid service, fundraising or another organisation"),
        default=False,
        help_text=_(
            "Such an email goes only to people who agreed to be invited: not to those who were"
            " told that we write, nor to those whom the law says to notify."
        ),
    )
    beyond_cap_reason = models.CharField(
        _("why it goes beyond the limit on emails"),
        max_length=200,
        blank=True,
        help_text=_(
            "Leave empty unless the law makes the council write. People then get this although they"
            " had as many invitations lately as the council allows; the reason is kept."
        ),
    )
    team = models.ForeignKey(
        Team,
        verbose_name=_("team"),
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="invitations",
        help_text=_("Whose name it bears, and who gets the answers."),
    )
    reminds = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="reminders",
    )
    subject = models.CharField(_("subject"), max_length=120, blank=True)
    preheader = models.CharField(
        _("preview line"),
        max_length=140,
        blank=True,
        help_text=_("Shown after the subject in many inboxes."),
    )
    opening = RichTextField(_("opening words"), features=MAIL_FEATURES, blank=True)
    status = models.CharField(
        max_length=10, choices=Status.choices, default=Status.DRAFT, editable=False
    )
    status_reason = models.CharField(max_length=200, blank=True, editable=False)
    # What was shown and frozen when Send was pressed.
    recipients = models.PositiveIntegerField(default=0, editable=False)
    exclusions = models.JSONField(default=dict, editable=False)
    audience_sentence = models.TextField(blank=True, editable=False)
    rendered = models.JSONField(default=dict, editable=False)
    # When it begins. With OPENING the consultation's own date is followed, should it be moved.
    start = models.CharField(
        max_length=10, choices=Start.choices, default=Start.NOW, editable=False
    )
    starts_at = models.DateTimeField(null=True, editable=False)
    # Days before the closing date on which those who have not answered are reminded; null is never.
    remind_days = models.PositiveSmallIntegerField(null=True, editable=False)
    # Who asks a second person to send this, and for which version of it.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    asked_at = models.DateTimeField(null=True, editable=False)
    asked_version = models.CharField(max_length=64, blank=True, editable=False)
    asked_count = models.PositiveIntegerField(default=0, editable=False)
    # Who made the last change: nobody is the second person for words of their own.
    edited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    started_at = models.DateTimeField(null=True, editable=False)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-id"]
        permissions = [
            ("send_invitation", _("Can send invitations")),
            ("approve_invitation", _("Can approve invitations")),
        ]
        indexes = [models.Index(fields=["status"], name="engagement_invitation_status")]
        constraints = [
            models.UniqueConstraint(fields=["reminds"], name="engagement_reminded_once"),
        ]

    def __str__(self) -> str:
        return self.subject or _("Invitation to %(title)s") % {"title": self.consultation.title}

    @property
    def is_started(self) -> bool:
        return self.status in self.STARTED

    @property
    def has_left(self) -> bool:
        """Whether anybody may have got it by now."""
        return self.deliveries.left_the_building().exists()

    @property
    def begins_at(self) -> Any:
        """When a scheduled one is due."""
        return self.consultation.opens_at if self.start == self.Start.OPENING else self.starts_at

    @property
    def sender(self) -> mail.Sender | None:
        """Whose name it bears and where answers go; None is the council itself."""
        return self.team.sender if self.team else None

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        return [("html", _("Email")), ("text", _("Plain text"))]

    def serve_preview(self, request: Any, mode_name: str) -> Any:
        """Show the letter that the preview view made; tables know nothing of rendering."""
        return request.show_letter(mode_name)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def live(self) -> DeliveryQuerySet:
        """Deliveries that are still to be settled by a worker."""
        return self.filter(state__in=Delivery.LIVE)

    def left_the_building(self) -> DeliveryQuerySet:
        """Deliveries that reached, or may have reached, their person."""
        return self.filter(state__in=Delivery.LEFT)


class Delivery(models.Model):
    """One message to one participant. `sending` and `tracking` alone write these rows."""

    class State(models.TextChoices):
        PENDING = "pending", _("waiting")
        LEASED = "leased", _("about to be sent")
        HANDING = "handing", _("being handed to the mail server")
        ACCEPTED = "accepted", _("sent")
        DELIVERED = "delivered", _("delivered")
        BOUNCED = "bounced", _("came back")
        COMPLAINED = "complained", _("reported as spam")
        UNCERTAIN = "uncertain", _("we cannot tell")
        REFUSED = "refused", _("refused by the mail server")
        SKIPPED = "skipped", _("not sent")

    class Reason(models.TextChoices):
        """Why somebody of the frozen audience was not written to after all."""

        NO_PERMISSION = "no_permission", _("no longer agrees, or cannot be reached")
        ERASED = "erased", _("left the register")
        CLOSED = "closed", _("the consultation closed first")
        STOPPED = "stopped", _("the invitation was stopped")
        ANSWERED = "answered", _("answered meanwhile")
        # Of those in doubt: a colleague looked, and nothing is sent again.
        LEFT = "left", _("we cannot tell, and a colleague left it so")

    LIVE = (State.PENDING, State.LEASED, State.HANDING)
    LEFT = (
        State.HANDING,
        State.ACCEPTED,
        State.DELIVERED,
        State.BOUNCED,
        State.COMPLAINED,
        State.UNCERTAIN,
    )

    # Who got it as far as we can tell, so that a reminder makes sense.
    ARRIVED = (State.ACCEPTED, State.DELIVERED, State.UNCERTAIN)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    invitation = models.ForeignKey(Invitation, on_delete=models.PROTECT, related_name="deliveries")
    participant = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, related_name="deliveries"
    )
    state = models.CharField(
        _("state"), max_length=10, choices=State.choices, default=State.PENDING
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(default=timezone.now)
    handed_at = models.DateTimeField(_("handed over"), null=True)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    key_id = models.CharField(max_length=32, blank=True, editable=False)
    provider_id = models.CharField(max_length=255, blank=True, editable=False)

    objects = DeliveryQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["invitation", "participant"], name="engagement_delivery_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["invitation", "state", "retry_at", "id"], name="engagement_delivery_state"
            ),
            models.Index(fields=["participant", "handed_at"], name="engagement_delivery_recent"),
            models.Index(
                fields=["lease_until"],
                condition=Q(lease_until__isnull=False),
                name="engagement_delivery_leases",
            ),
            models.Index(fields=["provider_id"], name="engagement_delivery_provider"),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"

    @property
    def why(self) -> str:
        """The reason in words: one of ours, or what a mail server said."""
        return str(dict(self.Reason.choices).get(self.reason, self.reason))


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
