"""The register: people, their interests, what waits to be confirmed, and the links we mailed."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from taggit.models import TagBase
from wagtail.admin.panels import FieldPanel

from .. import addresses


class InterestQuerySet(models.QuerySet["Interest"]):
    def in_use(self) -> InterestQuerySet:
        """Interests that can be chosen today: neither merged into another nor retired."""
        return self.filter(merged_into=None, is_retired=False)


class Interest(TagBase):
    """A topic of the site's one vocabulary; also an issue that outlives any consultation."""

    free_tagging = False  # Staff define the vocabulary; Wagtail's tag field reads this.

    description = models.CharField(_("description"), max_length=200, blank=True)
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="merged_from"
    )
    is_retired = models.BooleanField(
        _("retired"),
        default=False,
        help_text=_("No longer offered. People and pages keep it, and its history stays."),
    )

    objects = InterestQuerySet.as_manager()
    panels = [
        FieldPanel("name"),
        FieldPanel("description"),
        FieldPanel("is_retired"),
    ]

    class Meta:
        verbose_name = _("interest")
        verbose_name_plural = _("interests")
        ordering = ["name"]


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def current(self) -> ParticipantQuerySet:
        """People and organisations, without the records that were merged into another."""
        return self.filter(merged_into=None)

    def merged(self) -> ParticipantQuerySet:
        """Records that were merged into another: few, so that a list of them costs little."""
        return self.filter(merged_into__isnull=False)


class Participant(models.Model):
    """A person or an organisation in the register, known by a confirmed address.

    `__str__` and every audit entry name the number alone, for they outlive erasure.
    """

    class Kind(models.TextChoices):
        PERSON = "person", _("Person")
        ORGANISATION = "organisation", _("Organisation")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    address_key = models.CharField(max_length=254, unique=True, editable=False)
    email = models.EmailField(_("email address"), max_length=254)
    name = models.CharField(_("name"), max_length=200, blank=True)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.PERSON)
    area = models.CharField(_("area"), max_length=120, blank=True)
    must_be_notified = models.BooleanField(
        _("must be notified"),
        default=False,
        help_text=_("A statutory consultee: the law says that it is told of consultations."),
    )
    merged_into = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="merged_from"
    )
    batch = models.ForeignKey(
        "wagtail_engagement.ImportBatch",
        on_delete=models.SET_NULL,
        null=True,
        editable=False,
        related_name="newcomers",
        help_text=_("The import that brought somebody in; empty for who came by themselves."),
    )
    kept_until = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("When the record goes unless something gives a reason to keep it."),
    )
    summaries_since = models.DateTimeField(
        null=True,
        editable=False,
        help_text=_("Since when somebody gets invitations together; empty for each by itself."),
    )
    joined_at = models.DateTimeField(_("joined"), default=timezone.now)
    confirmed_at = models.DateTimeField(_("last confirmed"), null=True)

    objects = ParticipantQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("participant")
        verbose_name_plural = _("participants")
        # Who joined last has the highest number, and every index knows the numbers.
        ordering = ["-id"]
        permissions = [
            ("view_participant_pii", _("Can see names and addresses")),
            ("export_participant", _("Can export participants")),
            ("tag_participant", _("Can give and take away interests of participants")),
            ("merge_participant", _("Can merge participants")),
            ("erase_participant", _("Can handle requests for access, correction and erasure")),
        ]
        indexes = [
            models.Index(fields=["-joined_at", "-id"], name="engagement_participant_new"),
            models.Index(fields=["name"], name="engagement_participant_name"),
            models.Index(fields=["area"], name="engagement_participant_area"),
            models.Index(
                fields=["kept_until"],
                condition=Q(kept_until__isnull=False),
                name="engagement_participant_end",
            ),
            models.Index(
                fields=["id"],
                condition=Q(must_be_notified=True),
                name="engagement_participant_must",
            ),
            models.Index(
                fields=["id"],
                condition=Q(summaries_since__isnull=False),
                name="engagement_participant_sums",
            ),
        ]

    def __str__(self) -> str:
        return f"Participant {self.pk}"

    @property
    def masked_email(self) -> str:
        return addresses.mask(self.email)


