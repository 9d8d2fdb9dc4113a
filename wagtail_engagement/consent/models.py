"""Wordings, the append-only ledger of consent, its projection, and the do-not-contact list."""

from __future__ import annotations

import datetime
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, HelpPanel

from .. import addresses, conf


class Purpose(models.TextChoices):
    """What a person may agree to; each has a tick box and a wording of its own."""

    INVITE = "invite", _("Invitations to other consultations")
    RESULT = "result", _("What came of one consultation")


class LawfulBasis(models.TextChoices):
    """The six of UK GDPR article 6(1). A site's own purposes run on consent or public task."""

    CONSENT = "consent", _("Consent")
    CONTRACT = "contract", _("Contract")
    LEGAL_OBLIGATION = "legal_obligation", _("Legal obligation")
    VITAL_INTERESTS = "vital_interests", _("Vital interests")
    PUBLIC_TASK = "public_task", _("Public task")
    LEGITIMATE_INTERESTS = "legitimate_interests", _("Legitimate interests")


class AppendOnlyError(TypeError):
    """Raised on an attempt to change or delete what is kept as proof."""


class AppendOnlyQuerySet(models.QuerySet):
    """Refuses every change, so that proof stays proof (P01). Erasure goes by `_raw_delete`."""

    def update(self, **values: Any) -> int:
        raise AppendOnlyError("These rows are kept as proof and cannot be changed.")

    def delete(self) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("These rows are kept as proof and cannot be deleted.")

    def bulk_update(self, *args: Any, **options: Any) -> int:
        raise AppendOnlyError("These rows are kept as proof and cannot be changed.")


