"""Invitations, and one row for every person that an invitation goes to."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.fields import RichTextField
from wagtail.models import PreviewableMixin

from .. import conf, mail, notify
from ..consultations.models import Consultation, ConsultationResponse, new_reference
from ..participants.models import Interest, Participant
from .kinds import RETURNED, Halt
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

    class Chosen(models.TextChoices):
        """How people are found where not everybody is invited."""

        RANDOM = "random", _("at random, from each area its share")
        LIKELY = "likely", _("most likely to take part, and one in five at random")

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
        "at_most",
        "chosen_by",
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
    at_most = models.PositiveIntegerField(
        _("invite only so many of them"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "Leave it empty to invite everyone. People whom the law says to notify are always"
            " among them."
        ),
    )
    chosen_by = models.CharField(
        _("if not everyone, choose them"),
        max_length=6,
        choices=Chosen.choices,
        default=Chosen.RANDOM,
        help_text=_(
            "Likely means: interested in the topics, has taken part lately, answers invitations."
            " Never what somebody answered, and nothing about who they are."
        ),
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
    # Set while `halting` has paused it; then the counts that whoever resumed it has seen.
    halted = models.CharField(max_length=10, choices=Halt.choices, blank=True, editable=False)
    acknowledged = models.JSONField(default=dict, editable=False)
    # What was shown and frozen when Send was pressed.
    recipients = models.PositiveIntegerField(default=0, editable=False)
    exclusions = models.JSONField(default=dict, editable=False)
    not_drawn = models.PositiveIntegerField(default=0, editable=False)
    audience_sentence = models.TextField(blank=True, editable=False)
    rendered = models.JSONField(default=dict, editable=False)
    # When it begins. With OPENING the consultation's own date is followed, should it be moved.
    start = models.CharField(
        max_length=10, choices=Start.choices, default=Start.NOW, editable=False
    )
    starts_at = models.DateTimeField(null=True, editable=False)
    # Days before the closing date on which those who have not answered are reminded; null is never.
    remind_days = models.PositiveSmallIntegerField(null=True, editable=False)
    reminder_failed = models.CharField(max_length=200, blank=True, editable=False)  # and why
    # Who asks a second person to send this, and for which version of it.
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, editable=False, related_name="+"
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
    def arrives_as(self) -> ConsultationResponse.Route:
        """By which route a response comes that its link led to."""
        route = ConsultationResponse.Route
        return route.REMINDER if self.reminds_id else route.INVITATION

    @property
    def sender(self) -> mail.Sender | None:
        """Whose name it bears and where answers go; None is the council itself."""
        return self.team.sender if self.team else None

    @property
    def preview_modes(self) -> list[tuple[str, Any]]:
        modes = [("html", _("Email")), ("text", _("Plain text"))]
        if conf.summary_days():
            modes.append(("summary", _("In a summary")))
        return [*modes, ("notify", _("As GOV.UK Notify shows it"))] if notify.is_used() else modes

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

    def unanswered(self) -> DeliveryQuerySet:
        """Of people of whom nothing says that they have answered: those to remind.

        Somebody has answered who is known to have sent a response, or whose link was answered
        from, in this invitation or in another one to the same consultation.
        """
        same = {"participant": OuterRef("participant")}
        about = OuterRef("invitation__consultation")
        responses = ConsultationResponse.objects.counted().filter(consultation=about, **same)
        others = Delivery.objects.filter(invitation__consultation=about, has_answered=True, **same)
        still_there = self.filter(participant__isnull=False, has_answered=False)
        return still_there.filter(~Exists(responses), ~Exists(others))


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
        JOURNAL = "journal", _("sent, says the journal")
        BEFORE = "before", _("had been invited, says the journal")

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
    # How somebody came to be among fewer than all, as `affinity.in_words` reads it.
    chosen = models.CharField(max_length=20, blank=True, editable=False)
    # Without a time on purpose: it would lead to the response that was sent then.
    has_answered = models.BooleanField(default=False, editable=False)
    attempt = models.PositiveSmallIntegerField(default=0)
    owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)
    retry_at = models.DateTimeField(default=timezone.now)
    handed_at = models.DateTimeField(_("handed over"), null=True)
    fingerprint = models.CharField(max_length=64, blank=True, editable=False)
    key_id = models.CharField(max_length=32, blank=True, editable=False)
    provider_id = models.CharField(max_length=255, blank=True, editable=False)
    # Why it came back, by what the provider reported; empty where nothing did.
    bounce = models.CharField(
        _("came back because"),
        max_length=10,
        choices=[(kind.value, kind.label) for kind in RETURNED],
        blank=True,
        editable=False,
    )

    # For somebody who gets invitations together; then the one whose message brought it along.
    in_summary = models.BooleanField(default=False, editable=False)
    carried_by = models.ForeignKey("self", models.SET_NULL, null=True, related_name="carried")

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
            models.Index(
                fields=["retry_at"],
                condition=Q(in_summary=True, state="pending"),
                name="engagement_delivery_summary",
            ),
        ]

    def __str__(self) -> str:
        return f"Delivery {self.pk}"

    @property
    def why(self) -> str:
        """The reason in words: one of ours, what a provider reported, or what a mail server said."""
        if self.bounce:
            return str(self.get_bounce_display())
        return str(dict(self.Reason.choices).get(self.reason, self.reason))