class ParticipantInterest(models.Model):
    """That a person cares about something, and how we know."""

    class Origin(models.TextChoices):
        DECLARED = "declared", _("chosen by the person")
        INFERRED = "inferred", _("shown by taking part")
        IMPORTED = "imported", _("from a spreadsheet")
        STAFF = "staff", _("given by staff")

    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, related_name="interest_links", db_index=False
    )
    interest = models.ForeignKey(
        Interest, on_delete=models.PROTECT, related_name="participant_links", db_index=False
    )
    origin = models.CharField(max_length=10, choices=Origin.choices)
    consultation = models.ForeignKey(
        "wagtail_engagement.Consultation",
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        help_text=_("Where it was chosen or shown; empty for a sensitive consultation."),
    )
    batch = models.ForeignKey(
        "wagtail_engagement.ImportBatch", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    since = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(default=timezone.now)
    removed_at = models.DateTimeField(
        null=True, help_text=_("When the person took it away; taking part never brings it back.")
    )

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("interest of a participant")
        verbose_name_plural = _("interests of participants")
        constraints = [
            models.UniqueConstraint(
                fields=["participant", "interest"], name="engagement_interest_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["interest", "participant", "origin"],
                condition=Q(removed_at=None),
                name="engagement_interest_people",
            ),
            models.Index(
                fields=["interest", "participant"],
                condition=Q(removed_at__isnull=False),
                name="engagement_interest_taken",
            ),
            models.Index(
                fields=["participant", "origin"],
                condition=Q(removed_at=None),
                name="engagement_interest_origin",
            ),
            models.Index(
                fields=["renewed_at"],
                condition=Q(removed_at=None),
                name="engagement_interest_fade",
            ),
        ]

    def __str__(self) -> str:
        return f"Interest {self.interest_id} of participant {self.participant_id}"


class RegisterMail(models.Model):
    """One mail of the register itself; also the ledger that the caps count.

    It holds no address, only its keyed hash, and is deleted after 30 days.
    """

    class Kind(models.TextChoices):
        CONFIRM = "confirm", _("asks to confirm an address")
        FRESH = "fresh", _("carries a fresh link")
        MOVE = "move", _("asks to confirm a new address")
        MOVED = "moved", _("tells the old address of the new one")
        IDENTITY = "identity", _("asks whether a request is the person's own")
        RENEW = "renew", _("asks whether we may go on writing")

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        HANDING = "handing", _("being handed to the mail server")
        SENT = "sent", _("sent")
        UNCERTAIN = "uncertain", _("we cannot tell")
        REFUSED = "refused", _("refused by the mail server")

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    fingerprint = models.CharField(max_length=64)
    key_id = models.CharField(max_length=32)
    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, null=True, related_name="register_mails"
    )
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    retry_at = models.DateTimeField(default=timezone.now)
    at = models.DateTimeField(default=timezone.now, db_index=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("mail of the register")
        verbose_name_plural = _("mails of the register")
        indexes = [
            models.Index(fields=["fingerprint", "kind", "at"], name="engagement_mail_caps"),
            models.Index(fields=["state", "retry_at"], name="engagement_mail_queue"),
        ]

    def __str__(self) -> str:
        return f"Register mail {self.pk}"


class ClaimQuerySet(models.QuerySet["Claim"]):
    def pending(self) -> ClaimQuerySet:
        """Claims that nobody has confirmed yet."""
        return self.filter(confirmed_at=None)


class Claim(models.Model):
    """What somebody says about an address, until its owner confirms it.

    It carries all that `registry.register()` needs, so that confirming asks no part above.
    `purposes` maps each ticked purpose to the id of the wording that was shown beside it.
    """

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    address_key = models.CharField(max_length=254)
    email = models.EmailField(max_length=254)
    name = models.CharField(max_length=200, blank=True)
    purposes = models.JSONField(default=dict)
    interest_ids = models.JSONField(default=list)
    inferred_ids = models.JSONField(default=list)
    consultation = models.ForeignKey(
        "wagtail_engagement.Consultation", on_delete=models.SET_NULL, null=True, related_name="+"
    )
    page_url = models.CharField(max_length=255, blank=True)
    source = models.CharField(
        max_length=40,
        blank=True,
        help_text=_("How and when it came, where staff typed it in: “paper 2026-05-03”."),
    )
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    held_until = models.DateTimeField(
        null=True, help_text=_("No mail before this time, for its response is held.")
    )
    invite_until = models.DateTimeField(
        _("until"), help_text=_("When an unconfirmed agreement to be invited ends.")
    )
    result_until = models.DateTimeField(
        null=True, help_text=_("When an unconfirmed wish to hear the result ends.")
    )
    mail = models.ForeignKey(
        RegisterMail, on_delete=models.SET_NULL, null=True, related_name="claims"
    )
    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, null=True, related_name="claims"
    )
    confirmed_at = models.DateTimeField(null=True)

    objects = ClaimQuerySet.as_manager()
    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("person waiting to confirm")
        verbose_name_plural = _("people waiting to confirm")
        ordering = ["-created_at", "-id"]
        indexes = [
            models.Index(
                fields=["address_key", "created_at"],
                condition=Q(confirmed_at=None),
                name="engagement_claim_pending",
            ),
            models.Index(
                fields=["created_at"],
                condition=Q(confirmed_at=None, mail=None),
                name="engagement_claim_unmailed",
            ),
        ]

    def __str__(self) -> str:
        return f"Claim {self.pk}"

    @property
    def masked_email(self) -> str:
        return addresses.mask(self.email)


class Link(models.Model):
    """A link that we mailed, known by the hash of its token alone (S01)."""

    class Purpose(models.TextChoices):
        CONFIRM = "confirm", _("confirm an address")
        CHOICES = "choices", _("see and change choices")
        LEAVE = "leave", _("leave")
        FRESH = "fresh", _("see what was taken part in, for a day")
        MOVE = "move", _("confirm a new address")
        IDENTITY = "identity", _("say that a request is one's own")
        RENEW = "renew", _("let us go on writing")
        ANSWER = "answer", _("tell that somebody answered from an invitation")

    token_hash = models.CharField(max_length=64, unique=True)
    purpose = models.CharField(max_length=10, choices=Purpose.choices)
    uuid = models.UUIDField(help_text=_("The mail or message that carries the link."))
    key_id = models.CharField(max_length=32)
    participant = models.ForeignKey(
        Participant, on_delete=models.CASCADE, null=True, related_name="links"
    )
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(null=True)
    used_at = models.DateTimeField(null=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("mailed link")
        verbose_name_plural = _("mailed links")
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(expires_at__isnull=False),
                name="engagement_link_end",
            )
        ]

    def __str__(self) -> str:
        return f"Link {self.pk}"
