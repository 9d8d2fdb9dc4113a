"""A sheet that was brought in, and what became of each of its rows."""

from __future__ import annotations

import datetime
import uuid
from pathlib import PurePath

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..consent.models import LawfulBasis
from ..participants.models import Interest, Participant

MAY_BE_INVITED = "may_be_invited"
# Responses and answers that come in from a form, and responses that are here already.
RESPONSES, ANSWERS, ALREADY = SAID = ("responses", "answers", "already")


class ImportBatch(models.Model):
    """One sheet with all that was declared about it. It outlives its file and its rows."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("being prepared")
        PARKED = "parked", _("parked")
        CHECKING = "checking", _("being checked")
        CHECKED = "checked", _("checked")
        RUNNING = "running", _("being imported")
        FINISHED = "finished", _("imported")
        UNDOING = "undoing", _("being undone")
        UNDONE = "undone", _("undone")
        FAILED = "failed", _("could not be read")

    # What a worker has to do.
    LIVE = (Status.CHECKING, Status.RUNNING, Status.UNDOING)

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    status = models.CharField(
        _("status"), max_length=10, choices=Status.choices, default=Status.DRAFT
    )
    status_reason = models.CharField(max_length=250, blank=True)
    # The file
    filename = models.CharField(_("file"), max_length=200)
    stored_as = models.CharField(max_length=80, blank=True)
    sha256 = models.CharField(max_length=64)
    sheet = models.CharField(_("sheet"), max_length=100, blank=True)
    header_row = models.PositiveIntegerField(_("row of headings"), null=True)
    encoding = models.CharField(max_length=40, blank=True)
    delimiter = models.CharField(max_length=2, blank=True)
    skips_hidden_rows = models.BooleanField(default=False)
    headers = models.JSONField(default=list)
    mapping = models.JSONField(default=dict)
    # What raw words in the column of interests mean: text to the id of an interest, or null.
    interest_words = models.JSONField(default=dict)
    everyone = models.ManyToManyField(
        Interest, verbose_name=_("everyone here is interested in"), blank=True, related_name="+"
    )
    # Where the rows are the submissions of a form page of the site: its key, and what was found
    # in it (see submissions.survey). There is no file then. The answers become a consultation
    # without a page, under this title.
    form_page = models.CharField(max_length=40, blank=True)
    form = models.JSONField(default=dict)
    title = models.CharField(_("title"), max_length=255, blank=True)
    is_sensitive = models.BooleanField(_("sensitive"), default=False)
    # What was declared
    source = models.CharField(_("where it comes from"), max_length=200, blank=True)
    collected_from = models.DateField(_("collected from"), null=True, blank=True)
    collected_to = models.DateField(_("collected until"), null=True, blank=True)
    basis = models.CharField(
        _("lawful basis"), max_length=20, choices=LawfulBasis.choices, blank=True
    )
    words = models.TextField(_("words that people were shown"), blank=True)
    kind = models.CharField(
        _("who is on it"),
        max_length=12,
        choices=Participant.Kind.choices,
        default=Participant.Kind.PERSON,
    )
    attested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    attested_at = models.DateTimeField(null=True)
    waits_for = models.CharField(_("waits for"), max_length=200, blank=True)
    # How it goes. `totals` counts rows by outcome; they add up to `rows_done`. While the sheet is
    # checked it also counts people, by MAY_BE_INVITED; of a form it counts what is SAID too.
    totals = models.JSONField(default=dict)
    rows_total = models.PositiveIntegerField(default=0)
    rows_done = models.PositiveIntegerField(default=0)
    last_row = models.PositiveIntegerField(default=0)
    owner = models.CharField(max_length=60, blank=True)
    lease_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(_("uploaded"), default=timezone.now)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    file_gone_at = models.DateTimeField(null=True)

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("import")
        verbose_name_plural = _("imports")
        ordering = ["-created_at", "-id"]
        permissions = [("import_participant", _("Can bring in spreadsheets"))]
        indexes = [
            models.Index(
                fields=["status"],
                condition=Q(status__in=["checking", "running", "undoing"]),
                name="engagement_batch_live",
            ),
            models.Index(fields=["sha256"], name="engagement_batch_hash"),
        ]

    def __str__(self) -> str:
        return f"Import {self.pk}"

    def from_where(self, since: datetime.datetime | None = None) -> str:
        """Say where the sheet, or a row `since` some day, comes from: “Parks list, collected May 2025”.

        A row whose day is not known has the first of the sheet's days.
        """
        first, last = self.collected_from, self.collected_to or self.collected_from
        if since and timezone.localtime(since).date() not in (first, self.brought_in_on):
            first = last = timezone.localtime(since).date()
        facts = {"source": self.source or gettext("a spreadsheet")}
        if first is None or last is None:
            facts["month"] = date_format(self.brought_in_on, "F Y")
            return gettext("%(source)s, brought in %(month)s") % facts
        facts |= {"month": date_format(first, "F Y"), "last": date_format(last, "F Y")}
        if facts["month"] == facts["last"]:
            return gettext("%(source)s, collected %(month)s") % facts
        return gettext("%(source)s, collected %(month)s to %(last)s") % facts

    @property
    def brought_in_on(self) -> datetime.date:
        return timezone.localtime(self.started_at or self.created_at).date()

    @property
    def name(self) -> str:
        """The file, and the sheet of it where that has a name of its own."""
        is_alone = self.sheet in ("", self.filename, PurePath(self.filename).stem)
        return self.filename if is_alone else f"{self.filename}, {self.sheet}"


class ImportRow(models.Model):
    """What became of one row. Its values are kept only while somebody has to look at them."""

    class Outcome(models.TextChoices):
        NEW = "new", _("new")
        ADDED = "added", _("adds to a person")
        UNCHANGED = "unchanged", _("unchanged")
        SUPPRESSED = "suppressed", _("do not contact")
        REVIEW = "review", _("to look at")
        REFUSED = "refused", _("not imported")
        NO_ADDRESS = "no_address", _("without an address")

    batch = models.ForeignKey(
        ImportBatch, on_delete=models.CASCADE, related_name="rows", db_index=False
    )
    number = models.PositiveIntegerField(_("row"))
    outcome = models.CharField(_("outcome"), max_length=10, choices=Outcome.choices)
    column = models.PositiveSmallIntegerField(_("column"), null=True)
    reason = models.CharField(_("reason"), max_length=250, blank=True)
    participant = models.ForeignKey(
        Participant,
        on_delete=models.SET_NULL,
        null=True,
        related_name="import_rows",
        db_index=False,  # engagement_row_person has those that are there.
    )
    values = models.JSONField(null=True)
    # The names and interests that were there by a sheet before this one, so that they stay when
    # that one is undone: {"names": [...], "interests": [ids]}.
    repeats = models.JSONField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+"
    )

    wagtail_reference_index_ignore = True

    class Meta:
        verbose_name = _("row of an import")
        verbose_name_plural = _("rows of imports")
        ordering = ["number", "id"]
        constraints = [
            models.UniqueConstraint(fields=["batch", "number"], name="engagement_row_once")
        ]
        indexes = [
            models.Index(fields=["batch", "outcome", "number"], name="engagement_row_outcome"),
            models.Index(
                fields=["participant"],
                condition=Q(participant__isnull=False),
                name="engagement_row_person",
            ),
        ]

    def __str__(self) -> str:
        return f"Row {self.number} of import {self.batch_id}"
