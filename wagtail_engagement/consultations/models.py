"""What stands behind every consultation page, and what was answered; it outlives the page."""

from __future__ import annotations

import datetime
import secrets
import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..participants.models import Claim, Interest, Participant

# Crockford's base 32 has no I, L, O or U, so that a reference can be read out on the telephone.
REFERENCE_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_reference() -> str:
    """Return 8 random characters (40 bits) that residents and editors read."""
    return "".join(secrets.choice(REFERENCE_ALPHABET) for _position in range(8))


class State(models.TextChoices):
    """Where a consultation stands; always derived from its dates, never stored."""

    PLANNED = "planned", _("Planned")
    OPEN = "open", _("Open")
    CLOSED = "closed", _("Closed")
    ANSWERED = "answered", _("Answered")


class ConsultationQuerySet(models.QuerySet["Consultation"]):
    def live(self) -> ConsultationQuerySet:
        return self.filter(is_live=True)

    def planned_at(self, at: datetime.datetime) -> ConsultationQuerySet:
        return self.filter(opens_at__gt=at)

    def open_at(self, at: datetime.datetime) -> ConsultationQuerySet:
        return self.filter(opens_at__lte=at, closes_at__gt=at)

    def closed_at(self, at: datetime.datetime) -> ConsultationQuerySet:
        return self.filter(closes_at__lte=at)


