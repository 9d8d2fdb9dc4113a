"""What a site says about itself, and the basis on which it writes to people."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _
from wagtail.admin.panels import FieldPanel, MultiFieldPanel
from wagtail.contrib.settings.models import BaseSiteSetting, register_setting
from wagtail.fields import RichTextField

from .models import LawfulBasis

PLAIN_FEATURES = ["bold", "italic", "link", "ul", "ol"]


@register_setting(icon="group", order=900)
class EngagementSettings(BaseSiteSetting):
    """What every consultation of a site says about who asks and what becomes of the answers."""

    about_us = RichTextField(
        _("who we are"),
        blank=True,
        features=PLAIN_FEATURES,
        help_text=_("One or two sentences: which council asks, and which team."),
    )
    privacy_notice = RichTextField(
        _("privacy notice"),
        blank=True,
        features=PLAIN_FEATURES,
        help_text=_("What you do with the answers, why you may, how long you keep them."),
    )
    complaints = RichTextField(
        _("how to complain about the use of personal data"),
        blank=True,
        features=PLAIN_FEATURES,
        help_text=_("Your data protection complaints route, and the Information Commissioner."),
    )
    other_ways = RichTextField(
        _("other ways to answer"),
        blank=True,
        features=PLAIN_FEATURES,
        help_text=_("Paper, telephone, easy read, another language."),
    )
    organisation = models.CharField(
        _("name of the council"),
        max_length=120,
        blank=True,
        help_text=_("Signs every mail. Leave empty to use the site's name."),
    )

    dpo = models.CharField(
        _("data protection officer"),
        max_length=200,
        blank=True,
        help_text=_("Name or role, and how to reach them."),
    )
    processors = models.TextField(
        _("processors"),
        blank=True,
        help_text=_("Who handles the data for you, one a line: mail provider, hosting, and where."),
    )
    invite_basis = models.CharField(
        _("invitations rest on"),
        max_length=20,
        choices=[
            (LawfulBasis.CONSENT.value, _("Consent: people tick a box to be invited")),
            (LawfulBasis.PUBLIC_TASK.value, _("Public task: people are told, and can say no")),
        ],
        default=LawfulBasis.CONSENT,
        help_text=_("A change binds only people who are shown the new words afterwards."),
    )
    basis_decided_by = models.CharField(
        _("decided by"),
        max_length=200,
        blank=True,
        help_text=_("Who decided on public task: needed before it takes effect."),
    )
    basis_decided_on = models.DateField(_("decided on"), null=True, blank=True)

    panels = [
        FieldPanel("organisation"),
        MultiFieldPanel(
            [
                FieldPanel("invite_basis"),
                FieldPanel("basis_decided_by"),
                FieldPanel("basis_decided_on"),
            ],
            heading=_("Lawful basis of invitations"),
        ),
        MultiFieldPanel(
            [FieldPanel("dpo"), FieldPanel("processors")], heading=_("For the data protection pack")
        ),
        MultiFieldPanel(
            [
                FieldPanel("about_us"),
                FieldPanel("privacy_notice"),
                FieldPanel("complaints"),
                FieldPanel("other_ways"),
            ],
            heading=_("Shown with every consultation"),
        ),
    ]

    class Meta:
        verbose_name = _("engagement")

    @property
    def is_public_task(self) -> bool:
        """Whether invitations rest on public task; without a named decision they do not."""
        chosen = self.invite_basis == LawfulBasis.PUBLIC_TASK
        return bool(chosen and self.basis_decided_by and self.basis_decided_on)

    def clean(self) -> None:
        super().clean()
        if self.invite_basis == LawfulBasis.PUBLIC_TASK and not self.is_public_task:
            said = _("Say who decided on public task, and on which day.")
            raise ValidationError({"basis_decided_by": said})
