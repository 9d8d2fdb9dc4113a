"""Abstract page mixins. A host's own page types, or ours in `wagtail_engagement.pages`, are made
of one of these and a Page class.
"""

from __future__ import annotations

import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.signals import post_delete
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from modelcluster.fields import ParentalManyToManyField
from wagtail.admin.forms import WagtailAdminPageForm
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel
from wagtail.fields import RichTextField
from wagtail.url_routing import RouteResult

from ..consent.notices import PLAIN_FEATURES
from ..participants import areas
from ..participants.models import Interest
from . import publishing, views
from .forms import NOT_ASKED, OPTIONAL, REQUIRED
from .models import Consultation, State
from .questions import QuestionsField, keep_option_keys

BODY_FEATURES = ["h2", "h3", "bold", "italic", "link", "ol", "ul", "image", "document-link"]
DONE = "thank-you"


class Ask(models.TextChoices):
    """How a form asks for a contact detail."""

    NOT_ASKED = NOT_ASKED, _("Not asked")
    OPTIONAL = OPTIONAL, _("Optional")
    REQUIRED = REQUIRED, _("Must be answered")


def opens_by_default() -> datetime.datetime:
    """The start of tomorrow, so that a page published today does not open by surprise."""
    return _midnight(1)


def closes_by_default() -> datetime.datetime:
    """One minute before midnight six weeks on, which gives people time to answer."""
    return _midnight(43) - datetime.timedelta(minutes=1)


def _midnight(days: int) -> datetime.datetime:
    today = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    return today + datetime.timedelta(days=days)


class ThankYouMixin(models.Model):
    """A page with a form has a confirmation page below it, at an address without a key."""

    class Meta:
        abstract = True

    def route(self, request: HttpRequest, path_components: list[str]) -> RouteResult:
        if path_components == [DONE] and self.live:
            return RouteResult(self, kwargs={"step": DONE})
        return super().route(request, path_components)  # type: ignore[misc]