class Consultation(models.Model):
    """One exercise of asking. The page mixin keeps it in step; responses hang on it."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    title = models.CharField(max_length=255)
    summary = models.TextField(blank=True)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    decision_expected_on = models.DateField(null=True, blank=True)
    answered_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When what came of it was first published.")
    )
    is_live = models.BooleanField(default=False)
    is_sensitive = models.BooleanField(default=False)
    area = models.CharField(max_length=120, blank=True)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    interests = models.ManyToManyField(Interest, related_name="consultations", blank=True)
    # The key of the site's own form page that a past exercise was brought in from. No foreign
    # key: a site may have replaced Page, and the row outlives the form.
    form_page = models.CharField(max_length=40, blank=True, editable=False)

    objects = ConsultationQuerySet.as_manager()

    class Meta:
        verbose_name = _("consultation")
        verbose_name_plural = _("consultations")
        ordering = ["-opens_at", "-id"]
        indexes = [
            models.Index(fields=["is_live", "closes_at"], name="engagement_consultation_live")
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["form_page"],
                condition=~Q(form_page=""),
                name="engagement_consultation_form",
            )
        ]

    def __str__(self) -> str:
        return self.title

    def state_at(self, at: datetime.datetime) -> State:
        if at < self.opens_at:
            return State.PLANNED
        if at < self.closes_at:
            return State.OPEN
        return State.ANSWERED if self.answered_at else State.CLOSED


class FormVersion(models.Model):
    """The questionnaire as it stood: keys, labels and options. Never changed once written.

    `definition` is a list of {"key", "kind", "label", "required", "options": [{"key", "label"}]}.
    """

    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, related_name="form_versions"
    )
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    definition = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("version of a questionnaire")
        verbose_name_plural = _("versions of questionnaires")
        ordering = ["consultation", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["consultation", "number"], name="engagement_formversion_number"
            ),
            models.UniqueConstraint(
                fields=["consultation", "digest"], name="engagement_formversion_digest"
            ),
        ]

    def __str__(self) -> str:
        return f"Questionnaire {self.consultation_id}, version {self.number}"


class ConsultationResponseQuerySet(models.QuerySet["ConsultationResponse"]):
    def counted(self) -> ConsultationResponseQuerySet:
        """Responses that count: those held back or rejected count nowhere."""
        return self.filter(status=ConsultationResponse.Status.COUNTED)


class ConsultationResponse(models.Model):
    """What somebody sent in. Linked to a person only when that person confirms."""

    class Status(models.TextChoices):
        COUNTED = "counted", _("Counted")
        HELD = "held", _("Held")
        REJECTED = "rejected", _("Rejected")

    class Route(models.TextChoices):
        OPEN = "open", _("Open link")
        INVITATION = "invitation", _("Invitation")
        REMINDER = "reminder", _("Reminder")
        PARTNER = "partner", _("Partner")
        COMMUNITY = "community", _("Community")
        STAFF = "staff", _("Entered by staff")
        BROUGHT = "brought", _("Brought in from a form")

    class Channel(models.TextChoices):
        """How an answer that staff typed in had reached them: the `route_key` of its route."""

        PAPER = "paper", _("On a paper form")
        LETTER = "letter", _("In a letter or an email")
        TELEPHONE = "telephone", _("By telephone")
        IN_PERSON = "in_person", _("In person")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    reference = models.CharField(
        _("reference"), max_length=8, unique=True, default=new_reference, editable=False
    )
    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, related_name="responses"
    )
    form_version = models.ForeignKey(
        FormVersion, on_delete=models.PROTECT, related_name="responses"
    )
    participant = models.ForeignKey(
        Participant, on_delete=models.SET_NULL, null=True, related_name="responses"
    )
    claim = models.ForeignKey(Claim, on_delete=models.SET_NULL, null=True, related_name="responses")
    answers = models.JSONField(default=dict)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.COUNTED
    )
    held_until = models.DateTimeField(null=True)
    held_because = models.CharField(max_length=40, blank=True)
    route = models.CharField(
        _("arrived by"), max_length=12, choices=Route.choices, default=Route.OPEN
    )
    route_key = models.CharField(max_length=40, blank=True)
    language = models.CharField(max_length=12, default="en")
    submitted_at = models.DateTimeField(_("received"), default=timezone.now)
    submission_hash = models.CharField(max_length=64, unique=True, editable=False)

    objects = ConsultationResponseQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("response")
        verbose_name_plural = _("responses")
        ordering = ["-submitted_at", "-id"]
        permissions = [
            ("enter_late_response", _("Can enter answers after a consultation has closed")),
            ("enter_response", _("Can enter answers that came on paper or by telephone")),
            ("export_response", _("Can export responses")),
            ("moderate_response", _("Can release and reject held responses")),
            ("view_response", _("Can read responses")),
            ("view_sensitive_response", _("Can see who took part in a sensitive consultation")),
        ]
        indexes = [
            models.Index(
                fields=["consultation", "status", "-submitted_at"], name="engagement_response_list"
            ),
            models.Index(fields=["participant", "consultation"], name="engagement_response_who"),
            models.Index(fields=["route_key"], name="engagement_response_route"),
            models.Index(
                fields=["held_until"], condition=Q(status="held"), name="engagement_response_held"
            ),
        ]

    def __str__(self) -> str:
        return f"Response {self.reference}"


class Answer(models.Model):
    """One answer to one question, typed; a multiple choice has one row per ticked option."""

    response = models.ForeignKey(
        ConsultationResponse, on_delete=models.CASCADE, related_name="answer_rows"
    )
    question_key = models.CharField(max_length=36)
    option_key = models.CharField(max_length=36, blank=True)
    number = models.DecimalField(max_digits=18, decimal_places=4, null=True)
    date = models.DateField(null=True)
    text = models.TextField(blank=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        indexes = [
            models.Index(fields=["question_key", "option_key"], name="engagement_answer_option")
        ]

    def __str__(self) -> str:
        return f"Answer {self.pk}"


class ResponseContact(models.Model):
    """What a respondent said of who they are, kept apart from the answers."""

    response = models.OneToOneField(
        ConsultationResponse, on_delete=models.CASCADE, related_name="contact"
    )
    email = models.EmailField(max_length=254, blank=True)
    name = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=40, blank=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("contact details of a response")
        verbose_name_plural = _("contact details of responses")

    def __str__(self) -> str:
        return f"Contact details of response {self.response_id}"
