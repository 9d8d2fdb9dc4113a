"""The pages of the example site that are not the package's."""

from django.db import models
from django.utils import timezone
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import FieldPanel, InlinePanel
from wagtail.contrib.forms.models import AbstractForm, AbstractFormField
from wagtail.contrib.forms.panels import FormSubmissionsPanel
from wagtail.fields import RichTextField
from wagtail.models import Page

from wagtail_engagement.pages.models import ConsultationPage


class HomePage(Page):
    introduction = models.TextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction")]
    parent_page_types = ["wagtailcore.Page"]

    def get_context(self, request, *args, **kwargs):
        """Add what can be answered now, soonest end first, and what came of it lately."""
        now = timezone.now()
        pages = ConsultationPage.objects.live().public().descendant_of(self)
        return super().get_context(request, *args, **kwargs) | {
            "open_consultations": pages.filter(opens_at__lte=now, closes_at__gt=now).order_by(
                "closes_at"
            )[:6],
            "answered_consultations": pages.filter(closes_at__lte=now)
            .exclude(we_did="")
            .order_by("-closes_at")[:3],
        }


class StandardPage(Page):
    introduction = models.TextField(blank=True)
    body = RichTextField(blank=True)

    content_panels = [*Page.content_panels, FieldPanel("introduction"), FieldPanel("body")]


class FormField(AbstractFormField):
    page = ParentalKey("FormPage", on_delete=models.CASCADE, related_name="form_fields")


class FormPage(AbstractForm):
    """A form as sites had them before, whose answers can be brought in."""

    introduction = RichTextField(blank=True)
    thanks = RichTextField(blank=True)

    content_panels = [
        *AbstractForm.content_panels,
        FormSubmissionsPanel(),
        FieldPanel("introduction"),
        InlinePanel("form_fields", label="Questions"),
        FieldPanel("thanks"),
    ]