class AppendOnlyModel(models.Model):
    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **options: Any) -> None:
        if self.pk is not None:
            raise AppendOnlyError("This row is kept as proof and cannot be changed.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> tuple[int, dict[str, int]]:
        raise AppendOnlyError("This row is kept as proof and cannot be deleted.")


class ConsentWording(AppendOnlyModel):
    """The exact words beside a permission box. A change of words is a new version (P03)."""

    purpose = models.CharField(_("purpose"), max_length=20, choices=Purpose.choices)
    language = models.CharField(_("language"), max_length=12, default="en")
    version = models.PositiveIntegerField(_("version"), editable=False)
    label = models.CharField(
        _("words beside the box"),
        max_length=255,
        help_text=_("One sentence that a person can agree to, naming who will write and why."),
    )
    hint = models.TextField(
        _("words below the box"),
        blank=True,
        help_text=_("How often, and how to leave. Shown with the box and kept with each tick."),
    )
    basis = models.CharField(
        _("lawful basis"),
        max_length=20,
        choices=LawfulBasis.choices,
        default=LawfulBasis.CONSENT,
        help_text=_(
            "Consent: the box is for saying yes. Public task: the words below tell people that you"
            " will write, and the box is for saying no."
        ),
    )
    created_at = models.DateTimeField(_("in use since"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="+",
    )

    panels = [
        HelpPanel(
            _(
                "People who ticked an earlier version keep what they were shown. Saving starts a new one."
            )
        ),
        FieldPanel("purpose"),
        FieldPanel("language"),
        FieldPanel("basis"),
        FieldPanel("label"),
        FieldPanel("hint"),
    ]

    class Meta:
        verbose_name = _("wording")
        verbose_name_plural = _("wordings")
        ordering = ["purpose", "language", "-version"]
        permissions = [("manage_consent_wording", _("Can write new wordings"))]
        constraints = [
            models.UniqueConstraint(
                fields=["purpose", "language", "version"], name="engagement_wording_version"
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_purpose_display()}, {self.language}, version {self.version}"

    def save(self, *args: Any, **options: Any) -> None:
        """Number the version by itself; two editors at once leave one to try again."""
        if self.version is None:
            newest = ConsentWording.objects.filter(purpose=self.purpose, language=self.language)
            self.version = (newest.aggregate(top=models.Max("version"))["top"] or 0) + 1
        super().save(*args, **options)


class ConsentEvent(AppendOnlyModel):
    """One thing that a person did about one purpose, with the words they were shown."""

    class Action(models.TextChoices):
        GIVEN = "given", _("agreed")
        WITHDRAWN = "withdrawn", _("withdrew")
        OBJECTED = "objected", _("objected")
        INFORMED = "informed", _("was informed")
        LAPSED = "lapsed", _("permission ran out")
        PAUSED = "paused", _("paused")
        RETRACTED = "retracted", _("import undone")

    class Channel(models.TextChoices):
        FORM = "form", _("form, confirmed by mail")
        CHOICES = "choices", _("choices page")
        ONE_CLICK = "one_click", _("leave button of a mail program")
        LEAVE_PAGE = "leave_page", _("leave page")
        PROVIDER = "provider", _("mail provider")
        STAFF = "staff", _("staff")
        IMPORT = "import", _("spreadsheet")
        MERGE = "merge", _("merged with another record")
        SYSTEM = "system", _("the register itself")

        @classmethod
        def own(cls) -> tuple[ConsentEvent.Channel, ...]:
            """What a person does with a link from our own mail."""
            return (cls.CHOICES, cls.ONE_CLICK, cls.LEAVE_PAGE)

    participant = models.ForeignKey(
        "wagtail_engagement.Participant",
        on_delete=models.PROTECT,
        related_name="consent_events",
        db_index=False,  # engagement_event_person begins with it.
    )
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    action = models.CharField(max_length=12, choices=Action.choices)
    channel = models.CharField(max_length=12, choices=Channel.choices)
    consultation = models.ForeignKey(
        "wagtail_engagement.Consultation",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text=_("For a result: the consultation that it is about. Else where it was ticked."),
    )
    wording = models.ForeignKey(
        ConsentWording, on_delete=models.PROTECT, null=True, related_name="events"
    )
    evidence = models.CharField(
        max_length=120,
        blank=True,
        help_text=_("What proves it, such as the id of the claim that was confirmed."),
    )
    batch = models.ForeignKey(
        "wagtail_engagement.ImportBatch",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        db_index=False,  # engagement_event_batch has those that are there.
    )
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    until = models.DateTimeField(null=True, help_text=_("When a pause ends."))
    at = models.DateTimeField(default=timezone.now)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("consent event")
        verbose_name_plural = _("consent events")
        ordering = ["at", "id"]
        indexes = [
            models.Index(fields=["participant", "at"], name="engagement_event_person"),
            models.Index(
                fields=["batch"], condition=Q(batch__isnull=False), name="engagement_event_batch"
            ),
        ]

    def __str__(self) -> str:
        return f"Consent event {self.pk}"


# A database uses an index of some rows only where a statement repeats the index's condition. For
# SQLite a parameter does not, so that this is the word itself.
_INVITE = models.Func(template=f"'{Purpose.INVITE.value}'", output_field=models.CharField())


class ContactPermissionQuerySet(models.QuerySet["ContactPermission"]):
    def about_invitations(self) -> ContactPermissionQuerySet:
        """Whether people may be invited: one row at most for a person, none for a merged record."""
        return self.filter(purpose=_INVITE)

    def may_be_invited(self) -> ContactPermissionQuerySet:
        """Of people who agreed and whom nothing bars; `recheck_at` may be over by now."""
        return self.about_invitations().filter(may_write=True)

    def not_invited_because(self, *reasons: str) -> ContactPermissionQuerySet:
        """Of people who may not be invited, for one of these reasons."""
        return self.about_invitations().filter(may_write=False, reason__in=reasons)


class ContactPermission(models.Model):
    """May we write to this person for this purpose? A projection of the events.

    Only `settling.settle()` writes these rows. The audience and the last check before a message
    leaves read nothing else: no row means that the person never agreed.
    """

    class Reason(models.TextChoices):
        GRANTED = "granted", _("agreed")
        NEVER_AGREED = "never_agreed", _("has not agreed")
        STOPPED = "stopped", _("asked us to stop")
        UNDELIVERABLE = "undeliverable", _("mail does not arrive")
        PAUSED = "paused", _("paused")
        LAPSED = "lapsed", _("permission ran out")

    participant = models.ForeignKey(
        "wagtail_engagement.Participant", on_delete=models.CASCADE, related_name="permissions"
    )
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    consultation = models.ForeignKey(
        "wagtail_engagement.Consultation",
        on_delete=models.CASCADE,
        null=True,
        related_name="+",
        help_text=_("Set for a result, empty for purposes of the whole site."),
    )
    may_write = models.BooleanField(default=False)
    reason = models.CharField(max_length=14, choices=Reason.choices)
    recheck_at = models.DateTimeField(
        null=True, help_text=_("When a pause or a permission ends; the worker settles it then.")
    )
    lapses = models.BooleanField(
        default=False, help_text=_("Whether `recheck_at` is the end of the agreement.")
    )
    is_by_consent = models.BooleanField(
        default=False,
        help_text=_("Whether the person agreed; empty where they were only told that we write."),
    )
    since = models.DateTimeField(help_text=_("Time of the event that decided it."))

    objects = ContactPermissionQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("permission")
        verbose_name_plural = _("permissions")
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "purpose"],
                condition=Q(consultation=None),
                name="engagement_permission_site",
            ),
            models.UniqueConstraint(
                fields=["participant", "purpose", "consultation"],
                condition=Q(consultation__isnull=False),
                name="engagement_permission_result",
            ),
        ]
        indexes = [
            models.Index(
                fields=["participant"],
                condition=Q(purpose=Purpose.INVITE, may_write=True),
                name="engagement_permission_yes",
            ),
            models.Index(
                fields=["reason", "participant"],
                condition=Q(purpose=Purpose.INVITE, may_write=False),
                name="engagement_permission_no",
            ),
            models.Index(
                fields=["recheck_at"],
                condition=Q(recheck_at__isnull=False),
                name="engagement_permission_recheck",
            ),
            models.Index(
                fields=["since"],
                condition=Q(reason="lapsed"),
                name="engagement_permission_lapsed",
            ),
        ]

    def __str__(self) -> str:
        return f"Permission {self.pk}"

    @property
    def ends_at(self) -> datetime.datetime | None:
        """When an agreement to be invited runs out by itself, also behind a pause."""
        if self.lapses:
            return self.recheck_at
        days = conf.permission_days()
        is_paused = self.reason == self.Reason.PAUSED and self.purpose == Purpose.INVITE
        if not days or not is_paused or not self.is_by_consent:
            return None
        return self.since + datetime.timedelta(days=days)