class ConsultationPageForm(WagtailAdminPageForm):
    """Keeps the keys of options through an edit, so that answers stay with their option.

    Where the site knows its areas, one of them is chosen instead of typed.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "interests" in self.fields:
            chosen = [interest.pk for interest in self.instance.interests.all()]
            kept = Interest.objects.filter(pk__in=chosen, merged_into=None)
            self.fields["interests"].queryset = Interest.objects.in_use() | kept
        known = areas.names() if "area" in self.fields else []
        if known:
            offered = sorted({*known, self.instance.area} - {""})
            self.fields["area"] = forms.ChoiceField(
                label=self.fields["area"].label,
                required=False,
                choices=[("", _("The whole council")), *((name, name) for name in offered)],
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        if "questions" in data:
            keep_option_keys(data["questions"], self.instance.questions)
        return data


class ConsultationPageMixin(ThankYouMixin):
    """A consultation: what it is about, its questions, until when, and what came of it.

    Put it before a Page class. It needs nothing of the page but what every Wagtail page has.
    """

    is_consultation_page = True
    base_form_class = ConsultationPageForm
    exclude_fields_in_copy = ["consultation"]
    preview_modes = [("", _("Page and questions")), (DONE, _("Confirmation page"))]
    template = "wagtail_engagement/consultation_page.html"
    done_template = "wagtail_engagement/consultation_done.html"

    summary = models.TextField(
        _("summary"), max_length=400, help_text=_("One or two sentences for lists and mails.")
    )
    body = RichTextField(
        _("what it is about"),
        features=BODY_FEATURES,
        blank=True,
        help_text=_("What is proposed, why, and what people can change by answering."),
    )
    interests = ParentalManyToManyField(
        Interest, verbose_name=_("interests"), blank=True, related_name="+"
    )
    area = models.CharField(_("area"), max_length=120, blank=True)
    questions = QuestionsField(blank=True, verbose_name=_("questions"))

    ask_name = models.CharField(
        _("name"), max_length=10, choices=Ask.choices, default=Ask.NOT_ASKED
    )
    ask_email = models.CharField(
        _("email address"), max_length=10, choices=Ask.choices, default=Ask.OPTIONAL
    )
    offer_result = models.BooleanField(_("offer to tell people what came of it"), default=True)
    offer_invite = models.BooleanField(_("offer invitations to other consultations"), default=True)
    is_sensitive = models.BooleanField(
        _("sensitive"),
        default=False,
        help_text=_(
            "For subjects such as health, refuge or faith. No interest is inferred, no mail names"
            " the consultation, and only people with a permission of its own see who took part."
        ),
    )

    opens_at = models.DateTimeField(_("opens"), default=opens_by_default)
    closes_at = models.DateTimeField(_("closes"), default=closes_by_default)
    decision_expected_on = models.DateField(_("decision expected on"), null=True, blank=True)
    who_replies = models.CharField(
        _("who replies"),
        max_length=120,
        blank=True,
        help_text=_("The person or team that tells people what came of it."),
    )
    contact = models.CharField(
        _("contact"),
        max_length=200,
        blank=True,
        help_text=_("An email address or telephone number for questions."),
    )

    we_asked = RichTextField(_("we asked"), features=PLAIN_FEATURES, blank=True)
    you_said = RichTextField(_("you said"), features=PLAIN_FEATURES, blank=True)
    we_did = RichTextField(_("we did"), features=PLAIN_FEATURES, blank=True)

    consultation = models.ForeignKey(
        Consultation, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )

    about_panels = [
        FieldPanel("summary"),
        FieldPanel("body"),
    ]
    question_panels = [
        HelpPanel(
            _(
                "Add a question, then type or paste its options one a line. Name and address are"
                " asked for you at the end, if you choose so under People."
            )
        ),
        FieldPanel("questions"),
    ]
    people_panels = [
        MultiFieldPanel(
            [FieldPanel("ask_email"), FieldPanel("ask_name")], heading=_("Contact details")
        ),
        MultiFieldPanel(
            [FieldPanel("offer_result"), FieldPanel("offer_invite")],
            heading=_("Permissions people can give"),
        ),
        FieldPanel("interests", widget=forms.CheckboxSelectMultiple),
        FieldPanel("area"),
        FieldPanel("is_sensitive"),
    ]
    date_panels = [
        FieldRowPanel([FieldPanel("opens_at"), FieldPanel("closes_at")], heading=_("Open")),
        FieldPanel("decision_expected_on"),
        FieldPanel("who_replies"),
        FieldPanel("contact"),
    ]
    outcome_panels = [
        HelpPanel(_("Filled in after closing. It stands first on the page once published.")),
        FieldPanel("we_asked"),
        FieldPanel("you_said"),
        FieldPanel("we_did"),
    ]

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> Any:
        """Save the page and keep the consultation behind it in step.

        Wagtail saves drafts field by field (`update_fields`); those must not reach the row.
        """
        if self.consultation_id is None:
            self.consultation = publishing.row_for(self)
        if kwargs.get("update_fields") is None:
            self._follow_merged_interests()
        result = super().save(*args, **kwargs)
        if kwargs.get("update_fields") is None:
            publishing.follow(self)
        return result

    def _follow_merged_interests(self) -> None:
        """An older draft may name an interest that has become part of another since."""
        named = list(self.interests.all())
        if any(interest.merged_into_id for interest in named):
            self.interests = list({i.merged_into or i: None for i in named})

    @property
    def is_anonymous(self) -> bool:
        """Whether people are asked nothing of who they are."""
        return self.ask_email == self.ask_name == Ask.NOT_ASKED

    @property
    def has_outcome(self) -> bool:
        return bool(self.we_did or self.you_said)

    @property
    def state(self) -> State:
        """Where the consultation stands now, by the page's own dates: previews show the draft's."""
        row = Consultation(opens_at=self.opens_at, closes_at=self.closes_at)
        row.answered_at = self.closes_at if self.has_outcome else None
        return row.state_at(timezone.now())

    def clean(self) -> None:
        super().clean()
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": _("Closes before it opens")})

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs.get("step") == DONE:
            return views.show_thanks(self, request)
        return views.serve_consultation(self, request)

    def serve_preview(self, request: HttpRequest, mode_name: str) -> HttpResponse:
        if mode_name == DONE:
            return views.preview_thanks(self, request)
        return views.preview_consultation(self, request)


class ConsultationIndexPageMixin(models.Model):
    """Lists the consultations below it: open, coming up, closed."""

    template = "wagtail_engagement/consultation_index_page.html"
    introduction = RichTextField(_("introduction"), features=PLAIN_FEATURES, blank=True)
    list_panels = [FieldPanel("introduction")]

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return views.serve_index(self, request)


class RegistrationPageMixin(ThankYouMixin):
    """Sign-up for news of consultations, without a consultation."""

    is_registration_page = True
    template = "wagtail_engagement/registration_page.html"
    done_template = "wagtail_engagement/registration_done.html"
    introduction = RichTextField(_("introduction"), features=PLAIN_FEATURES, blank=True)
    sign_up_panels = [FieldPanel("introduction")]

    class Meta:
        abstract = True

    def serve(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs.get("step") == DONE:
            return views.show_registered(self, request)
        return views.serve_registration(self, request)


def follow_page_deletion() -> None:
    """Notice deleted pages, also those that go with a parent: Django tells of each one."""
    post_delete.connect(_page_deleted, dispatch_uid="wagtail_engagement.page_deleted")


def _page_deleted(sender: Any, instance: Any, **kwargs: Any) -> None:
    if getattr(sender, "is_consultation_page", False) and instance.consultation_id:
        publishing.page_gone(instance.consultation_id)