class SuppressionQuerySet(models.QuerySet["Suppression"]):
    def of_address(self, address: str) -> SuppressionQuerySet:
        """Rows about an address, under whichever key they were written."""
        return self.filter(fingerprint__in=addresses.fingerprints(address))


class Suppression(models.Model):
    """An address that we must not write to, kept as a keyed hash that outlives the person (P08)."""

    class Reason(models.TextChoices):
        BOUNCED = "bounced", _("mail does not arrive")
        COMPLAINED = "complained", _("reported our mail as spam")
        UNSUBSCRIBED = "unsubscribed", _("left")
        OBJECTED = "objected", _("objected")
        ERASED = "erased", _("was erased at their request")
        MANUAL = "manual", _("entered by staff")

    # What staff may take back; the rest only the person can, by confirming an address anew.
    LIFTED_BY_STAFF = (Reason.BOUNCED, Reason.MANUAL)
    SHEET = "import "  # Begins the source of an entry that a sheet made, and that goes with it.

    fingerprint = models.CharField(max_length=64, editable=False)
    key_id = models.CharField(max_length=32, editable=False)
    purpose = models.CharField(
        _("purpose"),
        max_length=20,
        choices=Purpose.choices,
        null=True,
        blank=True,
        help_text=_("Empty means every purpose."),
    )
    reason = models.CharField(_("reason"), max_length=12, choices=Reason.choices)
    source = models.CharField(_("how we learned it"), max_length=80, blank=True)
    at = models.DateTimeField(_("since"), default=timezone.now)

    objects = SuppressionQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("do not contact")
        verbose_name_plural = _("do not contact")
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["fingerprint"], condition=Q(purpose=None), name="engagement_suppressed_all"
            ),
            models.UniqueConstraint(
                fields=["fingerprint", "purpose"],
                condition=Q(purpose__isnull=False),
                name="engagement_suppressed_purpose",
            ),
        ]

    def __str__(self) -> str:
        return f"Do not contact {self.pk}"
